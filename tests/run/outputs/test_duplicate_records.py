"""Records of repeats wait for the file of their target, and for nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.model import ErrorKind, Fetched, HostKey, Outcome, RowRequest, Skipped, Target
from scrapepool.read.seen.target_id import target_id
from scrapepool.run.outputs.duplicate_records import DuplicatesSink
from scrapepool.url import parse

HOST = HostKey("http", "h", 80)


class Names:
    """Names the file of each success as it is written, and keeps what is."""

    def __init__(self) -> None:
        self.written: list[Outcome] = []
        self.closed = False

    def write(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Fetched) and outcome.status == 200:
                outcome.path = f"pages{outcome.target.path}"
        self.written += outcomes

    def close(self) -> None:
        self.closed = True

    @property
    def recorded(self) -> list[tuple[int | None, str | None]]:
        return [(outcome.target.line, outcome.path) for outcome in self.written]


def target(path: str, line: int, **fields: object) -> Target:
    return Target(f"http://h{path}", HOST, path, line, **fields)  # type: ignore[arg-type]


def page(path: str, line: int, status: int = 200, **fields: object) -> Outcome:
    return Fetched(target=target(path, line, **fields), status=status)


def repeat(path: str, line: int, **fields: object) -> Outcome:
    return Skipped(target=target(path, line, **fields), error=ErrorKind.DUPLICATE)


def repeats(names: Names, finished: Sequence[str] = (), most: int = 100) -> DuplicatesSink:
    return DuplicatesSink(names, method="GET", is_finished=lambda url, _: url in finished, paths={}, most=most)


def test_a_repeat_waits_for_the_file_of_its_target() -> None:
    """And is written with it, whether it was read before or after its target ended."""
    names = Names()
    sink = repeats(names)
    sink.write([repeat("/a", 2), page("/b", 3), repeat("/a", 4)])
    assert names.recorded == [(3, "pages/b")]
    sink.write([])
    sink.write([page("/a", 1), repeat("/b", 5)])
    assert sorted(names.recorded, key=str) == [
        (1, "pages/a"), (2, "pages/a"), (3, "pages/b"), (4, "pages/a"), (5, "pages/b"),
    ]  # fmt: skip


def test_a_target_without_a_file_has_repeats_without_one() -> None:
    """They do not wait any longer."""
    names = Names()
    sink = repeats(names)
    sink.write([repeat("/a", 2), page("/a", 1, status=404), repeat("/a", 3)])
    assert names.recorded == [(1, None), (2, None), (3, None)]


def test_order_stays() -> None:
    """What comes in the order of the lists leaves in it."""
    names = Names()
    sink = repeats(names)
    sink.write([page("/a", 1), repeat("/a", 2), page("/b", 3), repeat("/a", 4), repeat("/b", 5), page("/c", 6)])
    assert [line for line, _ in names.recorded] == [1, 2, 3, 4, 5, 6]
    assert names.recorded[4] == (5, "pages/b")


def test_users_and_requests_are_told_apart() -> None:
    """A repeat is of the target with its user, method and body."""
    names = Names()
    sink = repeats(names)
    post = RowRequest(method="POST", data=b"x")
    sink.write([repeat("/a", 2, userinfo="ann:pw"), repeat("/a", 3, request=post)])
    sink.write([page("/a", 1), page("/a", 4, userinfo="bob:pw")])
    assert [line for line, _ in names.recorded] == [1, 4]
    sink.write([page("/a", 5, userinfo="ann:p%77"), page("/a", 6, request=post)])
    assert sorted(line or 0 for line, _ in names.recorded) == [1, 2, 3, 4, 5, 6]


def test_what_does_not_end_does_not_keep_repeats() -> None:
    """Of a target that an earlier run finished, and of one that never ends; and only so many wait."""
    names = Names()
    sink = repeats(names, ["http://h/done"], most=2)
    sink.write([repeat("/done", 1), repeat("/a", 2), repeat("/b", 3), repeat("/c", 4)])
    assert names.recorded == [(1, None), (4, None)]
    sink.close()
    assert names.recorded == [(1, None), (4, None), (2, None), (3, None)]
    assert names.closed


def test_a_file_that_an_earlier_run_recorded() -> None:
    """It is that of the repeat's record then."""
    names = Names()
    paths = {target_id(parse("http://h/a")): "pages/a.html"}
    sink = DuplicatesSink(names, method="GET", is_finished=lambda _url, _apart: True, paths=paths)
    sink.write([repeat("/a", 2)])
    assert names.recorded == [(2, "pages/a.html")]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=20), st.integers(0, 3), st.data())
def test_every_outcome_is_written_once(entries: list[tuple[str, bool]], most: int, data: st.DataObject) -> None:
    """Whatever the order and however little may be held."""
    names = Names()
    sink = repeats(names, most=most)
    made = [repeat(f"/{path}", n) if again else page(f"/{path}", n) for n, (path, again) in enumerate(entries)]
    left = list(made)
    while left:
        some = data.draw(st.integers(1, len(left)))
        sink.write(left[:some])
        del left[:some]
    sink.close()
    assert sorted(map(id, names.written)) == sorted(map(id, made))


def test_close_is_passed_on_where_a_write_fails() -> None:
    """The file is closed whatever happens to what waits."""

    class Full(Names):
        def write(self, outcomes: Sequence[Outcome]) -> None:
            if outcomes:
                raise OSError

    names = Full()
    sink = repeats(names)
    sink.write([repeat("/a", 1)])
    with pytest.raises(OSError):
        sink.close()
    assert names.closed
