"""Who is compared on a list of small pages of one host, each as its manual says to run it fast.

Decides the command lines. A contender that is not installed is left out, with a line that says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import harness

CURL_PARALLEL = 64
SLOW = 10
"""A contender that does few requests a second gets the list's first tenth, and its time is scaled."""


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
    """

    name: str
    command: Callable[[Job], list[str]]
    share: int = 1
    stdout: bool = False
    ok: bytes | None = b'"ok"'


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


def curl() -> Contender:
    def command(job: Job) -> list[str]:
        words = ["curl", "-s", "-Z", "--parallel-max", str(CURL_PARALLEL), "-w", "%{json}\\n"]
        return [*words, *_trust(job, "--cacert", "--insecure"), "-K", str(job.folder / "curl.txt")]

    return Contender(
        f"curl -Z --parallel-max {CURL_PARALLEL} -w %{{json}}", command, stdout=True, ok=b'"http_code":200'
    )


def aiohttp(workers: int = 64) -> Contender:
    def command(job: Job) -> list[str]:
        trust = _trust(job, "--ca", "--insecure")
        words = harness.peer("aiohttp_workers.py", job.folder / "urls.txt", job.records, "--workers", workers, *trust)
        if not harness.has_module("uvloop"):
            words[0] = harness.find_tool("python") or words[0]
        return words

    return Contender(f"aiohttp with uvloop, {workers} tasks", command)


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

    return Contender("wget2 --max-threads=8 (no records)", command, ok=None)


def aria2() -> Contender:
    def command(job: Job) -> list[str]:
        into = job.folder / "aria2"
        shutil.rmtree(into, ignore_errors=True)
        trust = ["--check-certificate=false"] if job.insecure else [f"--ca-certificate={job.ca}"] if job.ca else []
        words = ["aria2c", "-q", "-j16", "-x1", "--file-allocation=none", "--download-result=hide", "--max-tries=1"]
        return [*words, *trust, "-d", str(into), "-i", str(job.folder / "urls.txt")]

    return Contender("aria2c -j16 -x1 (files, no records)", command, SLOW, ok=None)


def minet() -> Contender:
    def command(job: Job) -> list[str]:
        words = [harness.find_tool("minet") or "minet", "fetch", "url", "-i", str(job.folder / "urls.csv"), "--silent"]
        pace = ["-t", "16", "--domain-parallelism", "16", "--throttle", "0", "-D"]
        return [*words, *pace, *(["-k"] if job.insecure or job.ca else []), "-o", str(job.records)]

    return Contender("minet fetch -t 16 --throttle 0 -D", command, SLOW, ok=b",200,")


def scrapy() -> Contender:
    def command(job: Job) -> list[str]:
        words = [harness.find_tool("scrapy") or "scrapy", "runspider", str(harness.PEERS / "scrapy_spider.py")]
        return [*words, "-a", f"list={job.folder / 'urls.txt'}", "-O", f"{job.records}:jsonlines"]

    return Contender("scrapy, CONCURRENT_REQUESTS 64", command, SLOW)


def installed() -> tuple[list[Contender], list[str]]:
    """The peers that are here, and a line for each that is not. curl comes first: the others are measured by it."""
    here: list[Contender] = []
    missing: list[str] = []
    makers = {"curl": curl, "wget2": wget2, "aria2c": aria2, "minet": minet, "scrapy": scrapy}
    for tool, maker in makers.items():
        if harness.find_tool(tool):
            here.append(maker())
        else:
            missing.append(f"{tool} is not installed: left out")
    here.insert(1, article())
    if harness.has_module("aiohttp") and harness.has_module("uvloop"):
        here[1:1] = [aiohttp()]
    else:
        missing.append("aiohttp or uvloop is not installed: left out")
    return here, missing
