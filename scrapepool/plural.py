"""Writes a number with its noun, for messages and tables.

Decides when the plural is used. Knows no other units; those are in ``render.units``.
"""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number and its noun: ``1 URL``, ``2,000 URLs``. plural: for a noun that takes more than an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
