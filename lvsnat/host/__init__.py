"""What the data path asks of the host: sysctls and addresses, as a backend."""
