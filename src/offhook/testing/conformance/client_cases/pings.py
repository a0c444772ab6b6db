"""Cases for clients: pings."""
