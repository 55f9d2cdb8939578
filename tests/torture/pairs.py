"""Runs with each pair of outputs that are killed, again and again, and resumed; and hands that touch their files.

    python -m tests.torture.pairs [KILLS] [SEED]

SIGKILL at random moments of runs with every pair of ``-o``, ``--sqlite``, ``--parquet``, ``--save-dir`` and ``--warc``,
over pages that change with every request. After each kill a record implies its row and its body; at the end each URL
has one success in every output, every file below ``--save-dir`` is named by a record, and none got a second name for a
kill. Then a file of one output is truncated, renamed, replaced or deleted, or the folder of bodies is swapped for a
link, at a random moment, and the run says so or has everything. The suite runs a short form.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import combinations, count
from pathlib import Path
from typing import Any

from tests.servers.polite import PoliteServer, Request, Response

from .journals import PYTHON, TIMEOUT, killed, records, run

LATENCY = "lognormal:0.004:1"
HOSTS = 3
OUTPUTS = {
    "-o": ("-o", "out.jsonl"),
    "--sqlite": ("--sqlite", "out.db"),
    "--parquet": ("--parquet", "out.parquet"),
    "--save-dir": ("--save-dir", "pages", "--name-template", "{line:06}{ext}"),
    "--warc": ("--warc", "out.warc.gz"),
}
FILES = ("out.jsonl", "out.db", "out.parquet.part", "out.warc.gz")
JOURNALS = frozenset({"-o", "--sqlite", "--parquet"})
"""Outputs that a run goes on from."""


@dataclass
class Report:
    """What came of it. kills, lists, urls: that were gone through. touched: files. wrong: findings."""

    kills: int = 0
    lists: int = 0
    urls: int = 0
    touched: int = 0
    ended: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills of {self.lists} lists of {self.urls} URLs; {self.touched} files touched, of which "
            f"{self.ended} runs ended with exit code 3: {len(self.wrong)} findings"
        )


def pairs() -> Iterator[tuple[str, ...]]:
    """Every pair that can be gone on with; one without a journal gets records beside it."""
    for pair in combinations(OUTPUTS, 2):
        yield pair if JOURNALS.intersection(pair) else (*pair, "-o")


def changing() -> Callable[[Request], Response]:
    """Pages of which no two are alike."""
    numbers = count()

    def page(request: Request) -> Response:
        body = f"<p>{request.target} {next(numbers)}</p>".encode()
        return Response(
            200, body=body * (3000 if next(numbers) % 5 == 0 else 1), headers=(("Content-Type", "text/html"),)
        )

    return page


def random_kills(kills: int, seed: int, *, urls: int = 300) -> Report:
    """Kill runs of each pair at random moments, ``kills`` in all, and let each list come to its end."""
    dice = random.Random(seed)
    report = Report()
    kinds = list(pairs())
    with PoliteServer(HOSTS, changing(), latency=LATENCY) as server, tempfile.TemporaryDirectory() as name:
        while report.kills < kills:
            pair = kinds[report.lists % len(kinds)]
            folder = Path(name, str(report.lists))
            listed = listed_in(folder, server, urls)
            arguments = command(folder, pair, "--resume")
            for _ in range(dice.randint(1, 4)):
                if not killed(arguments, dice.uniform(0.2, 1.5)):
                    break
                report.kills += 1
                report.wrong += [f"{pair}, after a kill: {fault}" for fault in after_a_kill(folder, pair)]
            ended = run(arguments)
            if ended.returncode or "Traceback" in ended.stderr:
                report.wrong.append(f"{pair}: exit {ended.returncode}: {ended.stderr[-300:]}")
            report.wrong += [f"{pair}: {fault}" for fault in at_the_end(folder, pair, listed)]
            report.lists += 1
            report.urls += urls
    return report


def random_hands(runs: int, seed: int, report: Report, *, urls: int = 600) -> None:
    """Touch a file of a run at a random moment: it ends with exit code 3, or everything is there."""
    dice = random.Random(seed)
    with PoliteServer(HOSTS, changing(), latency=LATENCY) as server, tempfile.TemporaryDirectory() as name:
        for number in range(runs):
            pair = dice.choice(list(pairs()))
            folder = Path(name, str(number))
            listed = listed_in(folder, server, urls)
            process = subprocess.Popen(
                command(folder, pair), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            while not any((folder / name).exists() for name in FILES) and process.poll() is None:
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.8))
            what = _touch(folder, pair, dice)
            _, said = process.communicate(timeout=TIMEOUT)
            report.touched += what is not None
            if (folder / "victim").exists() and list((folder / "victim").iterdir()):
                report.wrong.append(f"{pair}, {what}: files outside")
            if process.returncode == 3 and str(folder) in said:
                report.ended += 1
            elif process.returncode or "Traceback" in said:
                report.wrong.append(f"{pair}, {what}: exit {process.returncode}: {said[-300:]}")
            else:
                report.wrong += [f"{pair}, {what}: {fault}" for fault in at_the_end(folder, pair, listed)]


def command(folder: Path, pair: tuple[str, ...], *options: str) -> list[str]:
    """The command line of a run with some outputs."""
    named = [
        str(folder / word) if word.startswith(("out.", "pages")) else word for kind in pair for word in OUTPUTS[kind]
    ]
    fetch = [PYTHON, "-m", "scrapepool", "fetch", f"{folder}/urls", "-q", "--no-robots", "--config", os.devnull]
    return [*fetch, "-w", "4", *options, *named]


def listed_in(folder: Path, server: PoliteServer, urls: int, hosts: int = HOSTS) -> set[str]:
    """Make the folder of a run, with its list; return the URLs."""
    folder.mkdir()
    listed = [server.url(f"/{folder.name}/{number}", number % hosts) for number in range(urls)]
    (folder / "urls").write_text("".join(f"{url}\n" for url in listed))
    return set(listed)


def _touch(folder: Path, pair: tuple[str, ...], dice: random.Random) -> str | None:
    """Do something to a file of one output; what, None where it was not there."""
    if "--save-dir" in pair and dice.random() < 0.5:
        (folder / "victim").mkdir(exist_ok=True)
        try:
            (folder / "pages").rename(folder / "before")
            (folder / "pages").symlink_to(folder / "victim")
        except OSError:
            return None
        return "pages swapped for a link"
    names = [name for name in FILES if (folder / name).exists()]
    if not names:
        return None
    path = folder / dice.choice(names)
    how = dice.choice(["truncate", "rename", "replace", "delete"])
    if how == "truncate":
        shutil.copy(path, f"{path}.1")
        os.truncate(path, 0)
    elif how == "delete":
        path.unlink()
    else:
        path.rename(f"{path}.1")
        if how == "replace":
            path.touch()
    return f"{how} {path.name}"


# -- what must be true ---------------------------------------------------------------------------------


def _successes(folder: Path, pair: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """The successes in each output that holds records. Raises sqlite3.Error, OSError, ValueError."""
    by_url: dict[str, list[dict[str, Any]]] = {}
    if "-o" in pair:
        by_url["-o"] = records(folder / "out.jsonl")
    if "--sqlite" in pair:
        by_url["--sqlite"] = _rows(folder / "out.db")
    if "--parquet" in pair:
        by_url["--parquet"] = _table(folder)
    return {kind: [one for one in rows if one["outcome"] == "ok"] for kind, rows in by_url.items()}


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            return []
        found = db.execute("SELECT url, outcome, path, sha256 FROM records").fetchall()
    return [dict(zip(("url", "outcome", "path", "sha256"), row, strict=True)) for row in found]


def _table(folder: Path) -> list[dict[str, Any]]:
    from pyarrow.parquet import read_table

    if (folder / "out.parquet").exists() and not (folder / "out.parquet.part").exists():
        columns = ["url", "outcome", "path", "sha256"]
        found: list[dict[str, Any]] = read_table(folder / "out.parquet", columns=columns).to_pylist()
        return found
    return records(folder / "out.parquet.part")


def after_a_kill(folder: Path, pair: tuple[str, ...]) -> list[str]:
    try:
        by_url = _successes(folder, pair)
    except (sqlite3.Error, OSError, ValueError) as error:
        return [f"an output cannot be read: {error}"]
    wrong = []
    if "--sqlite" in by_url and len(by_url) > 1:
        rows = {one["url"] for one in by_url["--sqlite"]}
        lost = {kind: {one["url"] for one in by_url[kind]} - rows for kind in by_url}
        wrong += [f"{len(urls)} records in {kind} without a row" for kind, urls in lost.items() if urls]
    for kind, rows_of in by_url.items():
        if "--save-dir" in pair and kind == _journal(pair):
            wrong += [f"{kind}: {fault}" for fault in _bodies(rows_of)]
    return wrong


def _journal(pair: tuple[str, ...]) -> str:
    return next(kind for kind in ("-o", "--parquet", "--sqlite") if kind in pair)


def _bodies(rows: list[dict[str, Any]]) -> list[str]:
    """Whether each record's body is where it says, and is the one."""
    return [
        f"the body of {one['url']} is not in {one['path']}"
        for one in rows
        if not Path(one["path"]).is_file()
        or hashlib.sha256(Path(one["path"]).read_bytes()).hexdigest() != one["sha256"]
    ]


def at_the_end(folder: Path, pair: tuple[str, ...], urls: set[str]) -> list[str]:
    try:
        by_url = _successes(folder, pair)
    except (sqlite3.Error, OSError, ValueError) as error:
        return [f"an output cannot be read: {error}"]
    wrong = []
    for kind, rows in by_url.items():
        if sorted(one["url"] for one in rows) != sorted(urls):
            wrong.append(f"{kind}: {len(rows)} successes for {len(urls)} URLs")
        if "--save-dir" in pair:
            wrong += [f"{kind}: {fault}" for fault in _bodies(rows)]
            there = {str(path) for path in (folder / "pages").rglob("*") if path.is_file()}
            if extra := there - {one["path"] for one in rows}:
                wrong.append(f"{kind}: {len(extra)} files without a record, as {sorted(extra)[0]}")
            if again := [path for path in there if "-" in Path(path).name]:
                wrong.append(f"{len(again)} second names, as {again[0]}")
    if (folder / "pages/.scrapepool").exists():
        wrong.append("the folder for work is left")
    if (folder / "out.parquet.part").exists():
        wrong.append("records are left beside the Parquet file")
    return wrong


def main() -> None:
    """The long form."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.monotonic()
    report = random_kills(kills, seed)
    random_hands(kills // 2, seed, report)
    print(f"{report}, {time.monotonic() - began:.0f} s")  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
