"""Runs that have 64 file descriptors for 256 workers and 300 hosts: whether anything fails for want of one.

    python -m tests.torture.descriptors [URLS]

``ulimit -n 64``, which the process cannot raise again; once with records on standard output, with a record file, with
robots.txt, over TLS, with a name to look up, and with all of that and bodies and a log. The suite runs a short form.
"""

from __future__ import annotations

import json
import os
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.servers.polite import PoliteServer, loopback_addresses

DESCRIPTORS = 64
WORKERS = 256
HOSTS = 300
LATENCY = 0.02  # seconds of a reply: long enough for all workers to be at it
NAME = "localhost"
TIMEOUT = 300.0  # seconds


@dataclass
class Report:
    """What came of it. errors: of records that are not ok, with their details. wrong: findings."""

    urls: int
    seconds: float = 0.0
    opened: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        failed = sum(self.errors.values())
        return (
            f"{self.urls} URLs in {self.seconds:.1f} s over {self.opened} connections: "
            f"{failed} failed, {len(self.wrong)} findings"
        )


def run(
    urls: int, *options: str, hosts: int = HOSTS, workers: int = WORKERS, tls: bool = False, name: bool = False
) -> Report:
    """Fetch that many URLs from that many hosts, over TLS, one in ten of them by a name, where these are asked for."""
    report = Report(urls)
    context, authority = None, trustme.CA()
    addresses = [*loopback_addresses(hosts), "127.0.0.1"]
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(NAME, *addresses).configure_cert(context)
    with (
        PoliteServer(addresses, latency=f"fixed:{LATENCY}", tls=context) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        path, out, trusted = Path(folder, "urls.txt"), Path(folder, "out"), Path(folder, "ca.pem")
        authority.cert_pem.write_to_path(str(trusted))
        origins = [
            f"{'https' if tls else 'http'}://{NAME}:{server.port}"
            if name and n % 10 == 0
            else server.url("", n % hosts)
            for n in range(urls)
        ]
        path.write_text("".join(f"{origin}/page/{n}\n" for n, origin in enumerate(origins)))
        options = tuple(option.replace("FOLDER", folder) for option in options)
        command = [sys.executable, "-m", "scrapepool", "fetch", str(path), "--config", os.devnull]
        command += ["--workers", str(workers), "--cacert", str(trusted), *options]
        began = time.monotonic()
        with out.open("wb") as stdout:
            ended = subprocess.run(
                command,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                timeout=TIMEOUT,
                preexec_fn=_limit,
                check=False,
            )
        report.seconds, report.opened = time.monotonic() - began, server.opened
        records = [
            json.loads(line) for file in (out, Path(folder, "records.jsonl")) if file.exists() for line in file.open()
        ]
    if ended.returncode or "Traceback" in ended.stderr:
        report.wrong.append(f"exit {ended.returncode}: {ended.stderr[-300:]}")
    if len({record["url"] for record in records}) != urls or len(records) != urls:
        report.wrong.append(f"{len(records)} records for {urls} URLs")
    report.errors.update(f"{record['error']}: {record['detail']}" for record in records if record["outcome"] != "ok")
    report.wrong += [f"{times} times {error}" for error, times in report.errors.items()]
    return report


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


RUNS: dict[str, tuple[tuple[str, ...], bool, bool]] = {
    "plain": (("--no-robots",), False, False),
    "a record file, synced with every write": (("-o", "FOLDER/records.jsonl", "--fsync", "always"), False, False),
    "robots.txt": (("--robots",), False, False),
    "TLS": (("--no-robots",), True, False),
    "a name to look up": (("--no-robots",), False, True),
    "all of these, bodies and a log": (
        ("--robots", "-o", "FOLDER/records.jsonl", "--body", "--log-file", "FOLDER/log"),
        True,
        True,
    ),
}
"""Options, whether over TLS, whether with a name."""


def main() -> None:
    """The long form."""
    urls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    wrong = False
    for what, (options, tls, name) in RUNS.items():
        report = run(urls, *options, tls=tls, name=name)
        print(f"{what}: {report}")  # noqa: T201 - what the script is for
        print(*report.wrong[:5], sep="\n")  # noqa: T201
        wrong |= bool(report.wrong)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
