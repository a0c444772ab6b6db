"""Cases for clients: pauses."""
