"""How long a run will still take, and which host or machine decides that."""
