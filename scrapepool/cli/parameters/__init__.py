"""How options are declared: their types, their groups in the help, and the files that they read."""
