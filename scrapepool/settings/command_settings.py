"""The groups of settings that only the command carries out. Their defaults are here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..errors import require
from ..frozen import frozen

if TYPE_CHECKING:
    from ..fail_conditions import Check


@frozen
class DisplaySettings:
    """What is shown on standard error, or written beside the records.

    progress: ``auto`` is live on a terminal, and plain lines elsewhere.
    quiet: whether only what failed is shown.
    verbose: whether more is shown.
    log_file: file that messages are appended to.
    summary_json: file that the summary is written to, as JSON.
    watch_stalls: seconds without an outcome after which it is said what is waited for. None: never.
    metrics_file: file with the metrics of the run for Prometheus, replaced every 15 seconds.
    metrics_port: port of 127.0.0.1 that serves them while the run goes on, 0 for a free one. None: none does.
    metrics_hosts: whether the 50 hosts with the most URLs have metrics of their own.
    """

    progress: Literal["auto", "live", "plain", "none"] = "auto"
    quiet: bool = False
    verbose: bool = False
    log_file: str | None = None
    summary_json: str | None = None
    watch_stalls: float | None = None
    metrics_file: str | None = None
    metrics_port: int | None = None
    metrics_hosts: bool = False

    def __post_init__(self) -> None:
        measured = self.has_metrics or not self.metrics_hosts
        require(measured, "display.metrics_hosts needs display.metrics_file or display.metrics_port")
        port = self.metrics_port
        require(port is None or 0 <= port < 65536, "display.metrics_port must be at least 0 and at most 65535")
        require(self.metrics_file != "-", "display.metrics_file needs a file; - is standard output")
        require(self.watch_stalls is None or self.watch_stalls > 0, "display.watch_stalls must be above 0")

    @property
    def has_metrics(self) -> bool:
        """Whether anybody wants metrics."""
        return self.metrics_file is not None or self.metrics_port is not None


@frozen
class StartSettings:
    """When and where a run begins.

    splay: seconds that its start is delayed by, at most, at random.
    wait_lock: seconds to wait for another run that writes the same output.
    cluster: address or file of a Dask scheduler, or ``local:4``. None: this process alone.
    """

    splay: float = 0.0
    wait_lock: float = 0.0
    cluster: str | None = None

    def __post_init__(self) -> None:
        require(self.splay >= 0, "start.splay must not be negative")
        require(self.wait_lock >= 0, "start.wait_lock must not be negative")


@frozen
class SinceSettings:
    """What a run knows of earlier ones.

    records: files of their records; the last one counts most.
    if_there: whether those that are missing are passed over.
    change_by: fields of records that tell whether a page has changed. Empty: the digest of the body.
    fresh: whether pages whose last response is still fresh are not requested.
    min_age: seconds; pages that were requested less long ago are not requested. None: no limit.
    keep_versions: earlier versions of a page that are kept. None: none as files, and all in a database.
    """

    records: tuple[str, ...] = ()
    if_there: bool = False
    change_by: tuple[str, ...] = ()
    fresh: bool = False
    min_age: float | None = None
    keep_versions: int | None = None

    def __post_init__(self) -> None:
        require(self.records.count("-") <= 1, "standard input can be read only once: since.records has - twice")
        for name, value in (
            ("since.if_there", self.if_there),
            ("since.change_by", self.change_by),
            ("since.fresh", self.fresh),
            ("since.min_age", self.min_age is not None),
            ("since.keep_versions", self.keep_versions is not None),
        ):
            require(bool(self.records) or not value, f"{name} needs since.records")
        require(self.min_age is None or self.min_age > 0, "since.min_age must be above 0")
        require(self.keep_versions is None or self.keep_versions >= 0, "since.keep_versions must not be negative")

    @property
    def passes_over(self) -> bool:
        """Whether some pages are not requested at all."""
        return self.fresh or self.min_age is not None


@frozen
class AlarmSettings:
    """When a run has failed, and what is run then.

    fail_if: expressions over its figures, such as ``failed > 5%``. With any, they alone decide.
    fail_fast: whether the run stops once one of them is certain to hold.
    at_end: shell command that gets the summary.
    """

    fail_if: tuple[str, ...] = ()
    fail_fast: bool = False
    at_end: str | None = None

    def __post_init__(self) -> None:
        require(bool(self.fail_if) or not self.fail_fast, "alarm.fail_fast needs alarm.fail_if")
        require(self.at_end is None or bool(self.at_end.strip()), "alarm.at_end names no command")
        _ = self.checks  # that can all be meant

    @property
    def checks(self) -> tuple[Check, ...]:
        """``fail_if``, taken apart."""
        if not self.fail_if:
            return ()
        from ..fail_conditions import parsed  # noqa: PLC0415 - rarely needed

        return tuple(map(parsed, self.fail_if))
