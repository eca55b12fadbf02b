"""The nouns of a director, as frozen values. No I/O here."""
