"""What each code means, for people: texts and examples. No I/O here."""
