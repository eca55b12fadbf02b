"""The command line: parse, make one call, draw the answer."""
