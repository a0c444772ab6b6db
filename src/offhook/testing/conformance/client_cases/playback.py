"""Cases for clients: playback."""
