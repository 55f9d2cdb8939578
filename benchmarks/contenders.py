"""Who is compared on a list of small pages, each as its manual says to run it fast.

Decides the command lines, and how a contender is run and checked. One that is not installed is left out, with a line
that says so.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import harness

Result = TypeVar("Result")


IN_FLIGHT = 64
SLOW = 10
"""A contender that does few requests per second gets the list's first tenth, and its time is scaled."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be fetched. ca: trust this file. insecure: trust anybody."""

    folder: Path
    urls: list[str]
    ca: Path | None = None
    insecure: bool = False
    records: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", self.folder / "records")

    def write(self, share: int = 1) -> int:
        """Write the list in every form; how many URLs it has."""
        urls = self.urls[: max(1, len(self.urls) // share)]
        lines = "".join(url + "\n" for url in urls)
        (self.folder / "urls.txt").write_text(lines)
        (self.folder / "urls.csv").write_text("url\n" + lines)
        (self.folder / "curl.txt").write_text("".join(f'url = "{url}"\noutput = /dev/null\n' for url in urls))
        return len(urls)


@dataclass(frozen=True, slots=True)
class Contender:
    """name: in the table. command: its words for a job. share: of the list it gets, one in so many.

    stdout: records come on standard output. ok: what a record of success contains; None where it writes none.
    version: of what it is made of, where ``harness.machine`` does not say. lacks: what is not installed.
    """

    name: str
    command: Callable[[Job], list[str]]
    share: int = 1
    stdout: bool = False
    ok: bytes | None = b'"ok"'
    version: Callable[[], str] | None = None
    lacks: str | None = None


PYCURL_VERSION = "import pycurl; print(pycurl.version)"


def _without_tool(name: str) -> str | None:
    """What a contender lacks that is this tool."""
    return None if harness.find_tool(name) else name


def _module_version(python: str | None, name: str) -> str:
    program = f"from importlib.metadata import version; print('{name}', version('{name}'))"
    return harness.first_line(python or sys.executable, "-c", program)


def _trust(job: Job, cacert: str, insecure: str) -> list[str]:
    if job.insecure:
        return [insecure]
    return [cacert, str(job.ca)] if job.ca else []


def scrapepool(
    workers: int | None = None, per_host: int | None = None, *, name: str | None = None, options: Sequence[str] = ()
) -> Contender:
    pace = [*(["-w", str(workers)] if workers else []), *(["--per-host", str(per_host)] if per_host else [])]

    def command(job: Job) -> list[str]:
        trust = _trust(job, "--cacert", "--insecure")
        return harness.scrapepool(job.folder / "urls.txt", job.records, "--format", "jsonl", *pace, *options, *trust)

    return Contender(name or f"scrapepool {' '.join(pace) or '(defaults)'}", command)


def curl(workers: int = IN_FLIGHT, share: int = 1) -> Contender:
    def command(job: Job) -> list[str]:
        words = ["curl", "-s", "-Z", "--parallel-max", str(workers), "-w", "%{json}\\n"]
        return [*words, *_trust(job, "--cacert", "--insecure"), "-K", str(job.folder / "curl.txt")]

    return Contender(
        f"curl -Z --parallel-max {workers} -w %{{json}}",
        command,
        share,
        stdout=True,
        ok=b'"http_code":200',
        version=lambda: " ".join(harness.first_line("curl", "--version").split()[:2]),
        lacks=_without_tool("curl"),
    )


def aiohttp(workers: int = IN_FLIGHT) -> Contender:
    python = harness.python_with("aiohttp", "uvloop")

    def command(job: Job) -> list[str]:
        trust = _trust(job, "--ca", "--insecure")
        words = (job.folder / "urls.txt", job.records, "--workers", workers, *trust)
        return harness.peer("aiohttp_workers.py", *words, python=python)

    lacks = None if python else "aiohttp or uvloop"
    return Contender(f"aiohttp with uvloop, {workers} tasks", command, lacks=lacks)


def pyreqwest(workers: int = IN_FLIGHT) -> Contender:
    python = harness.python_with("pyreqwest", "uvloop")

    def command(job: Job) -> list[str]:
        trust = _trust(job, "--ca", "--insecure")
        words = (job.folder / "urls.txt", job.records, "--workers", workers, *trust)
        return harness.peer("pyreqwest_workers.py", *words, python=python)

    return Contender(
        f"pyreqwest with uvloop, {workers} tasks",
        command,
        version=lambda: _module_version(python, "pyreqwest"),
        lacks=None if python else "pyreqwest or uvloop",
    )


def pycurl(workers: int = IN_FLIGHT) -> Contender:
    python = harness.python_with("pycurl")

    def command(job: Job) -> list[str]:
        trust = _trust(job, "--ca", "--insecure")
        words = (job.folder / "urls.txt", job.records, "--workers", workers, *trust)
        return harness.peer("pycurl_multi.py", *words, python=python)

    return Contender(
        f"pycurl, multi interface, {workers} handles",
        command,
        version=lambda: " with ".join(harness.first_line(str(python), "-c", PYCURL_VERSION).split()[:2]),
        lacks=None if python else "pycurl",
    )


def undici(workers: int = IN_FLIGHT, per_host: int = 0) -> Contender:
    """per_host: connections; 0 for no limit. With a limit, a connection is ready more often when a request begins."""
    package = harness.find_node_package("undici")

    def command(job: Job) -> list[str]:
        trust = _trust(job, "--ca", "--insecure")
        words = [package, job.folder / "urls.txt", job.records, "--workers", workers, "--per-host", per_host, *trust]
        return ["node", str(harness.PEERS / "undici_dispatch.cjs"), *map(str, words)]

    def version() -> str:
        number = json.loads((package / "package.json").read_text())["version"] if package else ""
        return f"undici {number} on Node {harness.first_line('node', '--version')}"

    limit = f", {per_host} connections a host" if per_host else ""
    lacks = None if package else "undici"
    return Contender(f"undici, {workers} in flight{limit}", command, version=version, lacks=lacks)


def article(workers: int = 16) -> Contender:
    def command(job: Job) -> list[str]:
        trust = _trust(job, "--ca", "--insecure")
        return harness.peer("article.py", job.folder / "urls.txt", job.records, "--workers", workers, *trust)

    return Contender(f"the article's pattern, {workers} threads", command, SLOW)


def wget2() -> Contender:
    def command(job: Job) -> list[str]:
        trust = ["--no-check-certificate"] if job.insecure else [f"--ca-certificate={job.ca}"] if job.ca else []
        words = ["wget2", "-q", "--max-threads=8", "--no-robots", "--progress=none", "-O", "/dev/null", *trust]
        return [*words, "-i", str(job.folder / "urls.txt")]

    return Contender("wget2 --max-threads=8 (no records)", command, ok=None, lacks=_without_tool("wget2"))


def aria2() -> Contender:
    def command(job: Job) -> list[str]:
        into = job.folder / "aria2"
        shutil.rmtree(into, ignore_errors=True)
        trust = ["--check-certificate=false"] if job.insecure else [f"--ca-certificate={job.ca}"] if job.ca else []
        words = ["aria2c", "-q", "-j16", "-x1", "--file-allocation=none", "--download-result=hide", "--max-tries=1"]
        return [*words, *trust, "-d", str(into), "-i", str(job.folder / "urls.txt")]

    return Contender("aria2c -j16 -x1 (files, no records)", command, SLOW, ok=None, lacks=_without_tool("aria2c"))


def minet() -> Contender:
    def command(job: Job) -> list[str]:
        words = [harness.find_tool("minet") or "minet", "fetch", "url", "-i", str(job.folder / "urls.csv"), "--silent"]
        pace = ["-t", "16", "--domain-parallelism", "16", "--throttle", "0", "-D"]
        return [*words, *pace, *(["-k"] if job.insecure or job.ca else []), "-o", str(job.records)]

    return Contender("minet fetch -t 16 --throttle 0 -D", command, SLOW, ok=b",200,", lacks=_without_tool("minet"))


def scrapy() -> Contender:
    def command(job: Job) -> list[str]:
        words = [harness.find_tool("scrapy") or "scrapy", "runspider", str(harness.PEERS / "scrapy_spider.py")]
        return [*words, "-a", f"list={job.folder / 'urls.txt'}", "-O", f"{job.records}:jsonlines"]

    return Contender("scrapy, CONCURRENT_REQUESTS 64", command, SLOW, lacks=_without_tool("scrapy"))


# -- comparing -----------------------------------------------------------------------------------------


def installed(entrants: Sequence[Contender], only: str = "") -> tuple[list[Contender], list[str]]:
    """Pick those that are installed and named in ``only``, and write a line for each that is not installed.

    only: comma-separated words, one of which a contender's name must contain.
    """
    wanted = [one for one in entrants if any(word in one.name for word in only.split(","))]
    here = [one for one in wanted if not one.lacks]
    if not here:
        sys.exit("no contender is left")
    return here, [f"{one.lacks} is not installed: left out" for one in wanted if one.lacks]


def versions(entrants: Sequence[Contender]) -> list[str]:
    """What the contenders are made of, each once."""
    return list(dict.fromkeys(one.version() for one in entrants if one.version))


def take_turns(
    entrants: Sequence[Contender], rounds: int, measure: Callable[[Contender], Result], what: str = ""
) -> dict[str, list[Result]]:
    """Measure each contender in each round, A B C A B C, and return the results by name. what: for the progress."""
    results: dict[str, list[Result]] = {one.name: [] for one in entrants}
    for number in range(rounds):
        for one in entrants:
            harness.progress(f"{number + 1}/{rounds} {one.name}{what}")
            results[one.name].append(measure(one))
    return results


def run(contender: Contender, job: Job, share: int = 1, *, watch: bool = False) -> harness.Run:
    """Run a contender over one in so many of the URLs. A wrong count of records ends the benchmark."""
    count = job.write(share)
    command = contender.command(job)
    job.records.unlink(missing_ok=True)
    cost = harness.run(command, stdout=job.records if contender.stdout else None, watch=watch)
    whole = count if contender.ok is None else harness.count_lines(job.records, contender.ok)
    if whole != count or cost.code:
        sys.exit(f"{contender.name}: {whole} records of success for {count} URLs, exit code {cost.code}")
    return cost


def ratio(values: Sequence[float], bases: Sequence[float]) -> float:
    """The median of the ratios of two contenders, each within a round."""
    return statistics.median(value / base for value, base in zip(values, bases, strict=True))
