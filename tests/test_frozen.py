"""A class made by ``@frozen`` behaves as one made by ``dataclass(frozen=True)``."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

import scrapepool
from scrapepool import Fetched, HostKey, Skipped, Target
from scrapepool.frozen import Compared, frozen, rarely_made


@frozen
class Shared:
    """Made here."""

    name: str
    size: int = 1
    tags: tuple[str, ...] = field(default_factory=tuple)
    secret: str = field(default="", repr=False)
    note: str = field(default="", compare=False)
    double: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size")
        object.__setattr__(self, "double", 2 * self.size)


@dataclass(frozen=True)
class Usual:
    """Made by Python."""

    name: str
    size: int = 1
    tags: tuple[str, ...] = field(default_factory=tuple)
    secret: str = field(default="", repr=False)
    note: str = field(default="", compare=False)
    double: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size")
        object.__setattr__(self, "double", 2 * self.size)


CALLS = [
    (("a",), {}),
    (("a", 2), {"tags": ("x",)}),
    ((), {"name": "a", "secret": "s", "note": "n"}),
]


@pytest.mark.parametrize(("args", "values"), CALLS)
def test_instances_are_the_same(args, values):
    shared, usual = Shared(*args, **values), Usual(*args, **values)
    assert asdict(shared) == asdict(usual)
    assert repr(shared) == repr(usual).replace("Usual", "Shared")
    assert hash(shared) == hash(usual)
    assert [one.name for one in fields(shared)] == [one.name for one in fields(usual)]
    assert Shared.__match_args__ == Usual.__match_args__
    assert pickle.loads(pickle.dumps(shared)) == copy.deepcopy(shared) == shared
    assert asdict(replace(shared, size=3)) == asdict(replace(usual, size=3))


@pytest.mark.parametrize(
    ("args", "values"),
    [((), {}), (("a", 1, (), "", "", 2), {}), (("a",), {"name": "b"}), (("a",), {"other": 1}), (("a",), {"double": 1})],
)
@pytest.mark.parametrize("made", [Shared, Usual])
def test_wrong_arguments_are_refused(made, args, values):
    with pytest.raises(TypeError):
        made(*args, **values)


def test_values_are_compared():
    assert Shared("a") == Shared("a", note="not compared")
    assert Shared("a") != Shared("b")
    assert Shared("a") != Usual("a")
    assert len({Shared("a"), Shared("a", 1), Shared("a", 2)}) == 2


def test_the_protocols_of_python_hold():
    match Shared("a", 2):
        case Shared("a", size):
            assert size == 2
    one = Shared("a")
    assert getattr(copy, "replace", replace)(one, size=3) == Shared("a", 3)  # copy.replace from Python 3.13 on
    assert copy.copy(one) == one
    shown = inspect.signature(Shared)
    assert str(shown).startswith("(name: 'str', size: 'int' = 1, tags: 'tuple[str, ...]' = ()")
    assert list(shown.parameters) == list(inspect.signature(Usual).parameters)
    assert [one.default for one in shown.parameters.values()][:2] == [inspect.Parameter.empty, 1]


@pytest.mark.parametrize("name", [one for one in scrapepool.__all__ if one.endswith(("Settings", "Policy", "Limits"))])
def test_settings_are_such_classes(name):
    kind = getattr(scrapepool, name)
    assert kind() == kind() == copy.deepcopy(kind()) == pickle.loads(pickle.dumps(kind()))
    assert hash(kind()) == hash(kind())
    with pytest.raises(FrozenInstanceError):
        setattr(kind(), fields(kind)[0].name, None)


def test_outcomes_are_compared_shown_and_copied():
    page = Target("http://h/a", HostKey("http", "h", 80), "/a", userinfo="ann:secret")
    one = Fetched(target=page, status=200, body=b"x")
    assert one == replace(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
    assert one != replace(one, status=404) != Skipped(target=page, error="robots")
    assert repr(one).startswith("Fetched(target=Target(url='http://h/a', ")
    assert "secret" not in repr(one)
    assert asdict(one)["target"]["path"] == "/a"
    match one:
        case Fetched(status=200, target=Target(url=url)):
            assert url == page.url


def test_nothing_can_be_changed():
    one = Shared("a")
    with pytest.raises(FrozenInstanceError):
        one.size = 2
    with pytest.raises(FrozenInstanceError):
        del one.size
    with pytest.raises(FrozenInstanceError):
        one.other = 2
    with pytest.raises(ValueError, match="size"):
        replace(one, size=-1)


@dataclass(slots=True, repr=False, eq=False)
class Plain(Compared):
    """Can be changed."""

    name: str
    secret: str = field(default="", repr=False)


def test_a_plain_one_is_compared_and_shown_by_its_fields():
    assert Plain("a", "s") == Plain("a", "s") != Plain("a", "t")
    assert repr(Plain("a", "s")) == "Plain(name='a')"
    assert Plain.__hash__ is None
    assert pickle.loads(pickle.dumps(Plain("a"))) == Plain("a")


@rarely_made
class Late(Plain):
    """As ``Compiled``, but for the time at which its ``__init__`` is compiled."""

    why: str
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, repr=False, eq=False)
class Compiled(Plain):
    """Compiled at once."""

    why: str
    tags: list[str] = field(default_factory=list)


class Later(Late):
    """Its first instance is made before one of ``Late``."""

    __slots__ = ()


@pytest.mark.parametrize("made", [Later, Late])
def test_a_rarely_made_one_is_as_any(made):
    assert repr(made("a", "s", why="w")) == repr(Compiled("a", "s", why="w")).replace("Compiled", made.__name__)
    assert str(inspect.signature(made)) == str(inspect.signature(Compiled))
    first, second = made("a", why="w"), made("a", why="w")
    first.tags.append("x")
    assert second.tags == []
    assert replace(second, why="v") != second == pickle.loads(pickle.dumps(second)) == copy.deepcopy(second)
    assert not hasattr(first, "__dict__")
    for args, values in [((), {"why": "w"}), (("a",), {}), (("a", "s", "w"), {}), (("a",), {"why": "w", "other": 1})]:
        with pytest.raises(TypeError):
            made(*args, **values)


def test_what_a_rarely_made_one_needs_is_compiled_once():
    @rarely_made
    class One:
        name: str

    assert not inspect.isfunction(vars(One)["__init__"])
    One(name="a")
    compiled = vars(One)["__init__"]
    assert inspect.isfunction(compiled)
    One(name="b")
    assert vars(One)["__init__"] is compiled
