"""Compressed lists, and archives, which are none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scrapepool.errors import ListError
from scrapepool.read import TargetList
from scrapepool.settings import InputSettings
from tests.read.reading import Reading, Waiting, read

COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_lists(suffix: str, tmp_path: Path) -> None:
    """Several members, padding and a suffix before that of the compression are read as they are meant."""
    compress = COMPRESS[suffix]
    rows = "".join(f"{number},http://a.example/{number}\n" for number in range(10_000))
    whole = compress(b"id,url\n" + rows.encode()) + bytes(8) + compress(b"x,http://b.example/\n") + bytes(512)
    (path := tmp_path / f"list.csv.{suffix}").write_bytes(whole)
    for reading in (read(path), read("-", stdin=whole)):
        assert len(reading.urls) == 10_001
        assert reading.urls[-1] == (10_002, "http://b.example/")
        assert reading.reasons == []


@pytest.mark.parametrize("suffix", COMPRESS)
def test_an_empty_compressed_list_is_empty(suffix: str) -> None:
    """It has no rows, and is no text either."""
    reading = read("-", stdin=COMPRESS[suffix](b""))
    assert (reading.found, reading.rejected) == ([], [])


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_cut_or_damaged_list_is_an_error(suffix: str, tmp_path: Path) -> None:
    """A list that ends within its compressed data, or whose data is wrong, is not read as a shorter one."""
    whole = COMPRESS[suffix]("".join(f"http://a.example/{i * i}\n" for i in range(50_000)).encode())
    for content, reason in ((whole[:-9], "ends too early"), (whole[:60] + b"\xff" * 60 + whole[120:], "damaged")):
        (path := tmp_path / "list").write_bytes(content)
        with pytest.raises(ListError, match=reason):
            read(path)


def test_a_name_that_begins_as_bzip2_does_is_a_name() -> None:
    """Three letters and a digit are no compressed data."""
    assert read("-", stdin=b"BZh9.example\nBZh91AY.example\n").urls == [
        (1, "https://BZh9.example"),
        (2, "https://BZh91AY.example"),
    ]


def archive(kind: str, content: bytes = b"http://a.example/1\n") -> bytes:
    """An archive with a list in it."""
    written = io.BytesIO()
    if kind.startswith("tar"):
        form = {"tar": tarfile.PAX_FORMAT, "tar of GNU": tarfile.GNU_FORMAT}.get(kind, tarfile.USTAR_FORMAT)
        with tarfile.open(fileobj=written, mode="w", format=form) as tar:
            (member := tarfile.TarInfo("urls.txt")).size = len(content)
            tar.addfile(member, io.BytesIO(content))
    else:
        method = zipfile.ZIP_STORED if kind == "zip, stored" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(written, "w", method) as file:
            if kind == "xlsx":
                file.writestr("[Content_Types].xml", "<Types/>")
            if kind != "zip, empty":
                file.writestr("urls.txt", content)
    whole = written.getvalue()
    if kind == "tar without its mark":  # as before POSIX: the checksum alone tells
        header = bytearray(whole[:512])
        header[257:265] = bytes(8)
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        whole = bytes(header) + whole[512:]
    return whole


@pytest.mark.parametrize("compress", [bytes, *COMPRESS.values()])
@pytest.mark.parametrize("kind", ["tar", "tar of GNU", "tar of POSIX", "tar without its mark", "zip", "zip, stored"])
def test_archives_are_refused_in_words(kind: str, compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A tar or zip file, also a compressed one, is no list; nothing in it is taken for one, whatever it is called."""
    (path := tmp_path / "urls.txt").write_bytes(compress(archive(kind)))
    reason = f"is a {kind[:3]} archive; give the list itself, as {'tar -xOf' if kind[0] == 't' else 'unzip -p'} prints"
    for kind_given in ("auto", "text", "csv", "html"):
        with pytest.raises(ListError, match=reason):
            TargetList([str(path)], InputSettings(format=kind_given))
    targets = TargetList(["-"], InputSettings(), stdin=io.BytesIO(path.read_bytes()))
    waiting = Waiting()
    targets.wake = waiting
    with pytest.raises(ListError, match=reason):
        waiting.until(lambda: targets.poll() is not None)
    targets.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive("xlsx"), "is an office document"),
        (archive("zip, empty"), "is a zip archive"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "is a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", "is a RAR archive"),
        (b"\x1f\x9d\x90h\xe8", "is compressed by compress"),
        (b"\x04\x22\x4d\x18h", "is compressed by lz4"),
        (b"LZIP\x01\x0c", "is compressed by lzip"),
        (lzma.compress(b"http://a.example/", lzma.FORMAT_ALONE), "is compressed by lzma"),
        (b"%PDF-1.7\n", "is a PDF"),
    ],
)
def test_other_files_are_refused_in_words(content: bytes, reason: str, tmp_path: Path) -> None:
    """What holds a list in a way that is not read is named, with what to do."""
    (path := tmp_path / "list").write_bytes(content)
    with pytest.raises(ListError, match=reason):
        read(path)


def test_a_name_that_begins_as_lzip_does_is_a_name(tmp_path: Path) -> None:
    """Capital letters are a host's, too; the version byte behind them is not."""
    (path := tmp_path / "list").write_bytes(b"LZIP.example/\n")
    assert read(path).urls == [(1, "https://LZIP.example/")]


def test_a_tar_that_comes_in_bits_is_told() -> None:
    """The NULs of its header are no ends of lines, however few bytes come at once."""

    class OneByOne(io.RawIOBase):
        def __init__(self) -> None:
            self._content = io.BytesIO(archive("tar"))

        def read(self, size: int = -1) -> bytes:
            return self._content.read(1)

    targets = TargetList(["-"], InputSettings(), stdin=OneByOne())
    with pytest.raises(ListError, match="is a tar archive"):
        Reading(targets).to_the_end()
    targets.close()
