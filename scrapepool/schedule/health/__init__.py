"""How hosts fare, and what follows: cool-downs, circuits, rates, retries, outages."""
