"""Errors that concern a whole run. A URL that fails is a value (``model.Failed``), not one of these."""

from __future__ import annotations

import os
from typing import Self

from .text import without_passwords


def system_reason(error: BaseException) -> str:
    """Return what went wrong in the words of the system, without the number of the error."""
    return getattr(error, "strerror", None) or str(error)


class ScrapepoolError(Exception):
    """Base of all errors that scrapepool raises on purpose."""


class UsageError(ScrapepoolError):
    """Options or settings that make no sense: exit code 2."""


class SettingsError(UsageError):
    """Settings that make no sense, or that contradict each other.

    message: what is wrong; it names settings as ``pool.workers``, and the command line replaces these by its options.
    values: of the placeholders ``{}`` of the message.
    """

    def __init__(self, message: str, *values: object) -> None:
        super().__init__(message, *values)
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.message.format(*self.values)


def require(condition: bool, message: str, *values: object) -> None:
    """Raise SettingsError with the other arguments unless the condition is true."""
    if not condition:
        raise SettingsError(message, *values)


class OutageError(ScrapepoolError):
    """The network or the proxy was down for too long, or the proxy requires credentials: exit code 75.

    Targets that were not begun by then have no outcome.
    """


class ListError(ScrapepoolError):
    """A list that cannot be read: exit code 2.

    source: the list's name as the user gave it. reason: what is wrong, without a full stop.
    hint: what to do about it, if that is a setting; it names settings as ``SettingsError`` does.
    """

    def __init__(self, source: str, reason: str, hint: str | None = None) -> None:
        super().__init__(source, reason, hint)
        self.source = source
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{without_passwords(self.source)}: {self.reason}{hint}"


class OutputError(ScrapepoolError):
    """An output that cannot be written: exit code 3.

    path: the file, or ``standard output``. reason: what the system said.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    @classmethod
    def from_error(cls, path: str, error: BaseException) -> Self:
        """Return the error for what the system raised. The system has one message for a missing file and folder."""
        if isinstance(error, FileNotFoundError) and not os.path.lexists(os.path.dirname(path) or "."):  # noqa: PTH120
            return cls(path, "its folder does not exist")
        return cls(path, system_reason(error))

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"


class CommandError(OutputError):
    """The command of ``--at-end``, which gets the summary, has failed: exit code 3.

    path: the option and the command. reason: how the command ended.
    """

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class LockedError(ScrapepoolError):
    """An output that another run holds: exit code 75.

    path: the file or folder. hint: what to do if there is no such run.
    """

    def __init__(self, path: str, hint: str = "") -> None:
        super().__init__(path, hint)
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        return f"another run is writing {self.path}" + (f": {self.hint}" if self.hint else "")


class ExtractionError(ScrapepoolError):
    """No worker process for the extraction can be started: exit code 75.

    reason: what the system said.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot start a process to extract values: {self.reason}; with 0 extract workers, none is needed"


class ProcessError(ScrapepoolError):
    """No worker process can be started that fetches: exit code 75.

    reason: what the system said.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot start a worker process: {self.reason}; with 1 process, none is needed"


class ClusterError(ScrapepoolError):
    """A cluster on which no shard can be run: exit code 75.

    address: of the cluster. reason: what is wrong, without a full stop.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return f"--cluster {self.address}: {self.reason}"


class InvalidURLError(ScrapepoolError, ValueError):
    """Text that is not a URL that can be fetched. ``fetch`` yields a ``Skipped`` for it.

    url: the text. reason: what is wrong, without a full stop.
    scheme_unsupported: whether it is a URL with a scheme that is not supported.
    """

    def __init__(self, url: str, reason: str, *, scheme_unsupported: bool = False) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason
        self.scheme_unsupported = scheme_unsupported

    def __str__(self) -> str:
        return self.reason
