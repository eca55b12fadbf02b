"""Text to model and back: lvsnat.toml."""
