"""Keys in the live view: their bytes, what they change, and the terminal that they come from."""
