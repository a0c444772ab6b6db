"""What the speech benchmarks are measured on: calls put together from recordings, by a seed."""
