"""Bodies as files: names that were chosen to hurt, and runs that are killed in the middle of long bodies.

    python -m tests.torture.files [KILLS] [SEED] [NAMES.json]

NAMES.json is a list of strings, as the "big list of naughty strings" is; some of our own are always among them. A
round of kills: a run over long bodies gets SIGKILL at a random moment, half of the bodies change on the server, and
the run is resumed; in the end every file is whole and of one version. The suite runs a short form.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.polite import PoliteServer, Response
from tests.servers.ranges import RangeServer, body_of

from .journals import PYTHON, TIMEOUT

OWN_NAMES = (
    "../../escaped", "../escaped", "/etc/escaped", "..", ".", "...", "a/../../escaped", "..\\..\\escaped",
    "C:\\escaped", "%2e%2e%2fescaped", "nul\x00byte", "line\nfeed", "tab\tand\rreturn", "\x1b]0;title\x07",
    "\x7f\x80\x9f", "\ud800", "\u202egnp.exe", "x" * 300, "y" * 300, "é" * 300, "日本" * 200, "x" * 300 + ".html",
    "CON", "aux.txt", "trailing.", "trailing ", " leading", "-rf", "~root", ".hidden", ".scrapepool",
    ".scrapepool/lock", "same", "same", "SAME", "same/", "same/same", "",
)  # fmt: skip

BODIES = 8
SIZE = 50_000_000
PAUSE = 0.002  # seconds between two blocks of a body, so that a kill meets it


def command(list_file: Path, folder: Path, *options: object) -> list[str]:
    """A run that saves bodies and goes on with its records."""
    fetch = ["fetch", list_file, "-o", folder / "out.jsonl", "--save-dir", folder / "pages", "--resume", "--no-robots"]
    quiet = ["--progress", "none", "--config", os.devnull]
    return [PYTHON, "-m", "scrapepool", *map(str, (*fetch, *quiet, *options))]


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "out.jsonl").read_bytes().splitlines()]


def names(folder: Path, strings: list[str]) -> tuple[int, list[str]]:
    """Save a body under each of the names; how many files there are, and what is wrong with them."""
    inside = folder / "deep/inside"
    inside.mkdir(parents=True)
    rows = folder / "list.jsonl"
    with PoliteServer(1, lambda request: Response(200, body=request.target.encode())) as server:
        urls = [server.url(f"/{number}") for number in range(len(strings))]
        rows.write_text(
            "".join(json.dumps({"url": url, "name": name}) + "\n" for url, name in zip(urls, strings, strict=True))
        )
        ended = subprocess.run(
            command(rows, inside, "--name-template", "{name}"),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    wrong = (
        [f"exit code {ended.returncode}: {ended.stderr[-300:]}"]
        if ended.returncode or "Traceback" in ended.stderr
        else []
    )
    pages = inside / "pages"
    saved = [path for path in pages.rglob("*") if path.is_file()]
    allowed = {rows, inside / "out.jsonl", *saved}
    wrong += [f"outside: {path}" for path in folder.rglob("*") if path.is_file() and path not in allowed]
    found = records(inside)
    if len(found) != len(strings) or len(saved) != len(strings):
        wrong.append(f"{len(found)} records and {len(saved)} files for {len(strings)} names")
    for record in found:
        path = Path(str(record["path"]))
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != record["sha256"]:
            wrong.append(f"the body of {record['url']} is not in {record['path']}")
        elif not path.resolve().is_relative_to(pages.resolve()):
            wrong.append(f"{path} is not inside")
    return len(saved), wrong


def killed(folder: Path, dice: random.Random, size: int = SIZE, bodies: int = BODIES) -> tuple[int, list[str]]:
    """One round; how many bodies were gone on with, and what is wrong."""
    with RangeServer(pause=PAUSE) as server:
        urls = [server.url(f"body{number}", size) for number in range(bodies)]
        listed = folder / "urls.txt"
        listed.write_text("\n".join(urls))
        run = subprocess.Popen(command(listed, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not any((folder / "pages").glob(".scrapepool/*.part")) and run.poll() is None:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 1.5 * size / SIZE))
        run.kill()
        run.wait()
        changed = dice.sample(range(bodies), bodies // 2)
        done = {str(record["url"]) for record in records(folder)} if (folder / "out.jsonl").exists() else set()
        for number in changed:
            server.versions[f"/body{number}"] = 2
        ended = subprocess.run(command(listed, folder), capture_output=True, text=True, timeout=TIMEOUT, check=False)
        wrong = [f"exit code {ended.returncode}: {ended.stderr[-300:]}"] if ended.returncode else []
        went_on = sum(status == 206 for _, _, status in server.requests)
    for record in records(folder):
        url, data = str(record["url"]), Path(str(record["path"])).read_bytes()
        name = url.rsplit("/", maxsplit=1)[-1].partition("?")[0]
        version = 1 if url in done else server.versions.get(f"/{name}", 1)
        if data != body_of(f"/{name}", version, size):
            wrong.append(f"{url}: {len(data)} bytes that are not version {version}")
    files = [path for path in (folder / "pages").rglob("*") if path.is_file()]
    if len(files) != bodies:
        wrong.append(f"{len(files)} files for {bodies} bodies: {sorted(path.name for path in files)}")
    return went_on, wrong


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    strings = json.loads(Path(sys.argv[3]).read_text()) if len(sys.argv) > 3 else []
    with tempfile.TemporaryDirectory() as folder:
        count, wrong = names(Path(folder), [*OWN_NAMES, *strings])
    say(f"{len(OWN_NAMES) + len(strings)} names: {count} files, {len(wrong)} findings", wrong)
    dice = random.Random(seed)
    went_on, findings = 0, []
    for number in range(kills):
        with tempfile.TemporaryDirectory() as folder:
            more, wrong = killed(Path(folder), dice)
        went_on += more
        findings += wrong
        say(f"kill {number + 1}: {more} bodies gone on with, {len(wrong)} findings", wrong)
    total = f"{kills} kills, {kills * BODIES} bodies of {SIZE:,} bytes"
    say(f"{total}: {went_on} gone on with, {len(findings)} findings (seed {seed})", [])


def say(line: str, wrong: list[str]) -> None:
    print(line, *wrong, sep="\n  ", flush=True)  # noqa: T201 - a script


if __name__ == "__main__":
    main()
