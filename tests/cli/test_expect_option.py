"""``--expect``, and what the summary says without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response

PLAIN = ("--no-robots", "--retries", 0)


def respond(request: Request) -> Response | None:
    """Serve images that are none, and pages that lead to a login."""
    html = [("Content-Type", "text/html")]
    match request.target.partition("?")[0].split("/")[1]:
        case "item":
            return Response(302, [("Location", f"/login?next={request.target}")])
        case "login":
            return Response(headers=html, body=b"<form>log in</form>")
        case "image.png" if request.nth == 1:
            return Response(headers=html, body=b"hotlinking not allowed" * 9000)
        case "image.png":
            return Response(headers=[("Content-Type", "image/png")], body=b"png")
        case "page":
            return Response(headers=html, body=b"<h1>Hello</h1>")
    return None


@pytest.mark.parametrize(
    ("path", "expected", "detail"),
    [
        ("/image.png", "type:image/*", "expected type:image/*; it is text/html"),
        ("/image.png", "!text:hotlinking", "expected !text:hotlinking; the body has it"),
        ("/item", "!url:*/login*", "expected !url:*/login*; it ended at {}/login?next=/item"),
        ("/status/206", "status:200,204", None),
        ("/item", "css:h1", "expected css:h1; the body lacks it"),
        ("/page", "css:h1", None),
    ],
)
def test_a_response_that_is_not_as_expected(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, path: str, expected: str, detail: str | None
) -> None:
    """Fails, with the reason and the response in the record; its body is not saved."""
    saved = tmp_path / "pages"
    with PoliteServer(handler=respond) as server:
        ran = here(capfd, "fetch", server.url(path), "--expect", expected, "--save-dir", saved, "-q", *PLAIN)
        origin = server.url("")
    (record,) = ran.records
    if detail is None:
        assert record["error"] in (None, "partial")
        assert "body" not in record
        return
    assert (ran.code, record["outcome"], record["error"]) == (1, "failed", "unexpected")
    assert record["detail"] == detail.format(origin)
    assert (record["status"], record["path"], record["complete"]) == (200, None, True)
    assert [file for file in saved.rglob("*") if file.is_file() and file.name[0] != "."] == []
    assert not any(saved.rglob("*.part")) and not any(saved.rglob("*.whole"))


def test_unexpected_pages_can_be_retried(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """--retry-on retries them in the same run, and retry in another one. --body keeps their text."""
    out = tmp_path / "out.jsonl"
    with PoliteServer(handler=respond) as server:
        expect = ("--expect", "type:image/*", "--no-robots", "-q", "--body", "-o", out)
        assert here(capfd, "fetch", server.url("/image.png"), *expect).code == 1
        assert json.loads(out.read_text())["body"].startswith("hotlinking")
        assert here(capfd, "retry", out, "--class", "unexpected", *expect).code == 0
    with PoliteServer(handler=respond) as server:
        again = ("--retry-on", "unexpected", "--retries", 1, "--backoff", 0)
        ran = here(capfd, "fetch", server.url("/image.png"), *expect, *again)
    assert (ran.code, json.loads(out.read_text())["attempts"]) == (0, 2)


def test_striking_pages_are_reported(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A session has expired: all pages succeed, all are the login page, and no value is found."""
    summary = tmp_path / "summary.json"
    with PoliteServer(handler=respond) as server:
        urls = [server.url(f"/item?{number}") for number in range(12)]
        select = ("--select", "price=css:.price", "--extract-workers", 0, "--summary-json", summary)
        ran = here(capfd, "fetch", *urls, *select, *PLAIN)
        login = server.url("/login")
    assert ran.code == 0
    notes = ["price: found in 0 of 12 pages", f"12 of 12 ended at {login}"]
    assert [line[10:] for line in ran.err.splitlines()][-2:] == notes
    assert json.loads(summary.read_text())["striking"] == notes


def test_wrong_expectations_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """They are refused before anything is fetched."""
    for expected, message in (("h1", "write KIND:VALUE"), ("css:h1[", "not a CSS selector: h1[")):
        ran = here(capfd, "fetch", "http://127.0.0.1:1/", "--expect", expected)
        assert ran.code == 2
        assert message in ran.err
        assert ran.out == ""
