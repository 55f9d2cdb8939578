"""``--name-template``: names by what a response says, and fields that nothing fills in."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer, Request, Response

PLAIN = ("--no-robots", "-q", "--retries", 0, "-o", "/dev/null")


def respond(request: Request) -> Response | None:
    suggested = ("Content-Disposition", "attachment; filename=\"a.pdf\"; filename*=UTF-8''%e2%82%ac.pdf")
    return Response(
        headers=[suggested, ("Content-Type", "text/html")], body=b"<title>Pens: all</title>" + b"x" * 100_000
    )


@pytest.mark.parametrize(
    ("template", "more", "name"),
    [
        ("{disposition}", (), "€.pdf"),
        ("{title}{ext}", (), "Pens_ all.html"),
        ("{title}{ext}", ("--select", "t=re:Pens", "--extract-workers", 0, "--compress", "gz"), "Pens_ all.html.gz"),
    ],
)
def test_names_by_the_response(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, template: str, more: tuple[object, ...], name: str
) -> None:
    """They are from Content-Disposition and the page's title, also for long and compressed files."""
    with PoliteServer(handler=respond) as server:
        ran = here(capfd, "fetch", server.url("/x"), "--save-dir", tmp_path, "--name-template", template, *more, *PLAIN)
    assert ran.code == 0
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == [name]


def test_a_field_that_is_none(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Is a usage error where no list has such a column, and a note where a row lacks it."""
    with PoliteServer() as server:
        url = server.url("/x")
        (tmp_path / "a.csv").write_text(f"url,sku\n{url},7\n")
        (tmp_path / "a.jsonl").write_text(f'{{"url":"{url}","sku":"8"}}\n{{"url":"{url}?2"}}\n')
        save = ("--save-dir", tmp_path / "pages", "--name-template")
        for source in (url, tmp_path / "a.csv"):
            ran = here(capfd, "fetch", source, *save, "{hots}/{hash}", *PLAIN)
            assert ran.code == 2
            assert ran.err == (
                "scrapepool: --name-template: {hots} is neither a field nor a column of the lists; "
                "did you mean {host}?\n"
            )
        assert server.requests == 0
        assert here(capfd, "fetch", tmp_path / "a.csv", *save, "{sku}", *PLAIN).code == 0
        plain = [word for word in PLAIN if word != "-q"]
        ran = here(capfd, "fetch", tmp_path / "a.jsonl", *save, "{sku}-{hash}", *plain)
    assert "--name-template: {sku} is no field, and a row lacks such a column; it stays empty there" in ran.err
    names = sorted(path.name for path in (tmp_path / "pages").iterdir() if path.name[0] != ".")
    assert [name.partition("-")[0] for name in names] == ["7", "8", "_"]
