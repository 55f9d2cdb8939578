"""The zoo: every behaviour by name, with what may come of it."""

from __future__ import annotations

from collections.abc import Mapping

from ..wire import Behaviour
from . import fields, framing
from .rows import behaviour
from .rude import RUDE
from .slow import SLOW

ZOO: Mapping[str, Behaviour] = {
    each.name: each for each in (*SLOW, *RUDE, *map(behaviour, framing.ROWS), *map(behaviour, fields.ROWS))
}
