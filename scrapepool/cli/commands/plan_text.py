"""A plan as text and as JSON. Pure functions of what was found out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Any

from ...plural import counted
from ...render import units
from ...text import printable

if TYPE_CHECKING:
    from ...model import HostKey, Skipped
    from ...run.dry_run.estimate import Count, HostPlan, Plan
    from ...run.dry_run.robots_check import HostRobots
    from ...run.dry_run.size_estimate import SizeEstimate
    from ...settings import Settings

_WIDEST = 40  # columns of a host's name
_URL = 100  # characters of a rejected line


@dataclass(frozen=True, slots=True)
class Report:
    """All that is shown.

    robots: what robots.txt changes, by host; None if none was requested. plan: None if no URL is left to fetch.
    latency: seconds that a request is assumed to take. most: hosts to list. known: hosts that earlier runs measured.
    sizes: what is received and written; None if unknown. free: free bytes of the disk of the outputs; None if unknown.
    """

    found: Count
    robots: Mapping[HostKey, HostRobots] | None
    plan: Plan | None
    settings: Settings
    latency: float
    most: int
    known: int = 0
    sizes: SizeEstimate | None = None
    free: int | None = None


def plan_dict(report: Report) -> dict[str, Any]:
    """Return the plan as JSON values. The keys are an API; see docs/records.md."""
    found, plan = report.found, report.plan
    return {
        "urls": 0 if plan is None else plan.urls,
        "hosts": 0 if plan is None else plan.host_count,
        "duplicates": found.duplicates,
        "other_shards": found.of_other_shards,
        "rejected": found.rejects.total(),
        "errors": dict(found.rejects.most_common()),
        "robots": None if report.robots is None else _robots_dict(report.robots, report.most),
        "seconds": None if plan is None else _seconds(plan.seconds),
        "decided_by": None if plan is None else plan.decided_by,
        "longest": None if plan is None else _host_dict(plan.longest),
        "latency": report.latency,
        "sizes": None if report.sizes is None else _sizes_dict(report.sizes),
        "disk_free": report.free,
        "most_urls": [] if plan is None else [_host_dict(host) for host in plan.hosts],
        "rejects": [
            {"line": line.target.line, "url": line.target.url, "error": line.error, "detail": line.detail}
            for line in found.shown
        ],
    }


def _sizes_dict(sizes: SizeEstimate) -> dict[str, int]:
    return {
        "received": sizes.received,
        "decoded": sizes.decoded,
        "records": sizes.records,
        "known_urls": sizes.urls,
    }


def _robots_dict(robots: Mapping[HostKey, HostRobots], most: int) -> dict[str, Any]:
    return {
        "refused": sum(host.refused for host in robots.values()),
        "hosts": [
            {
                "host": str(host),
                "refused": robots[host].refused,
                "crawl_delay": robots[host].crawl_delay,
                "unreachable": robots[host].unreachable,
            }
            for host in _most_refused(robots, most)
        ],
    }


def _most_refused(robots: Mapping[HostKey, HostRobots], most: int) -> list[HostKey]:
    return nlargest(most, robots, key=lambda host: (robots[host].refused, robots[host].crawl_delay))


def _host_dict(host: HostPlan) -> dict[str, Any]:
    return {
        "host": str(host.host),
        "urls": host.urls,
        "seconds": _seconds(host.seconds),
        "delay": host.delay,
        "per_host": host.per_host,
        "window": None if host.window is None else str(host.window),
        "latency": round(host.latency, 6),
    }


def _seconds(seconds: float) -> float | None:
    return round(seconds, 3) if math.isfinite(seconds) else None


def plan_lines(report: Report) -> Iterator[str]:
    """Write the plan for a person, line by line."""
    found, plan = report.found, report.plan
    if plan is not None:
        yield _line("plan", f"{counted(plan.urls, 'URL')} on {counted(plan.host_count, 'host')}")
    elif not report.robots and found.of_other_shards:
        yield _line("plan", f"no URL is in shard {report.settings.input.shard}")
    if found.duplicates:
        yield _line("left out", counted(found.duplicates, "duplicate"))
    if found.rejects:
        reasons = "  ".join(f"{error} {units.count(number)}" for error, number in found.rejects.most_common())
        yield _line("rejected", f"{counted(found.rejects.total(), 'line')}: {reasons}")
        yield from (_line("", _reject(line)) for line in found.shown)
        if (more := found.rejects.total() - len(found.shown)) and found.shown:
            yield _line("", f"and {counted(more, 'line')} more (--rejects)")
    if report.robots:
        yield from _robots(report.robots, report.most)
    if plan is None:
        return
    workers = counted(report.settings.pool.workers, "worker")
    yield _line("takes", f"{_spoken(plan.seconds)}, {_why(plan, report.settings)}")
    known = f" (or as measured before on {counted(report.known, 'host')})" if report.known else ""
    yield _line("", f"with {workers}, {units.spoken(report.latency)} per request{known} and no failures")
    yield from _sizes(report, plan)
    if plan.hosts:
        yield from _table(plan)


def _sizes(report: Report, plan: Plan) -> Iterator[str]:
    """Say what the run receives, and what it writes to the disk."""
    sizes, settings = report.sizes, report.settings
    if sizes is None:
        yield _line("size", "unknown; --since RECORDS estimates it from an earlier run")
        return
    each = units.size(round(sizes.received / plan.urls))
    known = "" if sizes.urls == plan.urls else f" (known for the hosts of {counted(sizes.urls, 'URL')})"
    yield _line("size", f"about {units.size(sizes.received)} to receive, {each} per URL as in earlier records{known}")
    parts = [("records", sizes.records)]
    if settings.files.save_dir is not None:
        parts.append(("pages", sizes.decoded))
    if settings.warc.path is not None:
        parts.append(("archive", sizes.received))
    total = sum(size for _, size in parts)
    named = ", ".join(f"{name} {units.size(size)}" for name, size in parts)
    free = "" if report.free is None else f"; {units.size(report.free)} are free"
    more = "" if report.free is None or total < report.free else ": TOO LITTLE"
    yield _line("disk", f"about {units.size(total)}, uncompressed: {named}{free}{more}")


def _robots(robots: Mapping[HostKey, HostRobots], most: int) -> Iterator[str]:
    refused = sum(host.refused for host in robots.values())
    yield _line("robots", f"{counted(refused, 'URL')} refused by robots.txt of {counted(len(robots), 'host')}")
    for host in _most_refused(robots, most):
        changed = robots[host]
        text = f"{units.count(changed.refused)} refused"
        if changed.unreachable is not None:
            text = f"all {text}: its robots.txt cannot be fetched: {changed.unreachable}"
        elif changed.crawl_delay:
            text = f"{text}, Crawl-delay {changed.crawl_delay:g} s"
        yield _line("", printable(f"{_name(host)}: {text}"))


def _why(plan: Plan, settings: Settings) -> str:
    """Name what decides the duration of the run, and what would shorten it."""
    host = plan.longest
    match plan.decided_by:
        case "host":
            return f"decided by {_name(host.host)}: {counted(host.urls, 'URL')}, {_pace(host)}"
        case "workers":
            most = f"{_name(host.host)} alone needs {units.spoken(host.seconds)}"
            return f"decided by --workers: more of them would help ({most})"
        case "rate":
            return f"decided by --rate {settings.pool.rate:g}"


def _pace(host: HostPlan) -> str:
    pace = f"1 per {host.delay:g} s" if host.delay else f"{host.per_host} at a time"
    return pace if host.window is None else f"{pace}, {host.window}"


def _table(plan: Plan) -> Iterator[str]:
    names = [_name(host.host) for host in plan.hosts]
    width = max(map(len, names))
    yield ""
    yield f"{'host':<{width}}  {'URLs':>9}  {'takes':>10}  how"
    for name, host in zip(names, plan.hosts, strict=True):
        yield f"{name:<{width}}  {units.count(host.urls):>9}  {_spoken(host.seconds):>10}  {_pace(host)}"
    if plan.host_count > len(plan.hosts):
        yield f"and {counted(plan.host_count - len(plan.hosts), 'host')} more (--hosts)"


def _spoken(seconds: float) -> str:
    return units.spoken(seconds) if math.isfinite(seconds) else "years"


def _name(host: HostKey) -> str:
    return units.middle_cut(host.netloc, _WIDEST, "...")


def _reject(line: Skipped) -> str:
    return printable(f"{line.detail}: {units.middle_cut(line.target.url, _URL, '...')}")


def _line(title: str, text: str) -> str:
    return f"{title:<10}{text}"
