"""What is kept of a call: its events, its recording, the store that keeps them, and the report that shows them."""
