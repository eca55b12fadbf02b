"""What happens to a client's packet, step by step: pure functions from facts to steps."""
