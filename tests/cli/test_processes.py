"""``--processes``: the same run, over several worker processes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from place import Place

from tests.servers.hostile import HostileServer
from tests.servers.pages import Response
from tests.servers.polite import PoliteServer, Request

HOSTS = 6
TIMES = {"started", "elapsed", "waited", "timings", "reused", "not_before"}
"""What differs from run to run; whether a connection was used again depends on which request was first."""


def robots(request: Request) -> Response | None:
    """Pages that differ by host: a robots.txt that disallows one, on the last host."""
    if request.target == "/robots.txt" and (request.header("Host") or "").startswith(f"127.0.2.{HOSTS}:"):
        return Response(body=b"User-agent: *\nDisallow: /private\n")
    return None


def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


QUICK = (
    "reset_after_request", "reset_in_headers", "reset_in_body", "immediate_close", "gzip_bomb",
    "eof_in_headers", "eof_in_body", "missing_last_chunk", "lengths_conflicting", "coding_unknown",
    "chunk_size_bad", "trailers", "until_close", "early_hints", "switching_protocols", "http09",
    "binary_rubbish", "status_letters", "status_999", "header_latin1", "folded_header", "location_missing",
    "location_latin1", "location_bad_port", "location_javascript", "redirect_loop", "redirect_with_cookies",
    "retry_after_ages", "gzip_truncated", "gzip_members", "gzip_twice", "deflate_raw", "charset_wrong",
    "charset_unknown",
)  # fmt: skip
"""Behaviours whose outcome no timeout decides."""


def lines_of(web: PoliteServer, bad: HostileServer) -> list[str]:
    """A list with every outcome and most errors."""
    port = web.port
    lines = [web.url(f"/page/{number}", number % HOSTS) for number in range(60)]
    lines += [
        web.url(f"/redirect?to={web.url(f'/landed/{number}', number + 1)}", number) for number in range(HOSTS - 1)
    ]
    lines += [web.url(f"/redirect?to={web.url('/private', HOSTS - 1)}"), web.url("/private/1", HOSTS - 1)]
    lines += [web.url(f"/status/{status}", 1) for status in (204, 404, 410)]
    lines += [web.url("/flaky?times=1", 2), web.url("/flaky?times=1&status=0", 3), web.url("/retry-after/0?times=1", 4)]
    lines += [web.url("/gzip/5000", 1), web.url("/chunked/3000", 2), web.url("/bytes/70000", 3)]
    lines += [bad.url(name) for name in QUICK]
    lines += [f"http://user:secret@127.0.2.2:{port}/with-password", "http://nowhere.invalid/", "http://127.0.2.1:1/"]
    return [*lines, "ftp://example.org/", "no url at all", lines[0], lines[3], "# a comment"]


def test_records_are_those_of_one_process_but_for_times(place: Place) -> None:
    """Over a list with every outcome, field by field, with headers, bodies and histories."""
    found: list[list[str]] = []
    for processes in ("1", "3"):
        with PoliteServer(HOSTS, robots) as web, HostileServer(QUICK) as bad:
            place.write("urls.txt", "\n".join(lines_of(web, bad)))
            ports = {str(web.port): "WEB", **{bad.origin(name).rpartition(":")[2]: "BAD" for name in QUICK}}
            options = ("--headers", "--body", "-v", "--backoff", "0.01s", "--retries", "2", "--max-size", "1MiB")
            ran = place.run("fetch", "urls.txt", "-o", f"{processes}.jsonl", "--processes", processes, *options)
        assert ran.code == 1, ran.err
        records = records_of(place.folder / f"{processes}.jsonl")
        found.append(sorted(json.dumps(comparable(record, ports), sort_keys=True) for record in records))
    assert len(found[0]) > 100
    assert found[0] == found[1]
    kinds = Counter((record["outcome"], record["error"]) for record in records)
    assert {outcome for outcome, _ in kinds} == {"ok", "http_error", "failed", "skipped", "deferred"}
    assert len(kinds) > 15


def comparable(record: dict[str, Any], ports: dict[str, str]) -> Any:
    """A record without what differs from run to run."""
    record = {name: value for name, value in record.items() if name not in TIMES}
    record["headers"] = {name: value for name, value in (record["headers"] or {}).items() if name != "date"}
    steps = [step for step in record["history"] or () if "attempt" in step]
    record["history"] = [{name: value for name, value in step.items() if name not in TIMES} for step in steps]
    text = json.dumps(record)
    for port, name in ports.items():
        text = text.replace(f":{port}", f":{name}")
    return json.loads(text)
