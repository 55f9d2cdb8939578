"""``scrapepool split``: one list per share of the hosts."""

from __future__ import annotations

import gzip
import json
import sys
from io import BytesIO
from pathlib import Path

import pytest
from place import Place

from scrapepool.host_share import share_of
from scrapepool.run import list_split
from tests.lists import lists_of
from tests.read.reading import read

HOSTS = [f"h{n}.example" for n in range(7)]
URLS = [f"https://{host}/{n}?a=1&b" for n in range(3) for host in HOSTS]


def _split(place: Place, *args: str) -> tuple[list[Path], str]:
    ran = place.run("split", *args, "-n", "3", "-o", "shards")
    assert ran.code == 0, ran.err
    return [next((place.folder / "shards").glob(f"shard-{number}.*")) for number in (1, 2, 3)], ran.err


def test_shards_are_those_of_fetch(place: Place) -> None:
    """Shard I has what --shard I/N would read, whatever the list's format; other columns and the header stay."""
    for path in lists_of(URLS, place.folder):
        place.folder.joinpath("shards").mkdir()
        shards, said = _split(place, path.name)
        assert said.startswith("scrapepool: shards: 21 rows in 3 shards; the largest is shard ")
        assert sorted(shards) == sorted(place.folder.glob("shards/*"))
        for number, shard in enumerate(shards):
            found = sorted(read(shard).found, key=lambda target: target.line)
            assert [target.url for target in found] == [url for url in URLS if share_of(url.split("/")[2], 3) == number]
            if path.name.startswith(("urls.csv", "urls.tsv", "urls.jsonl")):
                assert all(int(target.input["n"]) == URLS.index(target.url) for target in found)
        for shard in shards:
            shard.unlink()
        place.folder.joinpath("shards").rmdir()


def test_rows_are_copied_as_they_are(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep their order and spelling, duplicates included. Rows without a URL are in the first shard."""
    monkeypatch.setattr(list_split, "MAX_BUFFERED", 40)
    lines = [
        "HTTP://H1.example/a b",
        "# note",
        "",
        "h2.example/x  ",
        "mailto:x",
        "h1.example\r",
        "HTTP://H1.example/a b",
    ]
    place.write("urls.txt", "\ufeff" + "\n".join(lines))
    shards, said = _split(place, "urls.txt")
    assert "shards/shard-1.txt: rows without a URL, which fetch will report: 1\n" in said
    assert "shards: shards without a URL, with which fetch would end with exit code 2: " in said
    found = {number: path.read_text(encoding="utf-8") for number, path in enumerate(shards)}
    copied = [line for text in found.values() for line in text.split("\n") if line]
    assert sorted(copied) == sorted(line.rstrip("\r") for line in lines if line and line[0] != "#")
    assert found[share_of("h1.example", 3)].count("HTTP://H1.example/a b\n") == 2
    assert "mailto:x\n" in found[0]


def test_several_lists_and_standard_input(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of one kind become one; the header of CSV is written once."""
    place.write("a.csv", "n,url\n1,https://h1.example/\n")
    (place.folder / "b.csv.gz").write_bytes(gzip.compress(b"n,url\n2,https://h1.example/2\n"))
    shards, _ = _split(place, "a.csv", "b.csv.gz")
    texts = [path.read_text() for path in shards]
    own = share_of("h1.example", 3)
    assert texts[own] == "n,url\n1,https://h1.example/\n2,https://h1.example/2\n"
    assert [text for number, text in enumerate(texts) if number != own] == ["n,url\n"] * 2
    stdin = BytesIO(b'{"href": "/x"}\n')
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stdin, "isatty": lambda self: False})())
    ran = place.run("split", "-n", "1", "-o", "one", "--url-field", "href", "--base-url", "http://h/")
    assert (ran.code, (place.folder / "one/shard-1.jsonl").read_text()) == (0, '{"href": "/x"}\n')


def test_rows_that_cannot_be_copied(place: Place) -> None:
    """A quote that is not closed would change the rows behind it, so its row is left out, and reported."""
    place.write("a.csv", 'url\nhttps://h1.example/\n"https://h1.example/2\nhttps://h1.example/3\n')
    ran = place.run("split", "a.csv", "-n", "1", "-o", "out")
    assert (ran.code, (place.folder / "out/shard-1.csv").read_text()) == (
        1,
        "url\nhttps://h1.example/\nhttps://h1.example/3\n",
    )
    assert "rows that are too long or have a quote that is not closed are left out: 1 (a.csv:3)" in ran.err


def test_entries_of_documents_become_json(place: Place) -> None:
    """They have what the document says about them. Entries that are no URL stay as they are."""
    place.write("sitemap.xml", "<urlset><url><loc>http://h/1</loc></url><url><loc>mailto:x</loc></url></urlset>")
    place.run("split", "sitemap.xml", "-n", "1", "-o", "out")
    rows = [json.loads(line)["url"] for line in (place.folder / "out/shard-1.jsonl").read_text().splitlines()]
    assert rows == ["http://h/1", "mailto:x"]


def test_what_cannot_be_split(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and nothing is written."""
    place.write("a.txt", "h/1\n")
    place.write("a.csv", "url\nh/1\n")
    place.write("b.csv", "url,n\nh/1,1\n")
    place.write("none.txt", "mailto:x\n")
    place.write("file", "")
    args = ("-n", "2", "-o", "out")
    for lists, said in (
        (["a.txt", "a.csv"], "a.csv: csv and not text, as the lists before it; split lists of one kind at a time"),
        (["a.csv", "b.csv"], "b.csv: has other columns; split lists of one kind at a time"),
        (["none.txt"], "no usable URL in none.txt (read as text)"),
        (["missing.txt"], "missing.txt: No such file or directory"),
        (["-", "-"], "standard input can be read only once"),
        (
            ["https://u:p@h/l"],
            "https://u:***@h/l is a URL, and split divides lists; download it, as in curl https://u:",
        ),
    ):
        assert place.complaint("split", *lists, *args).startswith(said)
        assert not list(place.folder.glob("out/*"))
        assert not list(place.folder.glob("out/.*"))
    assert "s3://b/c/: split writes into a folder" in place.complaint("split", "a.txt", "-n", "2", "-o", "s3://b/c/")
    assert place.complaint("split", "a.txt", "-n", "0", "-o", "out") == "--shards: 0 is too small; the minimum is 1"
    monkeypatch.setattr(sys, "stdin", None)
    assert place.complaint("split", *args).startswith("give a list, for example scrapepool split urls.txt -n 8")
    ran = place.run("split", "a.txt", "-n", "2", "-o", "file")
    assert (ran.code, ran.err) == (3, "scrapepool: cannot write file: Not a directory\n")
    place.run("split", "a.txt", *args)
    before = {path: path.read_bytes() for path in place.folder.glob("out/*")}
    assert place.complaint("split", "a.txt", *args) == (
        "out holds shards already, such as shard-1.txt; name another folder"
    )
    assert {path: path.read_bytes() for path in place.folder.glob("out/*")} == before
