"""``NamedTuple`` as that of ``typing``, but quick to define.

``typing`` compiles the annotation of each field to check it, which takes longer than the rest, and a short run defines
forty such classes. They are classes of ``collections.namedtuple``, as those of ``typing`` are. Type checkers see
``typing``'s and do the checks.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Definition(type):
        """Turns the body of a class into a class of ``collections.namedtuple``."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:  # noqa: ARG004
            names = body["__annotations__"]
            defaults = [body.pop(field) for field in names if field in body]
            made = namedtuple(name, names, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
