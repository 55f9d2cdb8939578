"""Runs with tables that are killed, again and again, and resumed: does a record imply its row, and is nothing lost?

    python -m tests.torture.tables [KILLS] [SEED]

SIGKILL at random moments of runs with ``--sqlite`` alone, next to records, with bodies, with ``--parquet``, and with
``--ordered``. After each kill the database is whole and has a row for every record that is written; at the end each URL
has one row and one record of success. The suite runs a short form.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.polite import PoliteServer

from .journals import PYTHON, killed, run, succeeded

LATENCY = "lognormal:0.004:1"
HOSTS = 3

OUTPUTS = {
    "sqlite alone": ("--sqlite", "out.db"),
    "sqlite with bodies": ("--sqlite", "out.db", "--body"),
    "sqlite next to records": ("--sqlite", "out.db", "-o", "out.jsonl"),
    "sqlite next to records in order": ("--sqlite", "out.db", "-o", "out.jsonl", "--ordered"),
    "parquet alone": ("--parquet", "out.parquet"),
    "parquet next to records": ("--parquet", "out.parquet", "-o", "out.jsonl"),
}


@dataclass
class Report:
    """What came of it. kills, finished: runs that were killed, and lists that came to their end. wrong: findings."""

    kills: int = 0
    finished: int = 0
    urls: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kills} kills, {self.finished} lists of {self.urls} URLs in all: {len(self.wrong)} findings"


def random_kills(kills: int, seed: int, *, urls: int = 400) -> Report:
    """Kill runs of each kind at random moments, ``kills`` in all, and let each list come to its end."""
    dice = random.Random(seed)
    report = Report()
    kinds = list(OUTPUTS)
    with PoliteServer(HOSTS, latency=LATENCY) as server, tempfile.TemporaryDirectory() as name:
        while report.kills < kills:
            kind = kinds[report.finished % len(kinds)]
            folder = Path(name, str(report.finished))
            folder.mkdir()
            list_of = [server.url(f"/{report.finished}/{n}", n % HOSTS) for n in range(urls)]
            (folder / "urls").write_text("".join(f"{url}\n" for url in list_of))
            command = _command(folder, OUTPUTS[kind])
            for _ in range(dice.randint(1, 4)):
                if not killed(command, dice.uniform(0.2, 1.2)):
                    break
                report.kills += 1
                report.wrong += [f"{kind}, after a kill: {fault}" for fault in _after_a_kill(folder)]
            ended = run(command)
            if ended.returncode or "Traceback" in ended.stderr:
                report.wrong.append(f"{kind}: exit {ended.returncode}: {ended.stderr[-300:]}")
            report.wrong += [f"{kind}: {fault}" for fault in _at_the_end(folder, set(list_of))]
            report.finished += 1
            report.urls += urls
    return report


def _command(folder: Path, outputs: tuple[str, ...]) -> list[str]:
    named = [str(folder / word) if word.startswith("out.") else word for word in outputs]
    fetch = [PYTHON, "-m", "scrapepool", "fetch", f"{folder}/urls", "-q", "--no-robots", "--config", "/dev/null"]
    return [*fetch, "-w", "4", "--resume", *named]


def _rows(folder: Path) -> list[str]:
    """The URLs with a row of success, and whose body is there if there is one at all. Raises sqlite3.Error."""
    with closing(sqlite3.connect(folder / "out.db")) as db:
        ((whole,),) = db.execute("PRAGMA integrity_check").fetchall()
        if whole != "ok":
            raise sqlite3.DatabaseError(whole)
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            return []
        bodies = db.execute("SELECT count(*) FROM bodies").fetchone()[0]
        missing = "AND sha256 IN (SELECT sha256 FROM bodies)" if bodies else ""
        return [url for (url,) in db.execute(f"SELECT url FROM records WHERE outcome = 'ok' {missing}")]


def _after_a_kill(folder: Path) -> list[str]:
    wrong = []
    if (folder / "out.db").exists():
        try:
            rows = set(_rows(folder))
        except sqlite3.Error as error:
            return [f"the database is not whole: {error}"]
        if lost := succeeded(folder / "out.jsonl").keys() - rows:
            wrong.append(f"{len(lost)} records without a row")
    if (folder / "out.parquet").exists():
        wrong += _parquet(folder, None)
    return wrong


def _at_the_end(folder: Path, urls: set[str]) -> list[str]:
    wrong = []
    if (folder / "out.db").exists():
        rows = _rows(folder)
        if sorted(rows) != sorted(urls):
            wrong.append(f"{len(rows)} rows for {len(urls)} URLs")
    if (folder / "out.jsonl").exists():
        found = succeeded(folder / "out.jsonl")
        if found.keys() != urls or max(found.values()) > 1:
            wrong.append(f"{sum(found.values())} records for {len(urls)} URLs")
    if (folder / "out.parquet.part").exists():
        wrong.append("records are left beside the Parquet file")
    if not (folder / "out.db").exists():
        wrong += _parquet(folder, urls)
    return wrong


def _parquet(folder: Path, urls: set[str] | None) -> list[str]:
    from pyarrow.parquet import read_table

    try:
        found = read_table(folder / "out.parquet", columns=["url"]).column("url").to_pylist()
    except (OSError, ValueError) as error:
        return [f"the Parquet file cannot be read: {error}"]
    return [] if urls is None or sorted(found) == sorted(urls) else [f"{len(found)} rows for {len(urls)} URLs"]


def main() -> None:
    """The long form."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.monotonic()
    report = random_kills(kills, seed)
    print(f"{report}, {time.monotonic() - began:.0f} s")  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
