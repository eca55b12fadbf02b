"""Other programs' configurations to the model and back. Pure: text and values, no I/O."""
