"""Every setting and its default: the only home of defaults.

Frozen groups in one ``Settings``; each part of the program is handed only its own group.
All durations are seconds, all sizes are bytes. Constructors raise ``UsageError`` for
values that cannot be meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from .errors import UsageError
from .frozen import frozen
from .overrides import HostOverrides

if TYPE_CHECKING:
    from .alarm import Check
    from .selection import Selection

MIB = 1024 * 1024


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


InputFormat = Literal["auto", "text", "csv", "tsv", "jsonl", "parquet", "sitemap", "feed", "html", "prose"]


@frozen
class InputSettings:
    """How lists are read.

    format: of every list; ``auto`` goes by suffix and first bytes. url_field: column or key that holds the URL.
    url_template: makes the URL of a row's columns (RFC 6570, ``{name}`` and ``{+name}``), None takes it as it stands.
    base_url: what relative URLs are resolved against. dedupe: whether a URL is fetched once only.
    lists: files and URLs of further lists. glob: whether URLs of the command line are patterns, as curl's.
    row_requests: whether columns of JSONL called method, headers, data, timeout and save_as are the row's own request;
    None: only an object under the key ``request`` is; False: that is none either.
    """

    format: InputFormat = "auto"
    url_field: str | None = None
    url_template: str | None = None
    base_url: str | None = None
    dedupe: bool = True
    lists: tuple[str, ...] = ()
    glob: bool = False
    row_requests: bool | None = None


@frozen
class RequestSettings:
    """What is sent.

    headers: in order, over the defaults. header_everywhere: whether all of them, not only harmless ones, follow a
    redirect to another origin. data: request body. cookies: Netscape cookie file; save_cookies: file that
    the cookies are written to at the end of the run. With either, all requests share their cookies; without, each
    target has its own, alive along its redirects. http_fallback: request bare names over http where https fails.
    head_fallback: send GET where HEAD is refused with 405 or 501. deny_private: connect to public addresses only, see
    ``transport.net.address_policy``.
    """

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    header_everywhere: bool = False
    user_agent: str | None = None
    data: bytes | None = None
    max_redirects: int = 20
    proxy: str | None = None
    cacert: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False
    netrc: bool = False
    cookies: str | None = None
    save_cookies: str | None = None
    head_fallback: bool = False
    http_fallback: bool = False
    tls_resume: bool = False
    deny_private: bool = False

    def __post_init__(self) -> None:
        _require(
            not (self.deny_private and self.proxy),
            "--deny-private and --proxy contradict each other: a proxy may connect to any address",
        )
        _require(self.save_cookies != "-", "--save-cookies needs a file; - is standard output")
        _require(self.max_redirects >= 0, "max_redirects must not be negative")
        _require(
            bool(self.method) and self.method.isascii() and self.method.isalpha(), f"no HTTP method: {self.method!r}"
        )


@frozen
class PoolSettings:
    """How many at once, and how fast.

    workers: threads. per_host: requests in flight on one host, and connections kept for it.
    delay: seconds between two starts on one host. rate: requests a second over all hosts, None for no limit.
    pace: whether a host that refuses, fails or slows down is asked less (``auto``), or as before (``fixed``).
    """

    workers: int = 32
    per_host: int = 4
    delay: float = 0.0
    rate: float | None = None
    pace: Literal["auto", "fixed"] = "auto"

    def __post_init__(self) -> None:
        _require(self.workers >= 1, "workers must be at least 1")
        _require(self.per_host >= 1, "per_host must be at least 1")
        _require(self.delay >= 0, "delay must not be negative")
        _require(self.rate is None or self.rate > 0, "rate must be above 0")
        _require(self.pace in ("auto", "fixed"), f"no pace: {self.pace!r}; write auto or fixed")


@frozen
class PolitenessSettings:
    """What hosts are asked before they are asked.

    robots: whether robots.txt is obeyed. max_crawl_delay: longest Crawl-delay that is kept, in seconds.
    host_memory: file in which what is found out of hosts is kept for other runs, and shared with those under way.
    """

    robots: bool = True
    max_crawl_delay: float = 60.0
    host_memory: str | None = None

    def __post_init__(self) -> None:
        _require(self.max_crawl_delay >= 0, "max_crawl_delay must not be negative")


@frozen
class RunLimits:
    """What a whole run may spend; None for no limit. What is in flight when one is reached is let finish.

    max_time: seconds. max_bytes: of bodies as received. targets: begun. until: Unix time at which nothing new begins.
    bandwidth: bytes a second that are received, over all hosts.
    """

    max_time: float | None = None
    max_bytes: int | None = None
    targets: int | None = None
    until: float | None = None
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        _require(self.max_time is None or self.max_time > 0, "max_time must be above 0")
        _require(self.max_bytes is None or self.max_bytes >= 1, "max_bytes must be at least 1")
        _require(self.targets is None or self.targets >= 1, "a limit of targets must be at least 1")
        _require(self.bandwidth is None or self.bandwidth > 0, "bandwidth must be above 0")


@frozen
class Timeouts:
    """How long a server may take, in seconds.

    connect: TCP and TLS together. read: between two pieces of a reply. total: a whole attempt, redirects included.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            _require(getattr(self, name) > 0, f"{name} timeout must be above 0")


@frozen
class RetryPolicy:
    """What is asked for again, and after how long.

    retries: further attempts after the first. backoff: seconds before the first retry at most; doubles up to
    ``backoff_max``, with full jitter. statuses: retried. max_park: longest Retry-After that is waited for, in seconds,
    longest pause after a refusal that names none, and how long a host that went down is probed. break_after: failures
    in a row after which a host counts as down. max_outage: seconds that an outage of the network is waited for.
    retry_budget: retries per target of the list, at most, over the run and on each host (0.1: one in ten; ten are
    always allowed); infinite for no such limit.
    """

    retries: int = 3
    backoff: float = 1.0
    backoff_max: float = 60.0
    statuses: frozenset[int] = frozenset({408, 425, 429, 500, 502, 503, 504, 522, 524})
    max_park: float = 300.0
    break_after: int = 10
    max_outage: float = 1800.0
    retry_budget: float = 0.1

    def __post_init__(self) -> None:
        _require(self.retries >= 0, "retries must not be negative")
        _require(self.backoff >= 0, "backoff must not be negative")
        _require(self.max_park >= 0, "max_park must not be negative")
        _require(self.break_after >= 1, "break_after must be at least 1")
        _require(self.max_outage >= 0, "max_outage must not be negative")
        _require(self.retry_budget >= 0, "retry_budget must not be negative")
        _require(all(100 <= status <= 599 for status in self.statuses), "retry statuses lie between 100 and 599")


@frozen
class SizeLimits:
    """What a response may weigh.

    max_size: bytes, of the body as received and of the body decoded, each.
    max_ratio: decoded bytes per received byte; real pages stay under 100, bombs are at 1,000 and above.
    ratio_floor: decoded bytes below which the ratio is not looked at.
    cut: a body over ``max_size`` is cut there and the rest left unread, rather than refused.
    """

    max_size: int = 100 * MIB
    max_ratio: float = 2000.0
    ratio_floor: int = 10 * MIB
    cut: bool = False

    def __post_init__(self) -> None:
        _require(self.max_size >= 1, "max_size must be at least 1 byte")


RecordFormat = Literal["jsonl", "csv", "tsv"]


class Needs(NamedTuple):
    """What outputs want of the transport beyond what every outcome tells.

    body: the decoded body's bytes. headers: the response's fields. sha256: the body's digest.
    """

    body: bool
    headers: bool
    sha256: bool


@frozen
class OutputSettings:
    """Where records go and what they hold.

    path: file, ``-`` for standard output; None for that too, unless a table holds the records.
    format: None goes by the file's suffix. fields: None for all. headers, body: add the response's headers, its text.
    history: add what the target waited for, and each attempt.
    select: values out of pages, as ``title=css:title``; links, text: a page's links, its readable text.
    extract_workers: processes that take these out of pages; 0 for none but the run's own, None for one a core.
    resume: go on with the records that the file holds, asking again for what did not succeed (``failed``), for errors
    and groups of them by name (``timeout,http_5xx``), or only for what has no final record (``all``); None overwrites
    the file. fsync: when records are seen onto the disk.
    safe_csv: cells that a spreadsheet would run as a formula are written as text. It is off because it changes values:
    whoever reads a file with a program wants them as they came. sqlite: database that gathers records, and bodies
    where ``body`` is given. template: how each outcome is told on standard output, where no records go then.
    parquet: file that is made of the records at the end of a run. ordered: write records in the order of the lists.
    lists: records say which list they are from. compared: they say what changed since earlier ones.
    csv_bom: CSV and TSV begin with a byte order mark.
    sqlite_timeout: seconds that another program may hold the database.
    """

    path: str | None = None
    format: RecordFormat | None = None
    fields: tuple[str, ...] | None = None
    headers: bool = False
    body: bool = False
    history: bool = False
    resume: str | None = None
    fsync: Literal["never", "second", "always"] = "second"
    safe_csv: bool = False
    csv_bom: bool = False
    select: tuple[str, ...] = ()
    links: bool = False
    text: bool = False
    extract_workers: int | None = None
    sqlite: str | None = None
    sqlite_timeout: float = 30.0
    template: str | None = None
    parquet: str | None = None
    ordered: bool = False
    lists: bool = False
    compared: bool = False

    def __post_init__(self) -> None:
        _require(self.extract_workers is None or self.extract_workers >= 0, "extract_workers must not be negative")
        _ = self.data  # that can all be meant
        _require(
            self.parquet is None or self.file is None or (self.format in (None, "jsonl") and self.fields is None),
            "--parquet is made of the records in --output: these have to be JSON Lines with all fields",
        )
        _require("-" not in (self.sqlite, self.parquet), "--sqlite and --parquet need a file; - is standard output")
        _require(
            self.template is None or self.path != "-",
            "--template writes to standard output, and so does --output -",
        )
        _require(
            self.to_stdout or self.path is not None or (self.format is None and self.fields is None),
            "--format and --fields are of --output, which --template, --sqlite and --parquet do without",
        )

    @property
    def selections(self) -> tuple[Selection, ...]:
        """``select``, taken apart."""
        if not self.select:
            return ()
        from .selection import parsed  # noqa: PLC0415 - rarely needed

        return tuple(map(parsed, self.select))

    @property
    def wants_data(self) -> bool:
        """Whether anything is taken out of pages."""
        return bool(self.select) or self.links or self.text

    @property
    def data(self) -> tuple[str, ...]:
        """The keys of a record's ``data``, in order; none where nothing is taken out of pages."""
        if not self.wants_data:
            return ()
        from .selection import keys  # noqa: PLC0415 - rarely needed

        return keys(self.selections, links=self.links, text=self.text)

    @property
    def journal(self) -> str | None:
        """The file or database whose records a run goes on with; None where there is none."""
        return self.file or self.parquet or self.sqlite

    @property
    def to_stdout(self) -> bool:
        """Whether records go to standard output."""
        return self.path == "-" or (self.path is None and not self.tables and self.template is None)

    @property
    def uses_stdout(self) -> bool:
        """Whether anything goes to standard output."""
        return self.to_stdout or self.template is not None

    @property
    def tables(self) -> bool:
        """Whether an output beside the records' own holds all of them."""
        return self.sqlite is not None or self.parquet is not None

    @property
    def file(self) -> str | None:
        """The file that records go to, None where they go to standard output or only into tables."""
        return None if self.path == "-" else self.path

    @property
    def needs(self) -> Needs:
        """What these outputs, all together, want of the transport: the one place that knows it."""
        # A digest that no record holds is not worth half the time that a large body takes.
        return Needs(
            body=self.body or self.wants_data,
            headers=self.headers,
            sha256=self.tables
            or self.compared
            or self.fields is None
            or "sha256" in self.fields
            or "{sha256" in (self.template or ""),
        )


Packing = Literal["gz", "zst"]


@frozen
class FileSettings:
    """Bodies as files.

    save_dir: their folder, None for none. name_template: their names below it, None for a readable one that no two
    URLs share. compress: they are packed, each on its own. dedupe_bodies: equal ones are linked, not written again.
    """

    save_dir: str | None = None
    name_template: str | None = None
    compress: Packing | None = None
    dedupe_bodies: bool = False

    def __post_init__(self) -> None:
        _require(
            self.save_dir is not None or not (self.name_template or self.compress or self.dedupe_bodies),
            "--name-template, --compress and --dedupe-bodies need --save-dir",
        )
        _require(self.save_dir != "", "--save-dir needs a folder")

    @property
    def needs_digest(self) -> bool:
        """Whether names or comparisons go by the digests of bodies."""
        return self.dedupe_bodies or "sha256" in (self.name_template or "")


@frozen
class WarcSettings:
    """Where what goes over the wire is archived.

    path: of the first file, which ends in ``.warc.gz`` or, uncompressed, ``.warc``; None for no archive.
    size: bytes of a file, after which another one is begun. overwrite: an archive that is there is replaced.
    dedup: earlier archives or their indexes, as files, folders or patterns; a body that they have is not archived
    again. cdx: each file gets an index beside it.
    """

    path: str | None = None
    size: int = 1_000_000_000
    overwrite: bool = False
    dedup: tuple[str, ...] = ()
    cdx: bool = False

    def __post_init__(self) -> None:
        _require(
            self.path is None or self.path.lower().endswith((".warc", ".warc.gz")),
            f"an archive's name ends in .warc.gz or .warc, not like {self.path}",
        )
        _require(self.size >= 1, "the size of an archive's files must be at least 1")


@frozen
class DisplaySettings:
    """What is shown on standard error. ``auto`` is live on a terminal and plain lines elsewhere.

    metrics_file: the figures of the run for Prometheus, replaced every 15 seconds.
    watch_stalls: seconds without an outcome after which it is told what is waited for; None for never.
    """

    progress: Literal["auto", "live", "plain", "none"] = "auto"
    quiet: bool = False
    verbose: bool = False
    log_file: str | None = None
    summary_json: str | None = None
    watch_stalls: float | None = None
    metrics_file: str | None = None

    def __post_init__(self) -> None:
        _require(self.metrics_file != "-", "--metrics-file needs a file; - is standard output")
        _require(self.watch_stalls is None or self.watch_stalls > 0, "watch_stalls must be above 0")


@frozen
class StartSettings:
    """When a run begins.

    splay: seconds that its start is put off by at most, at random. wait_lock: seconds that another run which writes the
    same output is waited for.
    """

    splay: float = 0.0
    wait_lock: float = 0.0

    def __post_init__(self) -> None:
        _require(self.splay >= 0, "splay must not be negative")
        _require(self.wait_lock >= 0, "wait_lock must not be negative")


@frozen
class SinceSettings:
    """What a run knows of earlier ones.

    records: files of their records, the last one goes first; none for a run that starts from nothing. if_there: those
    that are missing are passed over. change_by: fields of records whose values decide whether a page has changed; none
    for the body's digest. fresh: pages whose last response is fresh are not requested. min_age: nor those that were
    requested less than so many seconds ago; None for no such limit. keep_versions: how many earlier versions of a page
    are kept; None for none as files, and all in a database.
    """

    records: tuple[str, ...] = ()
    if_there: bool = False
    change_by: tuple[str, ...] = ()
    fresh: bool = False
    min_age: float | None = None
    keep_versions: int | None = None

    def __post_init__(self) -> None:
        _require(self.records.count("-") <= 1, "standard input can be read only once: --since - is given twice")
        for option, value in (
            ("--since-if-there", self.if_there),
            ("--change-by", self.change_by),
            ("--fresh", self.fresh),
            ("--min-age", self.min_age is not None),
            ("--keep-versions", self.keep_versions is not None),
        ):
            _require(bool(self.records) or not value, f"{option} needs --since")
        _require(self.min_age is None or self.min_age > 0, "min_age must be above 0")
        _require(self.keep_versions is None or self.keep_versions >= 0, "keep_versions must not be negative")

    @property
    def passes_over(self) -> bool:
        """Whether some pages are not requested at all."""
        return self.fresh or self.min_age is not None


@frozen
class AlarmSettings:
    """When a run has failed, and who is told.

    fail_if: expressions about its figures (see ``alarm``); with any, they alone decide. fail_fast: the run stops once
    one of them is certain to hold. at_end: a command of the shell that gets the summary.
    """

    fail_if: tuple[str, ...] = ()
    fail_fast: bool = False
    at_end: str | None = None

    def __post_init__(self) -> None:
        _require(bool(self.fail_if) or not self.fail_fast, "--fail-fast needs --fail-if")
        _require(self.at_end is None or bool(self.at_end.strip()), "--at-end names no command")
        _ = self.checks  # that can all be meant

    @property
    def checks(self) -> tuple[Check, ...]:
        """``fail_if``, taken apart."""
        if not self.fail_if:
            return ()
        from .alarm import parsed  # noqa: PLC0415 - rarely needed

        return tuple(map(parsed, self.fail_if))


@frozen
class Settings:
    """All settings of a run."""

    input: InputSettings = field(default_factory=InputSettings)
    request: RequestSettings = field(default_factory=RequestSettings)
    pool: PoolSettings = field(default_factory=PoolSettings)
    politeness: PolitenessSettings = field(default_factory=PolitenessSettings)
    limits: RunLimits = field(default_factory=RunLimits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    size: SizeLimits = field(default_factory=SizeLimits)
    output: OutputSettings = field(default_factory=OutputSettings)
    warc: WarcSettings = field(default_factory=WarcSettings)
    files: FileSettings = field(default_factory=FileSettings)
    display: DisplaySettings = field(default_factory=DisplaySettings)
    alarm: AlarmSettings = field(default_factory=AlarmSettings)
    since: SinceSettings = field(default_factory=SinceSettings)
    start: StartSettings = field(default_factory=StartSettings)
    host_overrides: HostOverrides = field(default_factory=HostOverrides)

    def with_(self, **groups: Mapping[str, Any]) -> Self:
        """A copy with some values of some groups changed: ``settings.with_(pool={"workers": 8})``.

        Raises UsageError for a group or a value that there is not.
        """
        changed = {}
        for group, values in groups.items():
            _require(group in {f.name for f in fields(self)}, f"no group of settings: {group}")
            current = getattr(self, group)
            unknown = set(values) - {f.name for f in fields(current)}
            _require(not unknown, f"no such setting in {group}: {', '.join(sorted(unknown))}")
            changed[group] = replace(current, **values)
        return replace(self, **changed)
