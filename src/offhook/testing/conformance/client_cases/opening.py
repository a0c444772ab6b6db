"""Cases for clients: opening."""
