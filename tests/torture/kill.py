"""A run that is killed, again and again, and resumed: what is lost, what is there twice, what is fetched twice.

    python -m tests.torture.kill [KILLS] [SEED]

SIGKILL at random moments of runs and of resumed runs, then at every write, fsync, rename and ftruncate of a small run
and of its resumption (with strace, where it is installed). The suite runs a short form.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.polite import PoliteServer

from .journals import Plan, can_trace, command, count, faults_of, killed, run, succeeded, traced

WORKERS = 4
LATENCY = 0.005
LEASE = 50
"""URLs that a worker is given at once at this latency: a quarter of a second's worth."""

HOSTS = 3
CALLS = ("write", "fsync", "rename", "ftruncate")
SETTLED = 0.05  # seconds in which the server has read what a killed client had sent


@dataclass
class Report:
    """What came of it.

    kills, finished: runs that were killed, and lists that came to their end. extra: for each kill, successes that were
    fetched and had no record. wrong: findings.
    """

    kills: int = 0
    finished: int = 0
    lines: int = 0
    extra: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        most, mean = max(self.extra, default=0), sum(self.extra) / max(1, len(self.extra))
        return (
            f"{self.kills} kills, {self.finished} lists of {self.lines} lines in all: {len(self.wrong)} findings; "
            f"fetched again {mean:.1f} a kill, {most} at most, {WORKERS * LEASE} allowed"
        )


def plan_of(server: PoliteServer, folder: Path, story: str, urls: int, dice: random.Random) -> Plan:
    """A list of URLs of one story, with some lines that are not to succeed."""
    good = [server.url(f"/{story}/{number}", number % HOSTS) for number in range(urls)]
    dice.shuffle(good)
    others = [server.url(f"/status/404?{story}"), good[0], good[-1], "no url at all", "ftp://example.org/"]
    return Plan.write(folder / "urls.txt", good, others)


def asked(server: PoliteServer, plan: Plan) -> int:
    """How often the URLs that succeed were asked for."""
    time.sleep(SETTLED)
    return sum(site.asked.get(url.removeprefix(site.origin), 0) for site in server.sites for url in plan.good)


def random_kills(kills: int, seed: int, *, urls: int = 300) -> Report:
    """Kill runs at random moments until that many were killed, and let each list come to its end."""
    dice = random.Random(seed)
    report = Report()
    options = ("--workers", str(WORKERS), "--fsync", dice.choice(["second", "never"]))
    with PoliteServer(HOSTS, latency=f"fixed:{LATENCY}") as server, tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        run(command(plan_of(server, Path(name), "measured", urls, dice), Path(name, "measured.jsonl"), *options))
        usual = time.monotonic() - began
        while report.kills < kills:
            story = f"{seed}-{report.finished}"
            plan = plan_of(server, Path(name), story, urls, dice)
            output = Path(name, f"{story}.jsonl")
            lost = 0
            while report.kills < kills and killed(command(plan, output, *options), dice.uniform(0, usual)):
                report.kills += 1
                found = succeeded(output)
                if any(times > 1 for times in found.values()):
                    report.wrong.append(f"{story}: two final records after a kill")
                extra = asked(server, plan) - len(found) - lost
                lost += extra
                report.extra.append(extra)
                if extra > WORKERS * LEASE:
                    report.wrong.append(f"{story}: {extra} fetched for nothing")
            _finish(report, plan, output, options, story)
            output.unlink()
    return report


def _finish(report: Report, plan: Plan, output: Path, options: tuple[str, ...], story: str) -> None:
    ended = run(command(plan, output, *options))
    if ended.returncode != 1 or "Traceback" in ended.stderr:
        report.wrong.append(f"{story}: exit {ended.returncode}: {ended.stderr[-300:]}")
    report.wrong += [f"{story}: {fault}" for fault in faults_of(plan, output)]
    report.finished += 1
    report.lines += len(plan.lines)


def kills_at_every_call(seed: int, *, urls: int = 24, calls: Sequence[str] = CALLS, step: int = 1) -> Report:
    """Kill a small run, and its resumption, at every ``step``-th of each of these calls."""
    dice = random.Random(seed)
    report = Report()
    options = ("--workers", str(WORKERS))
    with PoliteServer(HOSTS, latency=f"fixed:{LATENCY}") as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "strace"
        for call in calls:
            for resumed in (False, True):
                plan = plan_of(server, folder, f"{call}-{resumed}", urls, dice)
                output = folder / "out.jsonl"
                prepare(plan, output, resumed=resumed)
                run(traced(command(plan, output, *options), call, log=log))
                for when in range(1, count(log, call) + 1, step):
                    prepare(plan, output, resumed=resumed)
                    kill = ("-e", f"inject={call}:signal=KILL:when={when}")
                    ended = run(traced(command(plan, output, *options), call, *kill, log=log))
                    report.kills += ended.returncode != 1
                    _finish(report, plan, output, options, f"{call} {when} {'resumed' if resumed else ''}")
    return report


def prepare(plan: Plan, output: Path, *, resumed: bool) -> None:
    """Begin with no file, or with one that has to be put in order: failures between successes, and a torn end."""
    output.unlink(missing_ok=True)
    if resumed:
        lines = [
            f'{{"url":"{url}","outcome":"{"failed" if number % 3 == 0 else "ok"}"}}\n'
            for number, url in enumerate(plan.lines[: len(plan.good) // 2])
        ]
        output.write_text("".join(lines) + '{"url":"ht')


def main() -> None:
    """The long form."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    reports = {"at random moments": random_kills(kills, seed)}
    if can_trace():
        reports["at every call that changes a file"] = kills_at_every_call(seed)
    for what, report in reports.items():
        print(f"{what}: {report}")  # noqa: T201 - what the script is for
        print(*report.wrong[:20], sep="\n")  # noqa: T201
    sys.exit(any(report.wrong for report in reports.values()))


if __name__ == "__main__":
    main()
