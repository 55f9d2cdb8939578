"""The health of hosts and of the network: circuits, rates, cool-downs, retries, outages."""
