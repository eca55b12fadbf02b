"""What the data path asks of the host: settings, addresses, routing and the nft table."""
