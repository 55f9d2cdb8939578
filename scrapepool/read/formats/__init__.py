"""Row formats: how a list of lines, CSV, TSV or JSON Lines is recognized and cut into entries."""
