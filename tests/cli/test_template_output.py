"""``fetch --template``: on standard output alone, and next to records in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer


def test_lines_instead_of_records_and_next_to_them(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Standard output has one line a URL, as the template says; -o has the records."""
    path = tmp_path / "out.jsonl"
    template = r"{status:4d} {attempts} {url}\n"
    with PoliteServer(1) as server:
        url = server.url("/x")
        alone = here(capfd, "fetch", url, "--template", template, "-q")
        both = here(capfd, "fetch", url, "--template", template, "-o", path, "-q")
    assert alone.out == both.out == f" 200 1 {url}\n"
    assert [json.loads(line)["url"] for line in path.read_text().splitlines()] == [url]


def test_a_digest_that_only_the_template_names_is_made(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Outputs want different things of a body, and each gets its own."""
    with PoliteServer(1) as server:
        ran = here(
            capfd, "fetch", server.url("/x"), "--template", "{sha256}", "-o", tmp_path / "a.jsonl", "--fields", "url"
        )
    assert len(ran.out) == 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--template", "{nope}", "-o", "out"], "unknown field: nope"),
        (["--template", "{url}", "--resume"], "--resume needs --output, --sqlite or --parquet"),
    ],
)
def test_a_template_that_cannot_be_meant_empties_no_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    """It is looked at before anything is opened or fetched."""
    monkeypatch.chdir(tmp_path)
    Path("out").write_text("precious")
    ran = here(capfd, "fetch", "http://127.0.0.1:9/", *options)
    assert (ran.code, Path("out").read_text()) == (2, "precious")
    assert message in ran.err
