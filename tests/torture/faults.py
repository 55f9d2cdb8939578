"""A run whose system calls fail, one after another: how it ends, what it leaves, and whether it can go on.

    python -m tests.torture.faults [STEP]

strace makes one call fail: each write, fsync, open, rename and truncation of the outputs in turn, and each call on
sockets and of the event loop, in turn and at intervals; with a STEP, one in so many of each. The suite runs a short
form.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.servers.polite import PoliteServer

from .journals import Plan, can_trace, command, count, faults_of, records, run, traced
from .kill import HOSTS, LATENCY, plan_of, prepare

INTERRUPTED = "EINTR"
"""The one error that is none: Python calls again."""

Faults = Mapping[str, Sequence[str]]
"""System calls, each with the errors that it is to fail with."""

FILE_FAULTS = {
    "write": ("ENOSPC", "EIO", INTERRUPTED, "EMFILE"),
    "fsync": ("ENOSPC", "EIO", INTERRUPTED, "EMFILE"),
    "openat": ("ENOSPC", "EIO", INTERRUPTED, "EMFILE"),
    "ftruncate": ("EIO", INTERRUPTED),
    "rename": ("ENOSPC", "EIO", "EMFILE"),
}

NETWORK_FAULTS = {
    "epoll_create1": ("EMFILE", "ENOMEM"),
    "epoll_ctl": ("ENOSPC", "ENOMEM"),
    "epoll_wait": (INTERRUPTED,),
    "poll": (INTERRUPTED,),
    "socket": ("EMFILE", "ENOBUFS", "ENOMEM"),
    "connect": ("ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOBUFS", "EADDRNOTAVAIL", "EAGAIN", INTERRUPTED),
    "setsockopt": ("ENOBUFS", "EINVAL"),
    "getsockopt": ("ENOBUFS",),
    "sendto": ("ECONNRESET", "ETIMEDOUT", "ENOBUFS", "EPIPE", "EAGAIN", INTERRUPTED),
    "recvfrom": ("ECONNRESET", "ETIMEDOUT", "ENOBUFS", "EAGAIN", INTERRUPTED),
}

EVERY = 5
"""Of the calls on the network, one in so many of a thread fails."""

OPTIONS = ("--workers", "4", "--backoff", "0.01", "--read-timeout", "2")
DONE = (0, 1)
NO_OUTPUT = 3


@dataclass
class Report:
    """What came of it.

    faults: runs in which something failed. codes: exit codes of these runs. errors: slugs of their records. wrong:
    findings.
    """

    faults: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        codes = ", ".join(f"{code} {times} times" for code, times in sorted(self.codes.items()))
        errors = ", ".join(f"{times} {slug}" for slug, times in self.errors.most_common())
        return f"{self.faults} runs with a fault: {len(self.wrong)} findings; exit codes {codes}; records: {errors}"


@dataclass(frozen=True)
class Place:
    """A folder with a list, where a run over it writes, and how often it tries again."""

    plan: Plan
    output: Path
    retries: int = 1

    @property
    def log(self) -> Path:
        """What strace saw."""
        return self.output.with_name("strace")

    @property
    def watched(self) -> list[str]:
        """strace's options for calls on the outputs only."""
        folder = self.output.parent
        files = (self.output, folder / f".{self.output.name}.resume", folder / "log", folder / "summary", folder)
        return [option for file in files for option in ("-P", str(file))]

    def command(self) -> list[str]:
        """A run with all its outputs."""
        folder = self.output.parent
        outputs = ("--log-file", str(folder / "log"), "--summary-json", str(folder / "summary"), "--fsync", "always")
        return command(self.plan, self.output, *OPTIONS, "--retries", str(self.retries), *outputs)


def file_faults(report: Report, place: Place, faults: Faults, step: int) -> None:
    """Let every ``step``-th call on the outputs fail, of a run from the start and of one that resumes."""
    for call, errors in faults.items():
        for resumed in (False, True):
            prepare(place.plan, place.output, resumed=resumed)
            run(traced(place.command(), call, *place.watched, log=place.log))
            for when in range(1, count(place.log, call) + 1, step):
                for error in errors:
                    prepare(place.plan, place.output, resumed=resumed)
                    expected = DONE if error == INTERRUPTED else (NO_OUTPUT,)
                    fault = f"inject={call}:error={error}:when={when}"
                    _one(report, place, call, fault, expected, place.watched, torn=resumed)


def network_faults(report: Report, place: Place, faults: Faults, step: int) -> None:
    """Let every ``step``-th of a thread's calls on sockets fail, one in each run; then one in ``EVERY`` calls.

    Without retries, so that the records show what became of it.
    """
    place = replace(place, retries=0)
    for call, errors in faults.items():
        prepare(place.plan, place.output, resumed=False)
        run(traced(place.command(), call, log=place.log))
        turns = [str(when) for when in range(1, count(place.log, call) + 1, step)]
        for when in (*turns, f"2+{EVERY}"):
            for error in errors:
                prepare(place.plan, place.output, resumed=False)
                _one(report, place, call, f"inject={call}:error={error}:when={when}", DONE, ())


def _one(
    report: Report,
    place: Place,
    call: str,
    fault: str,
    expected: Sequence[int],
    options: Sequence[str],
    *,
    torn: bool = False,
) -> None:
    ended = run(traced(place.command(), call, *options, "-e", fault, log=place.log))
    # A run may make fewer calls than the one before it, by which they were counted.
    failed = "(INJECTED)" in place.log.read_text(errors="replace")
    findings = _findings(ended.returncode, ended.stderr, expected if failed else DONE)
    report.wrong += [f"{fault}: {finding}" for finding in findings]
    if not torn and place.output.exists() and place.output.read_bytes()[-1:] not in (b"", b"\n"):
        report.wrong.append(f"{fault}: the file does not end in a whole record")
    if ended.returncode in DONE:
        seen = records(place.output)
        report.errors.update(str(record.get("error") or record["outcome"]) for record in seen)
        if len(seen) != len(place.plan.lines):
            report.wrong.append(f"{fault}: {len(seen)} records for {len(place.plan.lines)} lines")
        report.wrong += [f"{fault}: {record['detail']}" for record in seen if record.get("error") == "internal"]
    report.faults += failed
    report.codes[ended.returncode] += failed
    again = run(place.command())
    if again.returncode != 1 or "Traceback" in again.stderr:
        report.wrong.append(f"{fault}: resumed with exit {again.returncode}: {again.stderr[-300:]}")
    report.wrong += [f"{fault}: resumed: {finding}" for finding in faults_of(place.plan, place.output)]


def _findings(code: int, stderr: str, expected: Sequence[int]) -> Iterator[str]:
    if code not in expected:
        yield f"exit {code}: {stderr[-300:]}"
    if "Traceback" in stderr:
        yield stderr[-300:]
    if code == NO_OUTPUT and "cannot write" not in stderr:
        yield f"exit 3 without a reason: {stderr[-300:]}"


def in_a_folder(
    urls: int = 24, *, faults: Faults = FILE_FAULTS, network: Faults = NETWORK_FAULTS, step: int = 1, seed: int = 1
) -> Report:
    """Run everything in a folder of its own."""
    report = Report()
    with PoliteServer(HOSTS, latency=f"fixed:{LATENCY}") as server, tempfile.TemporaryDirectory() as name:
        place = Place(plan_of(server, Path(name), "faults", urls, random.Random(seed)), Path(name, "out.jsonl"))
        file_faults(report, place, faults, step)
        network_faults(report, place, network, step)
    return report


def main() -> None:
    """The long form."""
    if not can_trace():
        sys.exit("strace is needed, and the right to use it")
    report = in_a_folder(step=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(report)  # noqa: T201 - what the script is for
    print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
