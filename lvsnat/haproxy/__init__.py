"""HAProxy: what it is to serve, as values and as text; the process; what it carries."""
