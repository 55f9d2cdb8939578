"""Types of options for text of a given form: file names, header fields, proxies, classes of failures, expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from ...extras import how_to_install
from ...header import field_fault
from ...settings import RetryPolicy
from ...storage.urls import local_path

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


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
