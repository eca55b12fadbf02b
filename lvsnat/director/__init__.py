"""The library's front door: what the command line calls."""
