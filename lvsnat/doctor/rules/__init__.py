"""Functions from facts to findings, one module for each part of a packet's way. No I/O here."""
