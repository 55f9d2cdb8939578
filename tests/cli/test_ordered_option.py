"""``fetch --ordered``: the order of the list, however long each response takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import here

from tests.servers.polite import PoliteServer


def test_records_come_in_the_order_of_the_lists(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """That holds over hosts, lists, arguments, repeats and rejected lines, and for what a resumed run adds."""
    out = tmp_path / "out.jsonl"
    with PoliteServer(3, latency="lognormal:0.01:1") as server:
        lines = []
        for number in range(90):
            lines.append(server.url(f"/{number}", number % 3))
            if number % 10 == 0:
                lines += ["no url at all", lines[0]]
        (tmp_path / "first").write_text("\n".join(lines))
        (tmp_path / "second.jsonl").write_text("".join(f"{json.dumps(server.url(f'/2-{n}'))}\n" for n in range(20)))
        command = ("fetch", tmp_path / "first", server.url("/alone"), tmp_path / "second.jsonl", "--ordered", "-q")
        ran = here(capfd, *command, "-w", "16")
        found = [(record["url"], record["line"]) for record in ran.records]
        assert len(found) == len(lines) + 1 + 20
        assert found[: len(lines)] == [(ran.records[place]["url"], place + 1) for place in range(len(lines))]
        assert found[len(lines)] == (server.url("/alone"), None)
        assert found[len(lines) + 1 :] == [(server.url(f"/2-{n}"), n + 1) for n in range(20)]
        out.write_text("".join(ran.out.splitlines(keepends=True)[:50]))
        here(capfd, *command, "-o", out, "--resume")
    urls = [json.loads(line)["url"] for line in out.read_text().splitlines()]
    assert sorted(urls) == sorted(url for url, _ in found)
    again = [url for url in urls if urls.count(url) == 1]
    assert again == [url for url, _ in found if url in set(again)]
