"""Parts are completed by size, by age and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import pytest

from scrapepool.errors import OutputError
from scrapepool.model import Outcome
from scrapepool.record.formats.serializer import RecordSink
from scrapepool.record.parts.part_folder import PartFolder
from scrapepool.record.parts.part_sink import PartSink

ONE = cast("Sequence[Outcome]", (object(),))


class Folder:
    """Counts how often it is closed."""

    name = "folder"
    closed = 0

    def close(self) -> None:
        self.closed += 1


class Part:
    """A working file: an outcome is ten bytes."""

    size = 0

    def write(self, outcomes: Sequence[Outcome]) -> None:
        self.size += 10 * len(outcomes)

    def close(self) -> None:
        pass


class World:
    """What a sink is given. published: the numbers of parts. fails: whether publishing does. now: its clock."""

    def __init__(self, size: float = float("inf"), age: float = float("inf")) -> None:
        self.published: list[int] = []
        self.fails = False
        self.now = 0.0
        self.folder = Folder()
        self.sink = PartSink(
            cast("PartFolder", self.folder),
            5,
            lambda number: (f"part {number}", cast("RecordSink", Part())),
            self.publish,
            size=size,
            age=age,
            clock=lambda: self.now,
        )

    def publish(self, path: str, number: int) -> None:
        assert path == f"part {number}"
        if self.fails:
            raise OutputError("folder", "no")
        self.published.append(number)


def test_parts_by_size() -> None:
    """A part is complete once it has the size; the last one is completed at the end."""
    world = World(size=20)
    for _ in range(5):
        world.sink.write(ONE)
    assert "part 7" in repr(world.sink)
    world.sink.close()
    world.sink.close()
    assert (world.published, world.folder.closed) == ([5, 6, 7], 1)


def test_parts_by_age() -> None:
    """Also while nothing ends; a part that was not begun has no age."""
    world = World(age=300)
    world.sink.write(())
    world.now = 1000
    world.sink.write(ONE)
    world.sink.write(())
    world.now = 1300
    world.sink.write(())
    world.sink.close()
    assert world.published == [5]


def test_an_error_of_publishing_is_raised() -> None:
    """By the next call at the latest, and the folder is closed in any case."""
    world = World(size=10)
    world.fails = True
    with pytest.raises(OutputError):
        for _ in range(3):
            world.sink.write(ONE)
    with suppress(OutputError):  # of another part that was complete by then
        world.sink.close()
    assert world.folder.closed == 1
