"""The shells: where sessions meet sockets, clocks and keys. They know nothing of bots, callers or speech."""
