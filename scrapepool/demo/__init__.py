"""A small web of the program's own, for a first look at it that bothers nobody's server.

``pages`` says what each host answers, ``server`` puts it on sockets, ``wire`` is what they exchange, and ``web``
gives every host an address.
"""

from __future__ import annotations

from .web import DEFAULT_PORT, DemoWeb, demo_urls

__all__ = ["DEFAULT_PORT", "DemoWeb", "demo_urls"]
