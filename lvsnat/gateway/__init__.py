"""The way back on a real server: its replies go through the director."""
