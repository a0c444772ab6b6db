"""Cases for clients: misplaced."""
