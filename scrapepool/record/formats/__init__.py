"""What a record says, and how it is written: JSON Lines, CSV, TSV and templates."""
