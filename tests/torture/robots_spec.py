"""Google's compliance suite for robots.txt through the command line: a server for each of its files.

    python -m tests.torture.robots_spec

Every agent of the suite runs the command once, over all URLs that the suite has it ask for. An expectation is met where
the record says so *and* the server was asked for the path, or was not. Prints what was not met; the suite has the same
at the level of rules, and says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.polite import PoliteServer, Request, Response, loopback_addresses
from tests.transport.robots.robots_cases import ARCHIVE, Expectation, load

TIMEOUT = 120.0
"""Seconds after which a run of the command hangs."""

PROMISED = 370
"""Of 378: the others are what RFC 9309 has overruled."""


class Sites:
    """A host for each robots.txt of the suite; knows which paths each was asked for."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self._addresses = loopback_addresses(len(files))
        self._files = dict(zip(self._addresses, files, strict=True))
        self.asked: Counter[tuple[str, str]] = Counter()
        self.server = PoliteServer(self._addresses, self._answer)

    def url(self, expectation: Expectation) -> str:
        """Where an expectation's URL is to be had here."""
        address = next(address for address, file in self._files.items() if file == expectation.robots_txt)
        parts = urlsplit(expectation.url)
        return f"http://{address}:{self.server.port}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")

    def _answer(self, request: Request) -> Response | None:
        address = (request.header("Host") or "").partition(":")[0]
        self.asked[address, request.target] += 1
        if request.target == "/robots.txt":
            return Response(headers=[("Content-Type", "text/plain")], body=self._files[address])
        return Response(body=b"ok\n")


def run(agent: str, urls: Sequence[str]) -> dict[str, str]:
    """What became of each URL: ``ok``, or the slug of its error."""
    with tempfile.TemporaryDirectory() as folder:
        urls_file, records = Path(folder, "urls.txt"), Path(folder, "records.jsonl")
        urls_file.write_text("\n".join(urls) + "\n", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "scrapepool",
            "fetch",
            "--robots",
            "--no-dedupe",
            "--progress",
            "none",
            "--quiet",
        ]
        options = ["--max-crawl-delay", "0", "--user-agent", agent, "--output", str(records), str(urls_file)]
        subprocess.run([*command, *options], check=False, timeout=TIMEOUT)
        lines = map(json.loads, records.read_text(encoding="utf-8").splitlines())
        return {line["url"]: line["error"] or line["outcome"] for line in lines}


def main() -> int:
    """Run the suite; 1 where fewer of its standard expectations than promised are met."""
    if not ARCHIVE.exists():
        sys.exit(f"{ARCHIVE.name} is not here")
    expectations = load()
    sites = Sites(list(dict.fromkeys(one.robots_txt for one in expectations)))
    by_agent: defaultdict[str, dict[str, Expectation]] = defaultdict(dict)
    for one in expectations:
        by_agent[one.agent][sites.url(one)] = one
    met: Counter[bool] = Counter()
    total = Counter(one.standard for by_url in by_agent.values() for one in by_url.values())
    with sites.server:
        for agent, by_url in by_agent.items():
            sites.asked.clear()
            ends = run(agent, list(by_url))
            for url, one in by_url.items():
                parts = urlsplit(url)
                times = sites.asked[parts.hostname or "", one.path] - (one.path == "/robots.txt")
                if ends.get(url) == ("ok" if one.allowed else "robots") and (times > 0) is one.allowed:
                    met[one.standard] += 1
                else:
                    word = "standard" if one.standard else "beyond"
                    wanted = "allowed" if one.allowed else "refused"
                    print(f"{word} {one.file}: {one.agent!r} {one.url}: {wanted} expected, came to {ends.get(url)}")  # noqa: T201 - its output
    print(f"{met[True]} of {total[True]} standard expectations, {met[False]} of {total[False]} beyond the standard")  # noqa: T201 - its output
    return 0 if met[True] >= PROMISED else 1


if __name__ == "__main__":
    sys.exit(main())
