"""What a failure means: for its target, for its host, for the network, and for robots.txt."""
