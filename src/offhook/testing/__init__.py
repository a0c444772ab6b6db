"""Bricks to test either end of AudioHook with: a joined pair, a virtual clock, recordings."""
