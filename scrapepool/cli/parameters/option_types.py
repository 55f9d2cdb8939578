"""The types of options: text that people type for durations, sizes, headers and lists, converted to values."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from ...durations import seconds_of
from ...errors import UsageError
from ...extras import how_to_install
from ...header import field_fault
from ...settings import RetryPolicy
from ...storage.urls import local_path
from ...text import brief

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LONGEST = 10 * 366 * 86_400.0
"""Seconds of the longest duration: ten years, so that times stay ones that a calendar has."""

LONGEST_TIMEOUT = 20 * 86_400.0
"""Seconds of the longest timeout of a socket: the system's poll counts milliseconds in 31 bits, which is 24 days."""

MOST_RATE = 1e6
"""Requests per second, more than any network carries."""

UNLIMITED = "none"
"""The text for a share without a limit."""

PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]?)(i?b)?", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Whole(click.ParamType[int]):
    """A whole number in a range."""

    name = "N"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        text = str(value).strip()
        if not _WHOLE.fullmatch(text):
            self.fail(f"{value!r} is not a whole number", param, ctx)
        number = int(text)
        if number < self._least:
            self.fail(f"{number} is too small; the minimum is {self._least}", param, ctx)
        if self._most is not None and number > self._most:
            self.fail(f"{number} is too large; the maximum is {self._most}", param, ctx)
        return number


class Rate(click.ParamType[float]):
    """A number of requests per second."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the requests per second, a float above 0."""
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 1 / LONGEST <= rate <= MOST_RATE:
            self.fail(f"{value!r} is not a rate; give a number above 0, such as 10 or 0.5", param, ctx)
        return rate


class FileName(click.ParamType[str]):
    """The name of a file; it is opened later."""

    name = "FILE"
    guarded = True

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it was given; of a URL that begins with ``file://``, its path."""
        if not value:
            self.fail("the file name is empty", param, ctx)
        return local_path(str(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Let the shell complete a file name."""
        from .completions import files  # noqa: PLC0415 - when a shell asks

        return files(ctx, param, incomplete)


class Duration(click.ParamType[float]):
    """Seconds, or a number with a unit. above_zero: whether 0 is refused. most: seconds of the longest."""

    name = "seconds"

    def __init__(self, *, above_zero: bool = False, most: float = LONGEST) -> None:
        self._above_zero = above_zero
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds as a float."""
        if isinstance(value, int | float):
            return float(value)
        seconds = seconds_of(value)
        if seconds is None:
            self.fail(
                f"{value!r} is not a duration; give seconds, such as 2.5, or a unit, such as 500ms, 5m or 30d",
                param,
                ctx,
            )
        if seconds > self._most:
            self.fail(f"{value!r} is too long; the maximum is {self._most / 86_400:,.0f} days", param, ctx)
        if self._above_zero and not seconds:
            self.fail("must be above 0", param, ctx)
        return seconds


class Share(click.ParamType[float]):
    """A share such as 10% or 0.1; infinite for ``none``. A share above 1 needs ``%``, as 10 probably means 10%."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share as a number."""
        if isinstance(value, int | float):
            return float(value)
        text = value.strip()
        if text.lower() == UNLIMITED:
            return math.inf
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = math.nan
        if not 0 <= share < math.inf or (share > 1 and not text.endswith("%")):
            self.fail(f"{value!r} is not a share; write 10%, 0.1 or none", param, ctx)
        return share


class TimeOfDay(click.ParamType[str]):
    """A time of day such as 06:00."""

    name = "HH:MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the time as it was given."""
        try:
            time.strptime(value, "%H:%M")
        except (TypeError, ValueError):
            self.fail(f"{value!r} is not a time of day; write it as 06:00", param, ctx)
        return str(value)


def next_time(text: str, now: datetime | None = None) -> float:
    """Return the next such time of day in the machine's time zone, in Unix seconds. now: local time."""
    hour, minute = map(int, text.split(":"))
    now = now or datetime.now()
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if then <= now:
        then += timedelta(days=1)
    return then.timestamp()


class Size(click.ParamType[int]):
    """Bytes, or a number with kB, MB, GB (thousands) or KiB, MiB, GiB (1,024s)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes as an int."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is not a size; give bytes or a unit, such as 500kB or 100MiB", param, ctx)
        base = 1024 if (match[3] or "").lower() == "ib" else 1000
        size = float(match[1]) * base ** _POWERS[match[2].lower()]
        if size < 1:
            self.fail("must be at least 1 byte", param, ctx)
        if size == math.inf:
            self.fail(f"{brief(value, 20)} is too large", param, ctx)
        return int(size)


class OnePerLine:
    """A type of options that may be repeated and whose values may hold spaces: the environment has one per line."""

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the values."""
        return [line for line in rv.splitlines() if line.strip()]


class Header(OnePerLine, click.ParamType[tuple[str, str]]):
    """A header field as curl takes it: ``Name: value``, or ``Name;`` for an empty value."""

    name = "'Name: value'"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return name and value."""
        if isinstance(value, tuple):
            return value
        name, colon, content = value.partition(":")
        if not colon and value.endswith(";"):
            name, content = value[:-1], ""
        elif not colon:
            self.fail(f"{value!r} has no colon; write 'Name: value'", param, ctx)
        name, content = name.strip(), content.strip()
        if (fault := field_fault(name, content)) is not None:
            self.fail(fault, param, ctx)
        return name, content


class Checked(OnePerLine, click.ParamType[str]):
    """Text that is used as it was given, after it was parsed once. parse: raises UsageError for text that is wrong."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        try:
            self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return str(value)


def _parse_selection(value: str) -> object:
    from ...selection import parsed  # noqa: PLC0415 - rarely needed

    return parsed(value)


def _parse_condition(value: str) -> object:
    from ...fail_conditions import parsed  # noqa: PLC0415 - rarely needed

    return parsed(value)


def _parse_expectation(value: str) -> object:
    from ...expectation import parsed  # noqa: PLC0415 - rarely needed

    return parsed(value)


EXPECTATION = Checked("kind:value", _parse_expectation)
"""What a response must be."""

SELECTION = Checked("name=kind:expression", _parse_selection)
"""A value to extract from pages."""

CONDITION = Checked("expression", _parse_condition)
"""When a run counts as failed: ``failed>5%``."""


class UserAgent(click.ParamType[str]):
    """The value of a User-Agent field."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value, which HTTP can carry."""
        return Header().convert(("User-Agent: " + value), param, ctx)[1]


class Proxy(click.ParamType[str]):
    """The URL of a proxy; ``host:port`` means an http proxy."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL as it was given."""
        from urllib.parse import urlsplit  # noqa: PLC0415 - rarely needed

        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            usable = bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            self.fail(f"{value!r} is not a proxy; write http://host:port", param, ctx)
        if parts.scheme.lower() not in PROXIES:
            self.fail(f"{parts.scheme} proxies are not supported; choose from {', '.join(PROXIES)}", param, ctx)
        if parts.scheme.lower().startswith("socks") and find_spec("socks") is None:
            self.fail(f"a SOCKS proxy needs PySocks: {how_to_install('socks')}", param, ctx)
        return str(value)


def failure_classes() -> Iterable[str]:
    """Return the classes of failures, for a shell."""
    from ...failure_classes import CLASSES  # noqa: PLC0415 - when a shell asks

    return CLASSES


def record_field_names() -> Iterable[str]:
    """Return the fields of records, for a shell."""
    from ...record_fields import TABLE  # noqa: PLC0415 - when a shell asks

    return [field.name for field in TABLE]


class Resume(click.ParamType[str]):
    """Which URLs to fetch again: ``failed``, ``all``, or classes of errors as in ``failed --class``."""

    name = "classes"
    choices = ("failed", "all")
    """Values that may follow the option after a space; classes must follow an equals sign."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it was given."""
        from ...results.failures import refetched  # noqa: PLC0415 - rarely needed

        try:
            refetched(value)
        except UsageError as error:
            self.fail(f"{error}, failed or all", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - Click's signature
        """Offer the classes."""
        from .completions import among  # noqa: PLC0415 - when a shell asks

        return among([*self.choices, *failure_classes()], incomplete)


class Names(click.ParamType[tuple[str, ...]]):
    """Names separated by commas. known: returns those that a shell offers."""

    name = "names"

    def __init__(self, known: Callable[[], Iterable[str]] = tuple) -> None:
        self._known = known

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - Click's signature
        """Offer the known names."""
        from .completions import among  # noqa: PLC0415 - when a shell asks

        return among(self._known(), incomplete)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ARG002 - Click's signature
        """Return the names."""
        if isinstance(value, tuple):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())


class RetryOn(Names):
    """Failures after which a request is repeated, in the language of ``failed --class``. usual: the defaults."""

    name = "classes"

    def __init__(self, usual: RetryPolicy) -> None:
        super().__init__(failure_classes)
        self._usual = usual

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the words, as ``retried`` takes them."""
        from ...failure_classes import retried  # noqa: PLC0415 - rarely needed

        words = super().convert(value, param, ctx)
        try:
            retried(words, self._usual.statuses, self._usual.errors)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return words
