"""Bodies as files: their names, their compression, and which of them stay."""
