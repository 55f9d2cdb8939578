"""Sections for hosts, from the file to the server."""

from __future__ import annotations

import json
from pathlib import Path

from place import Place

from tests.servers.polite import PoliteServer

PAGES = 12


def test_a_section_reaches_its_host(tmp_path: Path) -> None:
    """One host is requested by the limit and the fields of its section, the other by those of the run."""
    place = Place(tmp_path)
    with PoliteServer(2, latency="fixed:0.02") as server:
        own, other = server.sites
        urls = [f"{site.origin}/echo?{page}" for page in range(PAGES) for site in (own, other)]
        place.write("urls.txt", "\n".join(urls))
        place.write(
            "scrapepool.toml",
            f"""
            workers = 8
            body = true
            [host."{own.origin.removeprefix("http://")}"]
            per-host = 1
            headers = ["X-Own: yes"]
            credentials = "me:word"
            """,
        )
        ran = place.run("fetch", "urls.txt", "-o", "out.jsonl", "-q")
        assert ran.code == 0, ran.err
        assert own.peak == 1
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(records) == 2 * PAGES
    for record in records:
        fields = {name.lower(): value for name, value in json.loads(record["body"])["headers"]}
        expected = ("yes", "Basic bWU6d29yZA==") if record["url"].startswith(own.origin) else (None, None)
        assert (fields.get("x-own"), fields.get("authorization")) == expected
