"""`offhook check`: the conformance suite for AudioHook, both sides. It judges by the wire alone."""
