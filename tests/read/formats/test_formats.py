"""What lists may look like."""

import gzip
from pathlib import Path

import pytest

from scrapepool.errors import ListError, UsageError
from scrapepool.model import ErrorKind, Target
from scrapepool.read import TargetList
from scrapepool.read.entries import absolute
from scrapepool.read.formats.detect import format_of_bytes
from scrapepool.read.formats.rows import MAX_LINE
from scrapepool.settings import InputSettings
from tests.read.reading import Reading, read

INVALID, DUPLICATE, SCHEME = ErrorKind.INVALID_URL, ErrorKind.DUPLICATE, ErrorKind.UNSUPPORTED_SCHEME


@pytest.fixture
def listed(tmp_path: Path):
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_text(listed) -> None:
    """Blank lines and comments are passed over, white space is dropped, a bare host gets https."""
    path = listed("urls.txt", "# mine\n\nhttp://a.example/1\n  example.org/x \t\r\nhttp://a.example/2?q#f")
    assert read(path).urls == [
        (3, "http://a.example/1"),
        (4, "https://example.org/x"),
        (5, "http://a.example/2?q#f"),
    ]


def test_comments_may_be_in_any_encoding(listed) -> None:
    """A note that is not UTF-8 is no line that was meant as a URL."""
    reading = read(listed("urls.txt", b"http://a.example/1\n# f\xfcr sp\xe4ter\n \t#\xff\n"))
    assert (reading.urls, reading.reasons) == ([(1, "http://a.example/1")], [])


def test_text_rejects(listed) -> None:
    """A malformed line is reported with its place and its reason, and harms no other line."""
    content = b"http://\nmailto:a@b\nhttp://a.example/\xff\nhttp://a.example/ok\n/rel\n\x1b[2Jhttp://x y/\n"
    reading = read(path := listed("urls.txt", content))
    assert reading.urls == [(4, "http://a.example/ok")]
    assert reading.reasons == [
        (1, INVALID, f"{path}:1: no host"),
        (2, SCHEME, f"{path}:2: scheme mailto is not supported (only http and https are)"),
        (3, INVALID, f"{path}:3: not UTF-8"),
        (5, INVALID, f"{path}:5: a relative URL without a base URL"),
        (6, INVALID, f"{path}:6: a control character (U+001B) in the URL"),
    ]
    assert all(rejected.target.url.isprintable() for rejected in reading.rejected)


def test_a_zero_byte_in_a_line_harms_no_other(listed) -> None:
    """A list with a few of them is a list, also where another line is not UTF-8."""
    reading = read(path := listed("urls.txt", b"http://a.example/1\nhttp://b\0.example/\n\xff\nhttp://a.example/2\n"))
    assert reading.urls == [(1, "http://a.example/1"), (4, "http://a.example/2")]
    assert [reason[2] for reason in reading.reasons] == [
        f"{path}:2: a NUL in the URL",
        f"{path}:3: not UTF-8",
    ]


def test_duplicates(listed) -> None:
    """Two spellings of one request are one; with dedupe off each line counts."""
    content = "http://a.example/x\nHTTP://A.example:80/x#f\nhttp://a.example/x\nhttp://a.example\nhttp://a.example/\n"
    path = listed("urls.txt", content)
    reading = read(path)
    assert reading.urls == [(1, "http://a.example/x"), (4, "http://a.example")]
    same = f"the same as {path}"
    assert reading.reasons == [(2, DUPLICATE, f"{same}:1"), (3, DUPLICATE, f"{same}:1"), (5, DUPLICATE, f"{same}:4")]
    assert reading.rejected[0].target.host == reading.found[0].host
    assert len(read(path, dedupe=False).found) == 5


def test_base_url(listed) -> None:
    """Relative entries are resolved, absolute ones stay, other schemes are still refused."""
    path = listed("urls.txt", "b?q\n/c\nhttps://b.example/\nmailto:x\n")
    reading = read(path, base_url="http://a.example/dir/index")
    assert reading.urls == [(1, "http://a.example/dir/b?q"), (2, "http://a.example/c"), (3, "https://b.example/")]
    assert [error for _, error, _ in reading.reasons] == [SCHEME]


def test_relative_entries_are_resolved_as_browsers_do(listed) -> None:
    """The URL standard says what an entry means under a base URL; an absolute one keeps its bytes."""
    entries = ["out/http://b.example/x", "x?", "x;", "../../../a/./b", "\\\\b.example\\y", "///b.example/z", "http:/w"]
    path = listed("urls.txt", "\n".join([*entries, "http://b.example/a/../é//"]))
    assert [url for _, url in read(path, base_url="http://a.example/d/e/page?q").urls] == [
        "http://a.example/d/e/out/http://b.example/x",
        "http://a.example/d/e/x?",
        "http://a.example/d/e/x;",
        "http://a.example/a/b",
        "http://b.example/y",
        "http://b.example/z",
        "http://a.example/w",
        "http://b.example/a/../é//",
    ]


def test_no_base_url() -> None:
    """A base URL that is none is a usage error."""
    with pytest.raises(UsageError, match=r"input\.base_url: foo is not an absolute URL: no scheme"):
        TargetList([], InputSettings(base_url="foo"))


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.org", "https://example.org"),
        ("localhost:8000/x", "https://localhost:8000/x"),
        ("127.0.0.1", "https://127.0.0.1"),
        ("[::1]:80/x", "https://[::1]:80/x"),
        ("example.org:80x", "https://example.org:80x"),
        ("//example.org/x", "https://example.org/x"),
        ("mailto:x", "mailto:x"),
        ("javascript:void(0)", "javascript:void(0)"),
        ("tel:12345", "tel:12345"),
        ("ftp://example.org:21", "ftp://example.org:21"),
        ("HTTP://h", "HTTP://h"),
    ],
)
def test_hosts_without_scheme(entry: str, url: str) -> None:
    """A host gets https, with or without a port; another scheme stays what it is."""
    assert absolute(entry, None) == url


def test_csv(listed) -> None:
    """The URL's column is found by name, the others are passed on, quotes may hold anything."""
    rows = ["id,URL,note", "1,http://a.example/1,x", '2,"http://a.example/2,3","two\nlines, ""q"""', "", "3"]
    path = listed("urls.csv", "\n".join([*rows, '4,http://a.example/4,5" disk']))
    reading = read(path)
    assert reading.urls == [(2, "http://a.example/1"), (3, "http://a.example/2,3"), (7, "http://a.example/4")]
    notes = {t.line: dict(t.input) for t in reading.found if isinstance(t, Target)}
    assert notes[3] == {"id": "2", "note": 'two\nlines, "q"'}
    assert notes[7] == {"id": "4", "note": '5" disk'}
    assert reading.reasons == [(6, INVALID, f"{path}:6: no URL in this row")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiters(listed, delimiter: str) -> None:
    """The header tells the delimiter."""
    path = listed("urls.csv", f"n{delimiter}link\r\n1{delimiter}http://a.example/x\r\n")
    reading = read(path)
    assert reading.found[0].path == "/x"
    assert reading.found[0].input == {"n": "1"}


def test_csv_open_quote(listed) -> None:
    """A quote that is never closed costs its own line only."""
    rows = "".join(f"http://a.example/{i},x\n" for i in range(3))
    path = listed("urls.csv", f'url,n\nhttp://a.example/a,"open\n{rows}')
    reading = read(path)
    assert [line for line, _ in reading.urls] == [3, 4, 5]
    assert reading.reasons == [(2, INVALID, f"{path}:2: a quote that is not closed")]


@pytest.mark.parametrize(
    ("content", "url_field", "kind"),
    [
        ("n,url\n1,http://a.example/\n", None, "csv"),
        ('\ufeff"URL";n\nhttp://a.example/;1\n', None, "csv"),
        ("page\turl\na.example\t1\n", "page", "csv"),
        ("page,n\na.example,1\n", None, "text"),
        ("page,url\na.example,1\n", "link", "text"),
        ("url\na.example\n", None, "text"),
        ("http://a.example/?a,url,b\n", None, "text"),
        ("# n, url\na.example\n", None, "text"),
        ("[::1]/a,b\n", None, "text"),
    ],
)
def test_a_header_row_tells_csv(content: str, url_field: str | None, kind: str) -> None:
    """Through a pipe, too, a row is no URL as a whole; a line that may be a URL or a comment is no header."""
    assert format_of_bytes(content.encode(), url_field) == kind


@pytest.mark.parametrize("name", ["list", "u.json", "u.jsonl", "u.txt"])
@pytest.mark.parametrize("content", ['[{"url": "http://a.example/"}]', '[\n"http://a.example/"\n]', "[]", "[\n"])
def test_a_json_array_is_told_from_json_lines(listed, name: str, content: str) -> None:
    """It is one value over the whole file, which no line of it is; what makes JSON Lines of it is named."""
    with pytest.raises(
        ListError, match=r"is a JSON array; lists are JSON Lines, one object per line, as jq -c '.\[\]'"
    ):
        read(listed(name, content))


def test_jsonl(listed) -> None:
    """Objects and strings are rows; the rest of an object is passed on."""
    path = listed(
        "urls.jsonl", '{"url": "http://a.example/1", "n": [1]}\n\n"http://a.example/2"\n{"n": 1}\n[1]\n{"url": 5}\n{]\n'
    )
    reading = read(path)
    assert reading.urls == [(1, "http://a.example/1"), (3, "http://a.example/2")]
    assert [dict(t.input) if t.input else None for t in reading.found] == [{"n": [1]}, None]
    assert [detail.partition(": ")[2] for _, _, detail in reading.reasons] == [
        "no field 'url'",
        "neither a JSON object nor a string",
        "field 'url' holds no text",
        "not JSON",
    ]


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("u.csv", "a,b\n1,2\n", {}, "no column called url; there is 'a', 'b'"),
        ("u.csv", "http://a/1\nhttp://a/2\n", {}, "the first row has a URL and names no column"),
        ("u.csv", "a,url\n", {"url_field": "c"}, "no column 'c'; there is 'a', 'url'"),
        ("u.csv", "", {}, "no CSV header row"),
        ("u.jsonl", '{"a": 1, "b": 2}\n', {}, "no field 'url'; there is 'a', 'b'"),
        ("u.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", {}, "is a binary file"),
        ("u.txt", "http://a.example/\n".encode("utf-16-le"), {}, "is a binary file"),
        ("u.txt", b"\xff\xfeh\0t\0", {}, "is UTF-16; convert it to UTF-8"),
        ("u.gz", b"\x1f\x8b\x08\0garbage", {}, None),
    ],
)
def test_unreadable(listed, name: str, content: str | bytes, options: dict[str, str], reason: str | None) -> None:
    """A file that is no list is reported before anything is fetched."""
    path = listed(name, content)
    with pytest.raises(ListError) as unreadable:
        TargetList(["http://a.example/", str(path)], InputSettings(**options))
    assert unreadable.value.source == str(path)
    if reason is not None:
        assert unreadable.value.reason == reason


def test_missing(tmp_path: Path) -> None:
    """The message for a missing file and a folder has the system's words."""
    with pytest.raises(ListError, match="No such file or directory"):
        TargetList([str(tmp_path / "none.txt")], InputSettings())
    with pytest.raises(ListError, match="Is a directory"):
        TargetList([str(tmp_path)], InputSettings())
    with pytest.raises(ListError):
        TargetList(["nul\0byte"], InputSettings())


def test_header_only(listed) -> None:
    """A CSV file with nothing but its header is a list with no rows."""
    assert read(listed("urls.csv", "url,n")).found == []


@pytest.mark.parametrize("name", ["urls.csv", "urls.txt", "urls.jsonl"])
def test_byte_order_mark(listed, name: str) -> None:
    """A UTF-8 byte order mark is no part of the first row."""
    content = {"csv": "url\nhttp://a.example/1\n", "txt": "http://a.example/1\n", "jsonl": '"http://a.example/1"\n'}
    reading = read(listed(name, b"\xef\xbb\xbf" + content[name.rpartition(".")[2]].encode()))
    assert [url for _, url in reading.urls] == ["http://a.example/1"]


@pytest.mark.parametrize("name", ["urls.txt.gz", "urls.txt"])
def test_gzip(listed, name: str) -> None:
    """Gzip is known by its first bytes; several members are one list."""
    many = "".join(f"http://a.example/{i}\n" for i in range(20_000)).encode()
    reading = read(listed(name, gzip.compress(many) + gzip.compress(b"http://b.example/\n") + bytes(10)))
    assert len(reading.found) == 20_001
    assert reading.urls[-1] == (20_001, "http://b.example/")


def test_damaged_gzip(listed) -> None:
    """A list that ends too early is an error, not a shorter list."""
    whole = gzip.compress("".join(f"http://a.example/{i * i}\n" for i in range(50_000)).encode())
    with pytest.raises(ListError, match="the compressed data ends too early"):
        read(listed("urls.gz", whole[:-20]))


def test_rubbish_after_gzip(listed) -> None:
    """Bytes after the compressed data are ignored, with a note."""
    notes: list[str] = []
    path = listed("urls.gz", gzip.compress(b"http://a.example/\n") + b"rubbish")
    targets = TargetList([str(path)], InputSettings(), on_note=notes.append)
    assert len(Reading(targets).to_the_end().found) == 1
    targets.close()
    assert notes == [f"{path}: ignored the bytes after the compressed data"]


def test_zstd(listed) -> None:
    """Zstandard is read where it can be."""
    zstd = pytest.importorskip("backports.zstd", reason="no Zstandard here")
    many = "".join(f"url,n\nhttp://a.example/{i},x\n" if not i else f"http://a.example/{i},x\n" for i in range(9000))
    reading = read(listed("urls.csv.zst", zstd.compress(many.encode())))
    assert len(reading.found) == 9000
    assert reading.found[0].input == {"n": "x"}


def test_long_lines(listed) -> None:
    """An absurdly long line is rejected, wherever the blocks end, and the next line is read."""
    long = "http://a.example/" + "x" * MAX_LINE
    huge = "http://a.example/" + "y" * (20 * MAX_LINE)
    path = listed("urls.txt", f"http://a.example/1\n{long}\nhttp://a.example/3\n{huge}\nhttp://a.example/5\n{huge}")
    reading = read(path)
    assert [line for line, _ in reading.urls] == [1, 3, 5]
    assert reading.reasons == [(n, INVALID, f"{path}:{n}: longer than 64 KiB") for n in (2, 4, 6)]
    assert all(len(rejected.target.url) <= 500 for rejected in reading.rejected)


def test_several_lists(listed) -> None:
    """URLs, files and standard input are read in order, each with its own line numbers, deduplicated together."""
    one = listed("one.txt", "http://a.example/1\nhttp://a.example/2")
    two = listed("two.csv", "url\nhttp://a.example/2\nhttp://a.example/3\n")
    again = b"http://a.example/s\nhttp://a.example/0\nhttp://a.example/1\nhttp://a.example/s\n"
    reading = read("http://a.example/0", one, "-", two, "https://a.example/9", stdin=again)
    found = [(t.source, t.line, t.path) for t in reading.found if t.host.scheme == "http"]
    one, two, pipe = str(one), str(two), "standard input"
    assert found == [(None, None, "/0"), (one, 1, "/1"), (one, 2, "/2"), (pipe, 1, "/s"), (two, 3, "/3")]
    assert reading.reasons == [
        (2, DUPLICATE, "the same as an earlier argument"),
        (3, DUPLICATE, f"the same as {one}:1"),
        (4, DUPLICATE, f"the same as {pipe}:1"),
        (2, DUPLICATE, f"the same as {one}:2"),
    ]
    assert [rejected.target.source for rejected in reading.rejected] == [pipe, pipe, pipe, two]
