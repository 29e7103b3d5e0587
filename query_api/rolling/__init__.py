"""The rolling windows: what is kept of them, who keeps it, and which of it answers a question."""
