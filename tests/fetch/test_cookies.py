"""Cookie files: which are understood, and how the others are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapepool.errors import UsageError
from scrapepool.fetch.cookies import load_jar

GOOD = "# Netscape HTTP Cookie File\n.example.org\tTRUE\t/\tFALSE\t4102444800\tname\tvalue\n"


def test_a_netscape_file_is_read(tmp_path: Path) -> None:
    """The format of browsers' exporters, curl and wget."""
    path = tmp_path / "cookies.txt"
    path.write_text(GOOD)
    jar = load_jar(str(path))
    assert jar is not None
    assert jar.get_dict() == {"name": "value"}


def test_session_cookies_are_kept_and_expired_ones_are_not(tmp_path: Path) -> None:
    """curl, wget and browsers' exporters write 0 for a cookie that lasts as long as its session: most log-ins."""
    path = tmp_path / "cookies.txt"
    line = "example.org\tFALSE\t/\tFALSE\t{}\t{}\tvalue\n"
    cookies = [line.format(expires, name) for expires, name in (("0", "zero"), ("", "empty"), ("1", "expired"))]
    path.write_text("# Netscape HTTP Cookie File\n" + "".join(cookies))
    jar = load_jar(str(path))
    assert jar is not None
    assert jar.get_dict() == {"zero": "value", "empty": "value"}
    assert not any(cookie.is_expired() for cookie in jar)


def test_no_file_is_no_jar() -> None:
    """Without ``--cookies`` there is no shared jar."""
    assert load_jar(None) is None


@pytest.mark.parametrize("content", [b"", b"a=b\n", b"\xff\xfe", b"# Netscape HTTP Cookie File\nonly\tthree\tfields\n"])
def test_what_is_no_cookie_file_is_told(tmp_path: Path, content: bytes) -> None:
    """Anything else is a usage error that names the file."""
    path = tmp_path / "cookies.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cookies\.txt"):
        load_jar(str(path))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """So is a file that is not there."""
    with pytest.raises(UsageError, match=r"none\.txt"):
        load_jar(str(tmp_path / "none.txt"))
