"""Builds engines from settings and runs them."""
