"""Records as tables: a SQLite database and a Parquet file."""
