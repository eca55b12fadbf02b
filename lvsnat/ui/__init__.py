"""Draw values. Nothing here can reach a backend."""
