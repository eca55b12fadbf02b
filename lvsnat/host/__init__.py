"""What the data path asks of the host: sysctls, addresses and the nft table, as a backend."""
