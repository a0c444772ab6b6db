"""Cases for clients: upgrade."""
