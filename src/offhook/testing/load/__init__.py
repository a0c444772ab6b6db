"""Thousands of true AudioHook calls against any server, and what they saw: the machinery of `offhook load`."""
