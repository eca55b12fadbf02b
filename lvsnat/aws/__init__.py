"""AWS: the way back through the director, seen, decided, made and put back. boto3 stays in here."""
