"""The options of ``fetch``: their names, help and order, and the way from them to ``Settings``.

Decides words only. Every default is read from ``settings``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..errors import UsageError
from ..settings import (
    MIB,
    DisplaySettings,
    InputSettings,
    OutputSettings,
    Patience,
    PolitenessSettings,
    PoolSettings,
    RequestSettings,
    RetryPolicy,
    RunLimits,
    Settings,
    SizeLimits,
)
from .config_file import read_config
from .grouped import FetchOption
from .types import (
    MOST_WORKERS,
    Duration,
    FileName,
    Header,
    Names,
    Proxy,
    Rate,
    Share,
    Size,
    Statuses,
    TimeOfDay,
    UserAgent,
    Whole,
    next_time,
)

D = Settings()
_Decorator = Callable[[Any], Any]


def _subject(subject: str, *options: tuple[tuple[str, ...], dict[str, Any]]) -> list[_Decorator]:
    return [click.option(*names, cls=FetchOption, subject=subject, **attributes) for names, attributes in options]


def _o(*names: str, **attributes: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    if attributes.get("default") is not None and not attributes.get("is_flag"):
        attributes.setdefault("show_default", True)
    return names, attributes


def _s(seconds: float) -> str:
    return f"{seconds:g}s"


_STATUSES = ",".join(map(str, sorted(D.retry.statuses)))

OPTIONS: list[_Decorator] = [
    *_subject(
        "Input",
        _o("--input-format", type=click.Choice(["auto", "text", "csv", "jsonl"]), default=D.input.format,
           help="How lists are read; auto goes by the suffix."),
        _o("--url-field", metavar="NAME", help="Column (CSV) or key (JSONL) that holds the URL.  [default: url]"),
        _o("--base-url", metavar="URL", help="What relative URLs in the list are resolved against."),
        _o("--dedupe/--no-dedupe", default=D.input.dedupe, help="Fetch a URL that stands in the list twice once only."),
    ),
    *_subject(
        "Request",
        _o("-X", "--method", metavar="METHOD", help="HTTP method.  [default: GET; POST with --data]"),
        _o("-H", "--header", type=Header(), multiple=True, help="A header field to send; may be repeated."),
        _o("-A", "--user-agent", type=UserAgent(), metavar="TEXT",
           help="The User-Agent to send.  [default: scrapepool/VERSION]"),
        _o("--data", metavar="TEXT|@FILE", help="Body to send with every request; @FILE reads it from a file."),
        _o("--max-redirects", type=Whole(0), default=D.request.max_redirects,
           help="Redirects that are followed; 0 records the redirect itself."),
        _o("--proxy", type=Proxy(), help="http, https or socks5 proxy for everything.  [default: the environment's]"),
        _o("--cacert", type=FileName(), help="CA certificates to trust, instead of the usual ones."),
        _o("--cert", type=FileName(), help="Client certificate (PEM)."),
        _o("--key", type=FileName(), help="Private key of --cert, where it is not in the same file."),
        _o("--insecure", is_flag=True, help="Do not verify TLS certificates."),
        _o("--tls-resume", is_flag=True, help="Take up TLS sessions again: a round trip less with TLS 1.2."),
        _o("--netrc", is_flag=True, help="Take credentials from ~/.netrc or $NETRC."),
        _o("--cookies", type=FileName(), help="Netscape cookie file, shared by all requests."),
    ),
    *_subject(
        "Pool and pace",
        _o("-w", "--workers", type=Whole(1, MOST_WORKERS), default=D.pool.workers,
           help="Threads: requests in flight at most."),
        _o("--per-host", type=Whole(1, MOST_WORKERS), default=D.pool.per_host,
           help="Requests in flight on one host, and connections kept for it."),
        _o("--delay", type=Duration(), default=_s(D.pool.delay), help="Time between two starts on one host."),
        _o("--rate", type=Rate(), default=D.pool.rate,
           help="Requests a second over all hosts.  [default: no limit]"),
        _o("--pace", type=click.Choice(["auto", "fixed"]), default=D.pool.pace,
           help="auto asks a host less while it refuses, fails or slows down."),
        _o("--bandwidth", type=Size(),
           help="Bytes a second over all hosts, of bodies as received.  [default: no limit]"),
        _o("--robots/--no-robots", default=D.politeness.robots,
           help="Ask each host for its robots.txt first, and obey it."),
        _o("--max-crawl-delay", type=Duration(), default=_s(D.politeness.max_crawl_delay),
           help="Longest Crawl-delay of a robots.txt that is kept; a longer one is taken for this."),
    ),
    *_subject(
        "Patience",
        _o("--connect-timeout", type=Duration(above_zero=True), default=_s(D.patience.connect),
           help="For TCP and TLS together."),
        _o("--read-timeout", type=Duration(above_zero=True), default=_s(D.patience.read),
           help="Between two pieces of a reply."),
        _o("--timeout", type=Duration(above_zero=True), default=_s(D.patience.total),
           help="All that one attempt may take, redirects included, whatever the server does."),
        _o("--retries", type=Whole(0), default=D.retry.retries, help="Further attempts after the first."),
        _o("--backoff", type=Duration(), default=_s(D.retry.backoff),
           help=f"Before the first retry at most; doubles up to {_s(D.retry.backoff_max)}, with full jitter."),
        _o("--retry-on", type=Statuses(), default=_STATUSES, help="Statuses that are retried."),
        _o("--max-park", type=Duration(), default=_s(D.retry.max_park),
           help="Longest Retry-After that is waited for; a longer one defers the host."),
        _o("--retry-budget", type=Share(),
           help="Retries over the run and on each host as a share of URLs, as 10%; ten at least.  [default: none]"),
        _o("--break-after", type=Whole(1), default=D.retry.break_after,
           help="Failures in a row after which a host is only probed; where that fails too, its rest fails at once."),
        _o("--max-outage", type=Duration(), default=_s(D.retry.max_outage),
           help="How long a run waits while the whole network looks down; then it ends with exit code 75."),
    ),
    *_subject(
        "Budget",
        _o("--limit", type=Whole(1), metavar="N", help="Begin at most N URLs.  [default: all]"),
        _o("--max-time", type=Duration(above_zero=True),
           help="Begin nothing more after this time.  [default: no limit]"),
        _o("--max-bytes", type=Size(), help="Begin nothing more after so many bytes of bodies.  [default: no limit]"),
        _o("--until", type=TimeOfDay(), help="Begin nothing more from this time of day on.  [default: never]"),
    ),
    *_subject(
        "Size",
        _o("--max-size", type=Size(), default=f"{D.size.max_size // MIB}MiB",
           help="Most that a body may weigh, as received and decoded, each."),
    ),
    *_subject(
        "Output",
        _o("-o", "--output", type=FileName(), help="Where records go.  [default: standard output]"),
        _o("--format", type=click.Choice(["jsonl", "csv"]),
           help="Of the records.  [default: by the file's suffix, else jsonl]"),
        _o("--fields", type=Names(), metavar="a,b,c", help="Fields of the records, in this order.  [default: all]"),
        _o("--headers", is_flag=True, help="Add the response's header fields to records."),
        _o("--body", is_flag=True, help="Add the text of the response to records."),
        _o("--resume", type=click.Choice(["failed", "all"]), bare="failed", metavar="[failed|all]",
           help="Go on with the records in --output: what succeeded stays, the rest is fetched again; all: only what "
           "has no record.  [default: the file is overwritten; --resume alone means failed]"),
        _o("--fsync", type=click.Choice(["never", "second", "always"]), default=D.output.fsync,
           help="When records are seen onto the disk, against a loss of power."),
    ),
    *_subject(
        "Display",
        _o("--progress", type=click.Choice(["auto", "live", "plain", "none"]), default=D.display.progress,
           help="On standard error; auto is live on a terminal and a line every ten seconds elsewhere."),
        _o("-q", "--quiet", is_flag=True, help="Nothing on standard error but errors."),
        _o("-v", "--verbose", is_flag=True, help="A line on standard error for every URL that did not succeed."),
        _o("--log-file", type=FileName(), help="The same lines, with times, appended to a file."),
        _o("--summary-json", type=FileName(), help="Write the closing summary as JSON."),
    ),
    *_subject(
        "Configuration",
        _o("--config", type=FileName(), is_eager=True, callback=read_config,
           help="Options, and sections for hosts, as TOML; /dev/null for none.  [default: ./scrapepool.toml, "
           "[tool.scrapepool] in ./pyproject.toml, or ~/.config/scrapepool/config.toml]"),
    ),
]  # fmt: skip


def fetch_options(command: Any) -> Any:
    """Give a command all options of ``fetch``."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def settings_from(o: dict[str, Any]) -> Settings:
    """Settings out of Click's values. Raises UsageError for what contradicts itself."""
    _refuse(o["quiet"] and o["verbose"], "--quiet and --verbose contradict each other")
    _refuse(
        o["quiet"] and o["progress"] in ("live", "plain"),
        f"--quiet and --progress {o['progress']} contradict each other",
    )
    _refuse(o["insecure"] and o["cacert"], "--insecure and --cacert contradict each other")
    _refuse(o["key"] and not o["cert"], "--key needs --cert")
    method = (o["method"] or ("POST" if o["data"] is not None else D.request.method)).upper()
    return Settings(
        input=InputSettings(
            format=o["input_format"], url_field=o["url_field"], base_url=o["base_url"], dedupe=o["dedupe"]
        ),
        request=RequestSettings(
            method=method,
            headers=tuple(o["header"]),
            user_agent=o["user_agent"],
            data=_body(o["data"]),
            max_redirects=o["max_redirects"],
            proxy=o["proxy"],
            cacert=o["cacert"],
            cert=o["cert"],
            key=o["key"],
            insecure=o["insecure"],
            netrc=o["netrc"],
            tls_resume=o["tls_resume"],
            cookies=o["cookies"],
        ),
        pool=PoolSettings(
            workers=o["workers"],
            per_host=min(o["per_host"], o["workers"]),
            delay=o["delay"],
            rate=o["rate"],
            pace=o["pace"],
        ),
        politeness=PolitenessSettings(robots=o["robots"], max_crawl_delay=o["max_crawl_delay"]),
        patience=Patience(connect=o["connect_timeout"], read=o["read_timeout"], total=o["timeout"]),
        limits=RunLimits(
            max_time=o["max_time"],
            max_bytes=o["max_bytes"],
            targets=o["limit"],
            until=None if o["until"] is None else next_time(o["until"]),
            bandwidth=o["bandwidth"],
        ),
        retry=RetryPolicy(
            retries=o["retries"],
            backoff=o["backoff"],
            statuses=o["retry_on"],
            max_park=o["max_park"],
            break_after=o["break_after"],
            max_outage=o["max_outage"],
            retry_budget=D.retry.retry_budget if o["retry_budget"] is None else o["retry_budget"],
        ),
        size=SizeLimits(max_size=o["max_size"]),
        output=OutputSettings(
            path=None if o["output"] == "-" else o["output"],
            format=o["format"],
            fields=o["fields"],
            headers=o["headers"],
            body=o["body"],
            resume=o["resume"],
            fsync=o["fsync"],
        ),
        display=DisplaySettings(
            progress=o["progress"],
            quiet=o["quiet"],
            verbose=o["verbose"],
            log_file=o["log_file"],
            summary_json=o["summary_json"],
        ),
        host_overrides=o["config"].hosts,
    )


def _refuse(wrong: Any, message: str) -> None:
    if wrong:
        raise UsageError(message)


def _body(text: str | None) -> bytes | None:
    if text is None or not text.startswith("@"):
        return None if text is None else text.encode("utf-8", "surrogateescape")
    from pathlib import Path  # noqa: PLC0415 - rarely needed

    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"--data: {text[1:]}: {error.strerror}") from error
