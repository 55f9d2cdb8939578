"""The contracts between the engine and its surroundings: Protocols, and the values that pass between them.

Decides these contracts and nothing else. Each stage can be replaced by a small class that keeps one of the Protocols,
which is how the engine is tested.

Modules outside of this package import its names from here; its own modules import each other.
"""

from __future__ import annotations

from ..schedule.sharing.host_state import HostState
from ..schedule.tally import HostRow
from .clock import Clock, SystemClock
from .controls import Controls
from .host_memory import HostMemory, NoMemory
from .outputs import Archive, Sink, Store
from .reading import Batch, Ended, Feed, ListRequests
from .snapshot import Example, Snapshot
from .transport import LEASES_OUT, Done, Transport, Unbegun, Work
from .view import KeyView, NoView, View

__all__ = [
    "LEASES_OUT",
    "Archive",
    "Batch",
    "Clock",
    "Controls",
    "Done",
    "Ended",
    "Example",
    "Feed",
    "HostMemory",
    "HostRow",
    "HostState",
    "KeyView",
    "ListRequests",
    "NoMemory",
    "NoView",
    "Sink",
    "Snapshot",
    "Store",
    "SystemClock",
    "Transport",
    "Unbegun",
    "View",
    "Work",
]
