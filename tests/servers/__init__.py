"""Servers to test and to measure against, on loopback.

``polite`` counts requests and answers as a test configures it; ``hostile`` keeps a zoo of what servers do wrong.
"""
