"""How the files in a folder of parts are called.

Decides that a name tells the shard and the number of a part, and that names of everything else begin with a dot or an
underscore, so that Spark, DuckDB and the readers of this package pass over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...frozen import frozen
from ...lazy_pattern import lazy_pattern

SUCCESS = "_SUCCESS"
"""Marks that the run is complete; it holds the number of parts and records as JSON."""

ABOUT = "_run.json"
"""Describes the run whose parts these are."""

BUCKETS = "buckets"
"""The key of that file under which a run on a cluster says in which shard each bucket of hosts is."""

_PART = lazy_pattern(r"(?P<open>\.?)part-(?:(?P<shard>\d{5,})-)?(?P<number>\d{5,})\.(?P<suffix>jsonl|csv|tsv|parquet)")


@frozen
class PartName:
    """A part's name, taken apart.

    name: the name itself. number: of the part, from 0. unfinished: whether it is still being written. suffix: of its
    format.
    """

    name: str
    number: int
    unfinished: bool
    suffix: str


@frozen
class PartNames:
    """The names of one shard's parts.

    shard: the number of the shard, from 0; None for a run that is not divided. suffix: of the records' format.
    """

    shard: int | None
    suffix: str

    def part(self, number: int, suffix: str | None = None) -> str:
        """Return the name of a part."""
        shard = "" if self.shard is None else f"{self.shard:05}-"
        return f"part-{shard}{number:05}.{suffix or self.suffix}"

    @property
    def success(self) -> str:
        """The name of the marker that these parts are complete."""
        return SUCCESS if self.shard is None else f"{SUCCESS}-{self.shard:05}"

    @property
    def lock(self) -> str:
        """The name of the file that a run locks while it writes these parts."""
        return ".lock" if self.shard is None else f".lock-{self.shard:05}"

    def among(self, names: Iterable[str]) -> list[PartName]:
        """Return the parts of this shard among the names of a folder, in order."""
        shard = None if self.shard is None else f"{self.shard:05}"
        found = [
            PartName(name, int(match["number"]), bool(match["open"]), match["suffix"])
            for name in names
            if (match := _PART.fullmatch(name)) is not None and match["shard"] == shard
        ]
        return sorted(found, key=lambda part: (part.number, part.unfinished, part.suffix))


def incomplete_shards(names: Iterable[str], about: Mapping[str, object]) -> list[str]:
    """Name the shards that lack their marker in a folder: ``2/8``, or ``1/1`` for a run that is not divided.

    names: of the files in the folder. about: what its file ``ABOUT`` says; empty for a folder that no run wrote.
    """
    there = set(names)
    count = about.get("shards")
    if SUCCESS in there or "shards" not in about:
        return []
    if not isinstance(count, int):
        return ["1/1"]
    return [f"{shard + 1}/{count}" for shard in range(count) if PartNames(shard, "").success not in there]


def any_part(names: Iterable[str]) -> bool:
    """Whether there is any shard's part among the names of a folder."""
    return any(_PART.fullmatch(name) is not None for name in names)
