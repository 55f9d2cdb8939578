"""A class made here behaves as one made by ``typing.NamedTuple``."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing

import pytest

from scrapepool.named_tuple import NamedTuple


class Quick(NamedTuple):
    """Made here."""

    name: str
    size: int = 1
    known: Unknown | None = None  # type: ignore[name-defined]  # noqa: F821 - as names that only type checkers see

    @property
    def double(self) -> int:
        return 2 * self.size

    @classmethod
    def of(cls, name: str) -> Quick:
        return cls(name)

    def __repr__(self) -> str:
        return tuple.__repr__(self)


class Usual(typing.NamedTuple):
    """Made by Python."""

    name: str
    size: int = 1
    known: Unknown | None = None  # type: ignore[name-defined]  # noqa: F821

    @property
    def double(self) -> int:
        return 2 * self.size

    @classmethod
    def of(cls, name: str) -> Usual:
        return cls(name)

    def __repr__(self) -> str:
        return tuple.__repr__(self)


def test_instances_are_the_same() -> None:
    for args, values in [(("a",), {}), (("a", 2), {"known": "x"}), ((), {"size": 3, "name": "a"})]:
        quick, usual = Quick(*args, **values), Usual(*args, **values)
        assert quick == usual
        assert (repr(quick), quick.double, quick._asdict()) == (repr(usual), usual.double, usual._asdict())
        assert quick._replace(size=5) == usual._replace(size=5)
        assert pickle.loads(pickle.dumps(quick)) == copy.deepcopy(quick) == quick
        assert type(pickle.loads(pickle.dumps(quick))) is Quick
    match Quick.of("a"):
        case Quick("a", size):
            assert size == 1


def test_classes_are_the_same() -> None:
    for name in ("_fields", "_field_defaults", "__match_args__", "__slots__", "__mro__"):
        quick, usual = getattr(Quick, name), getattr(Usual, name)
        assert quick == usual or (name == "__mro__" and quick[1:] == usual[1:])
    assert (Quick.__doc__, Quick.__module__, Quick.__qualname__) == ("Made here.", __name__, "Quick")
    assert list(inspect.signature(Quick).parameters) == list(inspect.signature(Usual).parameters)
    assert Quick.__annotations__["known"] == "Unknown | None"


@pytest.mark.parametrize("made", [Quick, Usual])
def test_wrong_arguments_are_refused(made: typing.Any) -> None:
    for args, values in [((), {}), (("a", 1, None, 2), {}), (("a",), {"name": "b"}), (("a",), {"other": 1})]:
        with pytest.raises(TypeError):
            made(*args, **values)
