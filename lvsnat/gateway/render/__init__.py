"""A way back as files that make it again at every boot, one module for each format. No I/O here."""
