"""Servers to test and to measure against, on loopback.

``polite`` counts what it is asked and answers as it is told; ``hostile`` keeps a zoo of what servers do wrong.
"""
