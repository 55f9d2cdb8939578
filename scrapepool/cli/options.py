"""The options of ``fetch``: their names, help and order, and the way from them to ``Settings``.

Decides words only. Every default is read from ``settings``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..errors import UsageError
from ..settings import (
    DisplaySettings,
    InputSettings,
    OutputSettings,
    Patience,
    PoolSettings,
    RequestSettings,
    RetryPolicy,
    Settings,
    SizeLimits,
)
from .grouped import GroupedOption
from .types import Duration, Header, Names, Size, Statuses

D = Settings()
_Decorator = Callable[[Any], Any]


def _subject(subject: str, *options: tuple[tuple[str, ...], dict[str, Any]]) -> list[_Decorator]:
    return [click.option(*names, cls=GroupedOption, subject=subject, **attributes) for names, attributes in options]


def _o(*names: str, **attributes: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    if attributes.get("default") is not None and not attributes.get("is_flag"):
        attributes.setdefault("show_default", True)
    return names, attributes


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
        _o("-H", "--header", "headers", type=Header(), multiple=True, help="A header field to send; may be repeated."),
        _o("-A", "--user-agent", metavar="TEXT", help="The User-Agent to send.  [default: scrapepool/VERSION]"),
        _o("--data", metavar="TEXT|@FILE", help="Body to send with every request; @FILE reads it from a file."),
        _o("--max-redirects", type=click.IntRange(min=0), default=D.request.max_redirects,
           help="Redirects that are followed; 0 records the redirect itself."),
        _o("--proxy", metavar="URL", help="http, https or socks5 proxy for everything.  [default: the environment's]"),
        _o("--cacert", metavar="FILE", help="CA certificates to trust, instead of the usual ones."),
        _o("--cert", metavar="FILE", help="Client certificate (PEM)."),
        _o("--key", metavar="FILE", help="Private key of --cert, where it is not in the same file."),
        _o("--insecure", is_flag=True, help="Do not verify TLS certificates."),
        _o("--netrc", is_flag=True, help="Take credentials from ~/.netrc or $NETRC."),
        _o("--cookies", metavar="FILE", help="Netscape cookie file, shared by all requests."),
    ),
    *_subject(
        "Pool and pace",
        _o("-w", "--workers", type=click.IntRange(min=1), default=D.pool.workers,
           help="Threads: requests in flight at most."),
        _o("--per-host", type=click.IntRange(min=1), default=D.pool.per_host,
           help="Requests in flight on one host, and connections kept for it."),
        _o("--delay", type=Duration(), default=D.pool.delay, help="Seconds between two starts on one host."),
        _o("--rate", type=click.FloatRange(min=0, min_open=True), default=D.pool.rate,
           help="Requests a second over all hosts.  [default: no limit]"),
    ),
    *_subject(
        "Patience",
        _o("--connect-timeout", type=Duration(), default=D.patience.connect, help="Seconds for TCP and TLS together."),
        _o("--read-timeout", type=Duration(), default=D.patience.read, help="Seconds between two pieces of a reply."),
        _o("--timeout", type=Duration(), default=D.patience.total,
           help="Seconds that one attempt may take, redirects included, whatever the server does."),
        _o("--retries", type=click.IntRange(min=0), default=D.retry.retries, help="Further attempts after the first."),
        _o("--backoff", type=Duration(), default=D.retry.backoff,
           help=f"Seconds before the first retry at most; doubles up to {D.retry.backoff_max:.0f}, with full jitter."),
        _o("--retry-on", type=Statuses(), default=_STATUSES, help="Statuses that are retried."),
        _o("--max-park", type=Duration(), default=D.retry.max_park,
           help="Longest Retry-After in seconds that is waited for; a longer one defers the host."),
    ),
    *_subject(
        "Size",
        _o("--max-size", type=Size(), default="100MiB",
           help="Most that a body may weigh, as received and decoded, each."),
    ),
    *_subject(
        "Output",
        _o("-o", "--output", metavar="FILE", help="Where records go.  [default: standard output]"),
        _o("--format", "output_format", type=click.Choice(["jsonl", "csv"]),
           help="Of the records.  [default: by the file's suffix, else jsonl]"),
        _o("--fields", type=Names(), metavar="a,b,c", help="Fields of the records, in this order.  [default: all]"),
        _o("--headers", "keep_headers", is_flag=True, help="Add the response's header fields to records."),
        _o("--body", is_flag=True, help="Add the text of the response to records."),
    ),
    *_subject(
        "Display",
        _o("--progress", type=click.Choice(["auto", "live", "plain", "none"]), default=D.display.progress,
           help="On standard error; auto is live on a terminal and a line every ten seconds elsewhere."),
        _o("-q", "--quiet", is_flag=True, help="Nothing on standard error but errors."),
        _o("-v", "--verbose", is_flag=True, help="A line on standard error for every URL that did not succeed."),
        _o("--log-file", metavar="FILE", help="The same lines, with times, appended to a file."),
        _o("--summary-json", metavar="FILE", help="Write the closing summary as JSON."),
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
            headers=tuple(o["headers"]),
            user_agent=_user_agent(o["user_agent"]),
            data=_body(o["data"]),
            max_redirects=o["max_redirects"],
            proxy=o["proxy"],
            cacert=o["cacert"],
            cert=o["cert"],
            key=o["key"],
            insecure=o["insecure"],
            netrc=o["netrc"],
            cookies=o["cookies"],
        ),
        pool=PoolSettings(workers=o["workers"], per_host=o["per_host"], delay=o["delay"], rate=o["rate"]),
        patience=Patience(connect=o["connect_timeout"], read=o["read_timeout"], total=o["timeout"]),
        retry=RetryPolicy(retries=o["retries"], backoff=o["backoff"], statuses=o["retry_on"], max_park=o["max_park"]),
        size=SizeLimits(max_size=o["max_size"]),
        output=OutputSettings(
            path=None if o["output"] == "-" else o["output"],
            format=o["output_format"],
            fields=o["fields"],
            headers=o["keep_headers"],
            body=o["body"],
        ),
        display=DisplaySettings(
            progress=o["progress"],
            quiet=o["quiet"],
            verbose=o["verbose"],
            log_file=o["log_file"],
            summary_json=o["summary_json"],
        ),
    )


def _refuse(wrong: Any, message: str) -> None:
    if wrong:
        raise UsageError(message)


def _user_agent(text: str | None) -> str | None:
    if text is not None:
        Header().convert(f"User-Agent: {text}", None, None)
    return text


def _body(text: str | None) -> bytes | None:
    if text is None or not text.startswith("@"):
        return None if text is None else text.encode("utf-8", "surrogateescape")
    from pathlib import Path  # noqa: PLC0415 - rarely needed

    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"--data: {text[1:]}: {error.strerror}") from error
