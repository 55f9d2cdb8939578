"""Every target once, found again by its ticket, as the list grows and when it changes."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapepool.errors import ListError
from scrapepool.model import ErrorKind, HostKey, Skipped, Target
from scrapepool.read import TargetList, batch_queue
from scrapepool.read.open_lists import url_source
from scrapepool.read.seen.hash_tables import HashSet
from scrapepool.read.streams.spool import Spool
from scrapepool.read.tickets import LINE_BITS, TicketIndex
from scrapepool.settings import InputSettings
from scrapepool.url import parse
from tests.read.reading import Reading, Waiting, read

PATHS = st.text("ab/?%é &'\"", max_size=4).filter(lambda path: path.count(" ") < 2)  # words between spaces are prose
URLS = st.builds(
    "{}{}.example{}/{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", ""]),
    st.sampled_from("abCé"),
    st.sampled_from(["", ":80", ":8080"]),
    PATHS,
)
LINES = st.lists(URLS | st.sampled_from(["", "# note", "http://", "mailto:x", "  "]), max_size=12)
PLAIN = InputSettings()


def expected(entries: list[str]) -> tuple[list[tuple[int, HostKey, str]], int]:
    """What a list's entries must give, by the plainest of means: targets with their lines, and rejects."""
    targets, known, rejects = [], set(), 0
    for number, entry in enumerate(map(str.strip, entries), 1):
        if not entry or entry.startswith("#"):
            continue
        if ".example" not in entry:
            rejects += 1
            continue
        host, path, _ = parse(entry if "://" in entry else "https://" + entry)
        if (host, path) in known:
            rejects += 1
        else:
            known.add((host, path))
            targets.append((number, host, path))
    return targets, rejects


def summary(reading: Reading) -> tuple[list[tuple[int | None, HostKey, str]], int]:
    return sorted((t.line, t.host, t.path) for t in reading.found), len(reading.rejected)


@settings(max_examples=60, deadline=None)
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_round_trip_text(lines: list[str], feed: str, last_feed: bool, piped: bool) -> None:
    """Every usable line is found exactly once, with its number and URL, from a file and from a pipe."""
    content = (feed.join(lines) + (feed if last_feed else "")).encode()
    if piped:
        reading = read("-", stdin=content)
    else:
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(content)
            file.flush()
            reading = read(file.name)
    assert summary(reading) == expected(lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(URLS, st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5))))
def test_round_trip_csv(rows: list[tuple[str, str]]) -> None:
    """Every row of a CSV list is found with its other columns, whatever they hold."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([("url", "note"), *rows])
    reading = read("-", stdin=out.getvalue().encode(), format="csv", dedupe=False)
    found = [(t.host, t.path, t.input) for t in sorted(reading.found, key=lambda t: t.line)]
    assert found == [(h, p, {"note": note}) for (_, h, p), (_, note) in zip(_parsed(rows), rows, strict=True)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(URLS, st.text(max_size=5))))
def test_round_trip_jsonl(rows: list[tuple[str, str]]) -> None:
    """Every row of a JSONL list is found with the rest of its object."""
    content = "".join(json.dumps({"url": url, "note": note}) + "\n" for url, note in rows).encode()
    reading = read("-", stdin=content, format="jsonl", dedupe=False)
    found = [(t.line, t.host, t.path) for t in sorted(reading.found, key=lambda t: t.line)]
    assert found == _parsed(rows)


def _parsed(rows: list[tuple[str, str]]) -> list[tuple[int, HostKey, str]]:
    parsed = []
    for number, (url, _) in enumerate(rows, 1):
        host, path, _ = parse(url.strip() if "://" in url else "https://" + url.strip())
        parsed.append((number, host, path))
    return parsed


@pytest.mark.slow
def test_many_blocks(tmp_path: Path) -> None:
    """A list of many blocks and hosts gives each line once, from disk, memory and the spool's file."""
    path = tmp_path / "urls.txt"
    lines = [f"http://h{i % 97}.example/{'x' * (i % 211)}{i}" for i in range(60_000)]
    path.write_text("\n".join(lines))
    wanted = list(enumerate(lines, 1))
    reading = read(path)
    assert reading.urls == wanted
    assert reading.batches > 8
    assert read("-", stdin=path.read_bytes()).urls == wanted


def test_pipe_line_by_line() -> None:
    """A line of a pipe is delivered before the next is written, and closing ends the wait."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stdin:
        targets = TargetList(["-"], PLAIN, stdin=stdin)
        reading = Reading(targets)
        os.write(writer, b"http://a.example/")
        for number in range(1, 4):
            os.write(writer, f"{number}\nhttp://a.example/".encode())
            assert reading.some(number).urls[-1] == (number, f"http://a.example/{number}")
        assert not targets.exhausted
        targets.close()
        assert targets._thread is not None
        assert not targets._thread.is_alive()
    os.close(writer)


def test_named_pipe(tmp_path: Path) -> None:
    """A named pipe is read to its writer's end; opening it does not wait for the writer."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    targets = TargetList([str(path)], PLAIN)
    reading = Reading(targets)
    assert targets.poll() is None
    with path.open("wb") as writer:
        writer.write(b"http://a.example/1\nhttp://a.example/2")
    assert [url for _, url in reading.to_the_end().urls] == ["http://a.example/1", "http://a.example/2"]
    targets.close()


def test_standard_input_from_a_file(tmp_path: Path) -> None:
    """A file given as standard input is read from where it stands."""
    path = tmp_path / "urls.txt"
    path.write_text("passed over\nhttp://a.example/1\n")
    with path.open("rb") as stdin:
        stdin.readline()
        targets = TargetList(["-"], PLAIN, stdin=stdin)
        assert Reading(targets).to_the_end().urls == [(1, "http://a.example/1")]
        targets.close()


def test_bad_standard_input() -> None:
    """What is wrong with a pipe is raised by poll, once."""
    targets = TargetList(["-"], PLAIN, stdin=io.BytesIO(b"h\0t\0t\0p\0:\0/\0/\0a\0"))
    waiting = Waiting()
    targets.wake = waiting
    with pytest.raises(ListError, match="standard input: is a binary file"):
        waiting.until(lambda: targets.poll() is not None)
    assert targets.poll() is None
    assert targets.exhausted
    targets.close()
    targets.close()


def test_changed_list(tmp_path: Path) -> None:
    """A row that is no longer there is skipped, not fetched as something else."""
    path = tmp_path / "urls.txt"
    path.write_text("http://a.example/1\nhttp://a.example/2\nhttp://a.example/3\n")
    targets = TargetList([str(path)], PLAIN)
    waiting = Waiting()
    targets.wake = waiting
    tickets: list[int] = []

    def polled() -> bool:
        while (batch := targets.poll()) is not None:
            tickets.extend(ticket for some in batch.added.values() for ticket in some)
        return targets.exhausted

    waiting.until(polled)
    path.write_text("http://a.example/1\n#\nhttp://other.example/\n")
    first, second, third = map(targets.target, tickets)
    assert isinstance(first, Target)
    for line, skipped in ((2, second), (3, third)):
        assert isinstance(skipped, Skipped)
        assert (skipped.error, skipped.target.line) == (ErrorKind.INVALID_URL, line)
        assert skipped.detail == f"{path}:{line}: the list changed during the run"
    targets.close()


def test_urls_of_a_program() -> None:
    """Each string has an outcome, in any iterable: odd ones are rejected, none is passed over."""
    urls = ["http://a.example/1", "", "# no", "http://a.example/\ud800\n", "b.example/\0x"]
    for some in (urls, iter(urls)):
        targets = TargetList.of_urls(some, PLAIN)
        reading = Reading(targets).to_the_end()
        assert [t.path for t in sorted(reading.found, key=lambda t: t.line)] == ["/1", "/%EF%BF%BD"]
        assert [r.target.line for r in reading.rejected] == [2, 3, 5]
        targets.close()


def test_endless_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless iterable is read no further ahead than agreed, and goes on as its targets are used."""
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in count(1):
            yield f"http://a.example/{taken}"

    monkeypatch.setattr(batch_queue.BatchQueue.__init__, "__kwdefaults__", {"batches": 8, "ahead": 50})
    targets = TargetList.of_urls(endless(), PLAIN)
    reading = Reading(targets).some(500)
    assert taken <= len(reading.found) + 50
    targets.close()
    assert taken < 2000


def test_failing_program() -> None:
    """What a program's iterator raises comes out of poll, after what it gave before."""

    def failing() -> Iterator[str]:
        yield "http://a.example/"
        raise RuntimeError("mine")

    reading = Reading(TargetList.of_urls(failing(), PLAIN))
    with pytest.raises(RuntimeError, match="mine"):
        reading.to_the_end()
    assert len(reading.found) == 1
    with pytest.raises(TypeError, match=r"a URL is a str or a scrapepool\.Request, not bytes"):
        Reading(TargetList.of_urls([b"http://a.example/"], PLAIN)).to_the_end()  # type: ignore[list-item]


@given(st.lists(st.integers(1, 2**22), min_size=1, max_size=40), st.integers(2**24 - 30, 2**24 + 5))
def test_tickets(steps: list[int], first_line: int) -> None:
    """Tickets give back list, offset and line, also beyond 2^24 lines and in later lists."""
    index = TicketIndex()
    sources = [url_source([], PLAIN) for _ in range(3)]
    given_out = []
    base = 0
    for source in sources:
        span = index.begin(source, base)
        offset = 0
        for place, step in enumerate(steps):
            line = first_line + place * 2**20
            given_out.append((span.ticket(offset, line), source, offset, line))
            offset += step
        base += offset
    for ticket, source, offset, line in given_out:
        assert ticket < 2**64
        span, found_offset, found_line = index.locate(ticket)
        assert (span.source, found_offset, found_line) == (source, offset, line)
    assert LINE_BITS == 24


@given(st.lists(st.binary(max_size=20)), st.integers(0, 30), st.integers(0, 60), st.integers(0, 60))
def test_spool(pieces: list[bytes], memory: int, offset: int, size: int) -> None:
    """A spool gives back what went in, from memory and from disk."""
    spool = Spool("x", memory)
    for piece in pieces:
        spool.append(piece)
    assert spool.read_at(offset, size) == b"".join(pieces)[offset : offset + size]
    assert len(spool) == len(b"".join(pieces))
    spool.close()


def test_no_room_for_the_spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A temporary folder that cannot be written is an error of the list."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(ListError, match="cannot be kept in a temporary file: No such file or directory"):
        Spool("x", 10).append(bytes(11))


@given(st.lists(URLS))
def test_hashes_agree_with_a_set(urls: list[str]) -> None:
    """Hashes of URLs tell duplicates as the URLs themselves do."""
    seen, known = HashSet(), set()
    for url in urls:
        assert seen.add(hash(url.encode())) == (url not in known)
        known.add(url)


@given(st.lists(st.sampled_from(["a:1", "a:2", "a:3", "b:1", "key", "key2", None]), max_size=30), st.booleans())
def test_targets_whose_records_look_alike_are_numbered(tmp_path_factory, users, dedupe):
    """Whatever the order: URL as recorded and occurrence together name each target, and occurrences have no gaps."""
    path = tmp_path_factory.mktemp("lists") / "urls"
    path.write_text("".join(f"http://{'' if user is None else user + '@'}h/x\n" for user in users))
    found = read(path, dedupe=dedupe).found
    distinct = len(set(users)) if dedupe else len(users)
    assert len(found) == distinct
    occurrences = sorted((t.url, t.occurrence) for t in found if t.userinfo is not None)
    for (url, number), (before, earlier) in zip(occurrences, [("", 0), *occurrences], strict=False):
        assert number == (earlier + 1 if url == before else 1)


def test_many_passwords_of_one_url_are_numbered_quickly(tmp_path):
    """Finding the next number takes a few look-ups, however many there are."""
    path = tmp_path / "urls"
    path.write_text("".join(f"http://a:{number}@h/x\n" for number in range(5000)))
    targets = sorted(read(path).found, key=lambda target: target.line)
    assert [target.occurrence for target in targets] == list(range(1, 5001))


@given(st.lists(st.lists(st.sampled_from(["a/", "b/1", "http://c", "a", "#", "", "x y z"]), max_size=9), max_size=4))
def test_a_repeat_names_the_row_that_it_repeats(tmp_path_factory, lists):
    """Whatever stands between: list and line of the first row with its URL."""
    folder = tmp_path_factory.mktemp("lists")
    paths = [folder / f"{number}.txt" for number in range(len(lists))]
    for path, lines in zip(paths, lists, strict=True):
        path.write_text("".join(f"{line}\n" for line in lines))
    reading = read(*paths)
    first = {(t.host, t.path): f"the same as {t.source}:{t.line}" for t in reading.found}
    repeats = [r for r in reading.rejected if r.error is ErrorKind.DUPLICATE]
    assert [r.detail for r in repeats] == [first[r.target.host, r.target.path] for r in repeats]


def test_a_repeat_far_down_is_said_without_its_place(monkeypatch, tmp_path):
    """Beyond four billion lines a place is not held."""
    monkeypatch.setattr("scrapepool.read.scan.UNKNOWN_PLACE", 3)
    path = tmp_path / "urls"
    path.write_text("a\nb\nc\nd/\nd/\nb\nc\nd/\n")
    assert [detail for _, _, detail in read(path).reasons] == [
        "the same as an earlier line",
        f"the same as {path}:2",
        "the same as an earlier line",
        "the same as an earlier line",
    ]
