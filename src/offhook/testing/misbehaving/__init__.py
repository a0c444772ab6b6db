"""A server that misbehaves on purpose, in one place at a time."""
