"""Cases for clients: envelope."""
