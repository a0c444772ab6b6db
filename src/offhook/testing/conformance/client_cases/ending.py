"""Cases for clients: ending."""
