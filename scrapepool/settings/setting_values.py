"""What ``Settings.with_`` takes, for type checkers. Made by ``python docs/generate.py``; do not edit."""

from typing import Literal, TypedDict

from ..host_share import HostShare
from ..overrides import HostOverride
from .fetch_settings import InputFormat
from .output_settings import Packing, RecordFormat


class InputSettingsValues(TypedDict, total=False):
    """See ``InputSettings``."""

    format: InputFormat
    url_field: str | None
    url_template: str | None
    base_url: str | None
    dedupe: bool
    lists: tuple[str, ...]
    glob: bool
    row_requests: bool | None
    shard: HostShare | None


class RequestSettingsValues(TypedDict, total=False):
    """See ``RequestSettings``."""

    method: str
    headers: tuple[tuple[str, str], ...]
    header_everywhere: bool
    user_agent: str | None
    data: bytes | None
    max_redirects: int
    proxy: str | None
    cacert: str | None
    cert: str | None
    key: str | None
    insecure: bool
    netrc: bool
    cookies: str | None
    save_cookies: str | None
    head_fallback: bool
    http_fallback: bool
    tls_resume: bool
    deny_private: bool


class PoolSettingsValues(TypedDict, total=False):
    """See ``PoolSettings``."""

    workers: int
    per_host: int
    delay: float
    rate: float | None
    pace: Literal["auto", "fixed"]
    processes: int


class PolitenessSettingsValues(TypedDict, total=False):
    """See ``PolitenessSettings``."""

    robots: bool
    max_crawl_delay: float
    host_memory: str | None


class RunLimitsValues(TypedDict, total=False):
    """See ``RunLimits``."""

    max_time: float | None
    max_bytes: int | None
    targets: int | None
    until: float | None
    bandwidth: float | None


class TimeoutsValues(TypedDict, total=False):
    """See ``Timeouts``."""

    connect: float
    read: float
    total: float


class RetryPolicyValues(TypedDict, total=False):
    """See ``RetryPolicy``."""

    retries: int
    backoff: float
    backoff_max: float
    statuses: frozenset[int]
    errors: frozenset[str]
    max_park: float
    break_after: int
    max_outage: float
    retry_budget: float


class SizeLimitsValues(TypedDict, total=False):
    """See ``SizeLimits``."""

    max_size: int
    max_ratio: float
    ratio_floor: int
    cut: bool


class OutputSettingsValues(TypedDict, total=False):
    """See ``OutputSettings``."""

    path: str | None
    format: RecordFormat | Literal["parquet"] | None
    part_size: int
    fields: tuple[str, ...] | None
    headers: bool
    body: bool
    history: bool
    resume: str | None
    fsync: Literal["never", "second", "always"]
    safe_csv: bool
    csv_bom: bool
    select: tuple[str, ...]
    expect: tuple[str, ...]
    links: bool
    text: bool
    extract_workers: int | None
    sqlite: str | None
    sqlite_timeout: float
    template: str | None
    parquet: str | None
    ordered: bool
    lists: bool
    compared: bool


class WarcSettingsValues(TypedDict, total=False):
    """See ``WarcSettings``."""

    path: str | None
    size: int
    overwrite: bool
    dedup: tuple[str, ...]
    cdx: bool


class FileSettingsValues(TypedDict, total=False):
    """See ``FileSettings``."""

    save_dir: str | None
    name_template: str | None
    compress: Packing | None
    dedupe_bodies: bool


class DisplaySettingsValues(TypedDict, total=False):
    """See ``DisplaySettings``."""

    progress: Literal["auto", "live", "plain", "none"]
    quiet: bool
    verbose: bool
    log_file: str | None
    summary_json: str | None
    watch_stalls: float | None
    metrics_file: str | None
    metrics_port: int | None
    metrics_hosts: bool


class AlarmSettingsValues(TypedDict, total=False):
    """See ``AlarmSettings``."""

    fail_if: tuple[str, ...]
    fail_fast: bool
    at_end: str | None


class SinceSettingsValues(TypedDict, total=False):
    """See ``SinceSettings``."""

    records: tuple[str, ...]
    if_there: bool
    change_by: tuple[str, ...]
    fresh: bool
    min_age: float | None
    keep_versions: int | None


class StartSettingsValues(TypedDict, total=False):
    """See ``StartSettings``."""

    splay: float
    wait_lock: float
    cluster: str | None


class HostOverridesValues(TypedDict, total=False):
    """See ``HostOverrides``."""

    sections: tuple[tuple[str, HostOverride], ...]


class SettingsValues(TypedDict, total=False):
    """See ``Settings``."""

    input: InputSettingsValues
    request: RequestSettingsValues
    pool: PoolSettingsValues
    politeness: PolitenessSettingsValues
    limits: RunLimitsValues
    timeouts: TimeoutsValues
    retry: RetryPolicyValues
    size: SizeLimitsValues
    output: OutputSettingsValues
    warc: WarcSettingsValues
    files: FileSettingsValues
    display: DisplaySettingsValues
    alarm: AlarmSettingsValues
    since: SinceSettingsValues
    start: StartSettingsValues
    host_overrides: HostOverridesValues
