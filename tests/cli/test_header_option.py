"""``--header``: fields out of files, and where they go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.cli.place import Place
from tests.servers.polite import PoliteServer


@pytest.fixture
def web() -> Iterator[PoliteServer]:
    with PoliteServer(2) as server:
        yield server


def echoed(place: Place, url: str, *args: str) -> str:
    """The body of a page that repeats the request."""
    ran = place.run("fetch", url, "--no-robots", "--body", "-o", "out.jsonl", *args)
    assert ran.code == 0, ran.err
    return str(json.loads((place.folder / "out.jsonl").read_text())["body"])


def test_fields_come_out_of_a_file(place: Place, web: PoliteServer) -> None:
    """One per line, blank lines left out; beside fields of the command line, in the order given."""
    place.write("fields", "X-One: 1\r\n\nAuthorization: Bearer hush\n")
    body = echoed(place, web.url("/echo"), "-H", "X-Two: 2", "-H", "@fields")
    assert all(field in body for field in ("X-One", "Bearer hush", "X-Two"))


def test_a_file_can_be_named_in_the_environment_and_in_a_configuration(place: Place, web: PoliteServer) -> None:
    """Neither shows a token in the list of processes."""
    place.write("fields", "X-One: 1")
    place.write("some.toml", 'header = "@fields"')
    assert "X-One" in echoed(place, web.url("/echo"), "--config", "some.toml")
    place.environment["SCRAPEPOOL_FETCH_HEADER"] = "@fields\nX-Two: 2"
    body = echoed(place, web.url("/echo"))
    assert all(field in body for field in ("X-One", "X-Two"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"A: 1\nBearer hush", "line 2 is not a header field; write Name: value"),
        (b"hush: \xff", "line 1 is not a header field; write Name: value"),
        (b"A: hush\0", "line 1 is not a header field; write Name: value"),
        (b"x" * (1024 * 1024 + 1), "larger than 1 MiB; the file must have one header field per line"),
    ],
)
def test_an_error_in_a_file_is_reported_without_its_content(place: Place, content: bytes, said: str) -> None:
    """The message has the line's number, and never the line: it may be a secret."""
    (place.folder / "fields").write_bytes(content)
    ran = place.run("fetch", "http://127.0.0.1:9/", "-H", "@fields")
    assert (ran.code, ran.err) == (2, f"scrapepool: --header: fields: {said}\n")


@pytest.mark.parametrize("name", ["none", ".", "", "a\0b"])
def test_a_file_that_cannot_be_read(place: Place, name: str) -> None:
    """Exit code 2 and one line that names it."""
    ran = place.run("fetch", "http://127.0.0.1:9/", "-H", f"@{name}")
    assert ran.code == 2
    assert ran.err.startswith("scrapepool: --header: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("everywhere", [False, True])
def test_fields_follow_a_redirect_on_request_only(place: Place, web: PoliteServer, everywhere: bool) -> None:
    """Host, too, is the first host's alone."""
    away = web.url("/redirect?status=302&to=" + quote(web.url("/echo", host=1), safe=""))
    args = ["-H", "Host: hush.test", "-H", "X-Jwt: hush", "-H", "Accept-Language: de"]
    body = echoed(place, away, *args, *(["--header-everywhere"] if everywhere else []))
    assert body.count("hush") == (2 if everywhere else 0)
    assert "Accept-Language" in body
