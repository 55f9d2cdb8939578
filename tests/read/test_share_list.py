"""Rows that were taken out of lists are read as if from these lists: with their places, and judged as there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from scrapepool.errors import ListError
from scrapepool.host_share import share_of
from scrapepool.read import TargetList
from scrapepool.read.share_list import ListRow, chunks, head_line, share_sources
from scrapepool.read.sources import ListSource
from scrapepool.run.list_split import rows_with_shares
from scrapepool.settings import InputSettings
from tests.lists import lists_of
from tests.read.reading import Reading
from tests.read.test_target_list import LINES

SHARES = 3

Row = tuple[object, ...]


def judged(targets: TargetList) -> list[Row]:
    """What a run would make of each row."""
    try:
        reading = Reading(targets).to_the_end()
        found: list[Row] = [(t.source, t.line, t.url, t.input, t.occurrence, t.request) for t in reading.found]
        for skipped in reading.rejected:
            target = skipped.target
            found.append((target.source, target.line, target.url, target.input, skipped.error, skipped.detail))
        return sorted(found, key=str)
    finally:
        targets.close()


def divided(sources: Sequence[str], own: InputSettings, folder: Path, stdin: bytes = b"") -> list[Row]:
    """The same after the rows were divided. Chunks of different hosts and lists come in a mixed order."""
    targets = TargetList(sources, replace(own, dedupe=False), stdin=BytesIO(stdin), whole=True)
    places: dict[ListSource, int] = {}
    shares: list[list[bytes]] = [[] for _ in range(SHARES)]
    waiting: list[list[ListRow]] = [[] for _ in range(SHARES)]
    try:
        rows = rows_with_shares(targets, lambda host, _: share_of(host.host, SHARES))
        for count, (_, share, source, line, row) in enumerate(rows):
            assert row is not None
            waiting[share or 0].append((places.setdefault(source, len(places)), line, row))
            if count % 4 == 3:
                for found, some in enumerate(waiting):
                    shares[found].append(chunks(list(places), some))
                    some.clear()
        for found, some in enumerate(waiting):
            shares[found].append(chunks(list(places), some))
        head = head_line(list(places))
    finally:
        targets.close()
    whole: list[Row] = []
    for found, pieces in enumerate(shares):
        path = folder / f"{found}"
        path.write_bytes(head + b"".join(pieces))
        whole += judged(TargetList((), own, opened=share_sources(str(path), own)))
    return sorted(whole, key=str)


@settings(max_examples=60, deadline=None)
@given(lines=LINES)
def test_shares_of_a_list_are_the_list(lines: list[str]) -> None:
    """Each line is found or rejected as in the whole list, with its number, also as a duplicate."""
    text, own = "\n".join(lines).encode(), InputSettings()
    with TemporaryDirectory() as folder:
        assert divided(["-"], own, Path(folder), text) == judged(TargetList(["-"], own, stdin=BytesIO(text)))


def test_every_format_stays_as_it_is(tmp_path: Path) -> None:
    """Several lists of all formats at once, with columns, entries of documents, and URLs of the command line."""
    urls = [f"https://h{n % 5}.example:{8000 + n}/p?a={n}&b" for n in range(40)]
    paths = [str(path) for path in lists_of(urls, tmp_path)]
    sources, own = ["https://h1.example/", *paths, "https://h2.example/"], InputSettings(dedupe=False)
    assert divided(sources, own, tmp_path) == judged(TargetList(sources, own))
    pattern = ["http://h[1-9].example/"]
    assert divided(pattern, InputSettings(glob=True), tmp_path) == judged(TargetList(pattern, InputSettings(glob=True)))


def test_rows_of_many_lines_and_rows_that_do_not_end(tmp_path: Path) -> None:
    """Quotes that are not closed reject one line each, and no row behind them is lost."""
    (tmp_path / "urls.csv").write_text(
        "n,note,url\n"
        '1,"two\nlines",https://h1.example/1\n'
        '2,"open,https://h2.example/2\n'
        "3,,https://h3.example/3\n"
        '4,"open,https://h4.example/4\n'
        f"5,{'x' * (1 << 20)},https://h5.example/5\n"
        '6,"a ""b""\n\n c",https://h1.example/6\n'
    )
    (tmp_path / "urls.txt").write_text(f"\ufeffh1.example\r\nhttps://h2.example/{'y' * 70_000}\r\nh3.example\r\n")
    own = InputSettings()
    sources = [str(tmp_path / "urls.csv"), str(tmp_path / "urls.txt")]
    assert divided(sources, own, tmp_path) == judged(TargetList(sources, own))


def test_files_that_are_no_list_of_a_shard(tmp_path: Path) -> None:
    """Each is named, and stays open for nobody."""
    with pytest.raises(ListError, match="No such file"):
        share_sources(str(tmp_path / "none"), InputSettings())
    for content in (
        b"",
        b"[]\n{}\n",
        b'[]\n{"list":0,"alone":false,"bytes":1,"lines":[1]}\nx',
        b"https://a.example/\n",
    ):
        (tmp_path / "list").write_bytes(content)
        with pytest.raises(ListError, match="is not the list of a shard"):
            share_sources(str(tmp_path / "list"), InputSettings())
