"""Cases for clients: sizes."""
