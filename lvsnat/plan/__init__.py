"""Compare two states and carry out the difference. Pure but for the Backend it is handed."""
