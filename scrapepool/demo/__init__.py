"""A small web on loopback, to try the program without any load on real servers.

``pages`` decides how each host responds, ``server`` serves that on sockets, ``wire`` has the values that they exchange,
and ``web`` gives every host an address.
"""

from __future__ import annotations

from .web import DEFAULT_PORT, DemoWeb, demo_urls

__all__ = ["DEFAULT_PORT", "DemoWeb", "demo_urls"]
