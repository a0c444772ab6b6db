"""Cases for clients: events."""
