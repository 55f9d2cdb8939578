"""Bombs and endless bodies, in all workers at once: the most memory that a run takes, and what its records say.

    python -m tests.torture.bombs [ROUNDS]

64 workers, each on a body that decodes to 512 MiB (gzip, brotli, zstd, gzip within gzip), has no end (chunked, until
the server closes, a huge length) or never gets to one (headers, interim answers, trailers), with as many URLs as
workers a round. Then the same with ``--body``; and whole bodies in the codings that need most memory to be undone. The
suite runs a short form.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import brotli
from backports import zstd

from scrapepool.transport.http1.compressed_stream import ZSTD_WINDOW_LOG
from tests.servers.hostile import Behaviour, HostileServer
from tests.servers.wire import OK, Wire
from tests.servers.zoo import ZOO
from tests.servers.zoo.bombs import BOMB_SIZE, brotli_zeros, gzip_zeros, zstd_zeros

from .memory import watched

WORKERS = 64
CEILING = 200.0
"""MB of resident memory."""

TIMEOUT = 600.0  # seconds

TOO_LARGE = frozenset({"too_large"})
ENDLESS = ("endless_body", "endless_chunks", "endless_headers", "endless_interim", "endless_trailers")
"""Of the zoo; none of them is to end in anything but an error."""


def _coded(name: str, coding: str, body: Callable[[], bytes], expected: frozenset[str] = TOO_LARGE) -> Behaviour:
    def script(wire: Wire) -> None:
        data = body()
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(data)}\r\n\r\n"
        wire.send(head.encode() + data)

    return Behaviour(name, "", expected, script)


def _announced(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % 2**40)
    while True:
        wire.send(bytes(65536))


@cache
def _twice_gzipped(size: int) -> bytes:
    import gzip

    return gzip.compress(gzip_zeros(size))


def behaviours(size: int = BOMB_SIZE) -> list[Behaviour]:
    """The bombs, decoding to ``size`` bytes each, and what has no end."""
    return [
        _coded("gzip", "gzip", lambda: gzip_zeros(size)),
        _coded("brotli", "br", lambda: brotli_zeros(size)),
        _coded("zstd", "zstd", lambda: zstd_zeros(size)),
        _coded("gzip_twice", "gzip, gzip", lambda: _twice_gzipped(size)),
        Behaviour("huge_length", "", TOO_LARGE, _announced),
        *(ZOO[name] for name in ENDLESS),
    ]


def wide() -> dict[str, Behaviour]:
    """Whole bodies of 48 MiB that need the largest windows which their codings have, or are allowed here."""
    noise = random.Random(1).randbytes(2**20) * 48

    @cache
    def brotli_wide() -> bytes:
        coder = brotli.Compressor(quality=5, lgwin=24)
        return bytes(coder.process(noise) + coder.finish())

    @cache
    def zstd_wide() -> bytes:
        return bytes(zstd.compress(noise, options={zstd.CompressionParameter.window_log: ZSTD_WINDOW_LOG}))

    return {
        "brotli, 16 MiB": _coded("brotli", "br", brotli_wide, OK),
        "zstd, 8 MiB": _coded("zstd", "zstd", zstd_wide, OK),
    }


@dataclass
class Report:
    """What came of it. most: MB of resident memory at most. errors: by behaviour. wrong: findings."""

    urls: int
    most: float = 0.0
    seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        errors = ", ".join(f"{times} {what}" for what, times in sorted(self.errors.items()))
        cost = f"{self.urls} URLs in {self.seconds:.0f} s, {self.most:.0f} MB at most"
        return f"{cost}, {len(self.wrong)} findings: {errors}"


def run(kinds: Sequence[Behaviour], urls: int, *options: str, workers: int = WORKERS) -> Report:
    """Fetch that many URLs of these kinds, in turns."""
    report = Report(urls)
    with HostileServer((), extra=kinds) as server, tempfile.TemporaryDirectory() as name:
        path, output = Path(name, "urls.txt"), Path(name, "out.jsonl")
        names = [kind.name for kind, _ in zip(itertools.cycle(kinds), range(urls), strict=False)]
        path.write_text("".join(f"{server.url(name, n)}\n" for n, name in enumerate(names)))
        command = [sys.executable, "-m", "scrapepool", "fetch", str(path), "-o", str(output), "--config", os.devnull]
        limits = [
            "--workers",
            str(workers),
            "--per-host",
            str(workers),
            "--retries",
            "0",
            "--pace",
            "fixed",
            "--no-robots",
        ]
        began = time.monotonic()
        process = subprocess.Popen([*command, *limits, *options], stderr=subprocess.PIPE, text=True)
        report.most = max(most for _, most in watched(process, TIMEOUT))
        report.seconds = time.monotonic() - began
        assert process.stderr
        said = process.stderr.read()
        process.stderr.close()
        if process.returncode not in (0, 1) or "Traceback" in said:
            report.wrong.append(f"exit {process.returncode}: {said[-300:]}")
        expected = {kind.name: kind.expected for kind in kinds}
        with output.open() as lines:
            for record in map(json.loads, lines):
                kind, error = record["url"].split("/")[3], record["error"] or record["outcome"]
                report.errors[f"{kind}: {error}"] += 1
                if error not in expected[kind]:
                    report.wrong.append(f"{record['url']}: {error}, {record['detail']}")
        if sum(report.errors.values()) != urls:
            report.wrong.append(f"{sum(report.errors.values())} records for {urls} URLs")
    return report


def main() -> None:
    """The long form."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    reports = {
        "bombs and endless bodies": run(behaviours(), rounds * WORKERS),
        "with --body": run(behaviours(), WORKERS, "--body"),
        **{f"whole bodies, windows of {name}": run([kind], WORKERS) for name, kind in wide().items()},
    }
    for what, report in reports.items():
        print(f"{what}: {report}")  # noqa: T201 - what the script is for
        print(*report.wrong[:20], sep="\n")  # noqa: T201
    first, *_ = reports.values()
    sys.exit(first.most > CEILING or any(report.wrong for report in reports.values()))


if __name__ == "__main__":
    main()
