"""``@frozen``, ``@rarely_made`` and ``Compared``: dataclasses that are quick to define.

``dataclass(frozen=True)`` compiles six methods per class, which takes half a millisecond, and a short run would define
forty such classes. Here the classes share their methods. An instance of a ``@frozen`` class takes some microseconds
more to make, so it is for settings and the like. Values that are made for each URL are NamedTuples, or dataclasses that
compile only their ``__init__`` and inherit the rest from ``Compared``. A ``@rarely_made`` class is such a dataclass
whose ``__init__`` is compiled for its first instance.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields, make_dataclass
from typing import Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Turn a class into a dataclass, as ``dataclass(frozen=True)`` does."""
    made = dataclass(init=False, repr=False, eq=False)(cls)
    for name, method in _METHODS.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    made.__signature__ = _Signature()  # type: ignore[attr-defined]
    return made


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def rarely_made(cls: type[T]) -> type[T]:
    """Turn a class into a dataclass, as ``dataclass(slots=True, kw_only=True, repr=False, eq=False)`` does."""
    made = dataclass(init=False, slots=True, kw_only=True, repr=False, eq=False)(cls)
    made.__init__ = _LateInit(made)  # type: ignore[assignment]
    return made


class _LateInit:
    """The ``__init__`` of a dataclass, compiled on its first use."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type) -> Any:
        described = [
            (one.name, one.type, field(default=one.default, default_factory=one.default_factory, kw_only=one.kw_only))
            for one in fields(self._cls)
        ]
        compiled: Any = make_dataclass(self._cls.__name__, described, repr=False, eq=False)
        self._cls.__init__ = compiled.__init__
        return compiled.__init__.__get__(instance, owner)


class _Signature:
    """The signature of a class for ``inspect.signature`` and ``help``: its fields, computed on access."""

    def __get__(self, instance: object, owner: type) -> Any:
        from inspect import Parameter, Signature  # noqa: PLC0415 - rarely needed

        def default(one: Any) -> Any:
            made = one.default if one.default_factory is MISSING else one.default_factory()
            return Parameter.empty if made is MISSING else made

        kind = Parameter.POSITIONAL_OR_KEYWORD
        shown = [one for one in fields(owner) if one.init]
        return Signature([Parameter(one.name, kind, default=default(one), annotation=one.type) for one in shown])


def _init(self: Any, *args: Any, **values: Any) -> None:
    names = self.__match_args__
    if len(args) > len(names):
        raise TypeError(f"{_name(self)} takes {len(names)} values at most, {len(args)} were given")
    for name, value in zip(names, args, strict=False):
        if name in values:
            raise TypeError(f"{_name(self)} got two values for {name}")
        values[name] = value
    if unknown := values.keys() - set(names):
        raise TypeError(f"{_name(self)} has no field {', '.join(sorted(unknown))}")
    for one in fields(self):
        if one.name in values or not one.init:
            continue
        if one.default_factory is not MISSING:
            values[one.name] = one.default_factory()
        elif one.default is MISSING:
            raise TypeError(f"{_name(self)} needs a value for {one.name}")
        else:
            values[one.name] = one.default
    self.__dict__.update(values)
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _setattr(self: Any, name: str, value: object) -> None:  # noqa: ARG001 - Python's signature
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:  # noqa: ARG001 - as above
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _name(self: object) -> str:
    return type(self).__qualname__


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, one.name) for one in fields(self) if one.compare)


class Compared:
    """The methods that ``dataclass(repr=False, eq=False)`` leaves out, with the same results, shared by subclasses."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)  # type: ignore[arg-type]
        return f"{_name(self)}({shown})"

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented

    __hash__: ClassVar[None]  # type: ignore[assignment]  # as Python has it beside __eq__


_METHODS = {
    "__init__": _init,
    "__repr__": Compared.__repr__,
    "__eq__": Compared.__eq__,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
