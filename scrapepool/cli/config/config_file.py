"""The configuration file: which options and host sections it sets.

Decides which options may be set by a file that the user did not name. The command line and the environment take
precedence over the file: its values become Click's ``default_map``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from ...frozen import frozen
from ...overrides import HostOverride, HostOverrides
from ...text import brief
from ..parameters.grouped_options import FetchOption
from ..parameters.quantity_types import Duration, Whole
from ..parameters.text_types import Header
from .config_source import MAX_CONFIG, MAX_DOTS, NAME, PROJECT, Source, Trust, found, named, users_own
from .config_values import Values, converted

if TYPE_CHECKING:
    from ...window import Window


def _window(text: str) -> Window:
    from ...window import Window  # noqa: PLC0415 - most runs have none

    return Window.parse(text)


HOST_OPTIONS = [
    click.Option(["--delay"], type=Duration()),
    click.Option(["--per-host"], type=Whole(1)),
    click.Option(["--robots/--no-robots"]),
    click.Option(["--headers", "--header", "headers"], type=Header(), multiple=True),
    click.Option(["--credentials"]),
    click.Option(["--window"], type=click.types.FuncParamType(_window)),
]
"""Keys that a ``[host."…"]`` section may have; each is a field of ``HostOverride``."""

_TOOL = rb"""^[ \t]*\[*[ \t]*["']?tool["']?[ \t]*(?:\.[ \t]*["']?scrapepool|\]|=)"""
"""A line of a pyproject.toml with which the section [tool.scrapepool] may begin, in any of its spellings."""

MAX_MESSAGE = 1000
"""Characters of a message: a key of a hostile file can be as long as the file."""


@frozen
class ConfigFile:
    """The configuration that was read.

    path: as it is shown; None if there was no file. options: values by the names of Click's parameters.
    masked: values that name variables of the environment, as they are shown; host_masks: the same, by host pattern.
    """

    path: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hosts: HostOverrides = field(default_factory=HostOverrides)
    masked: Mapping[str, Any] = field(default_factory=dict)
    host_masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def masks(self, pattern: str) -> Mapping[str, Any]:
        """Return the values of a host section that are shown as they are written in the file."""
        return self.host_masks.get(pattern, {})

    @property
    def note(self) -> str | None:
        """A sentence that names the file; None if no file was read."""
        return None if self.path in (None, "/dev/null") else f"reading options from {self.path}"


def read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> ConfigFile:
    """Read the file that ``--config`` names, or else the first one found. This is the callback of an eager option.

    Raises UsageError, with one line that names file and key, for a file that cannot be read or is not TOML, and for a
    value that is invalid or not accepted from that file.
    """
    if ctx.resilient_parsing:
        return ConfigFile()
    try:
        config = _config(ctx, param, value)
    except UsageError as error:
        raise UsageError(brief(str(error), MAX_MESSAGE)) from None
    ctx.default_map = {**(ctx.default_map or {}), **config.options}
    return config


def _config(ctx: click.Context, param: click.Parameter, value: str | None) -> ConfigFile:
    chosen = _named(value) if value is not None else _found()
    if chosen is None:
        return ConfigFile()
    source, table = chosen
    if source.trust is not Trust.NAMED and source.writer is not None:
        raise UsageError(f"{source.path}: not used, because {source.writer}; {source.how_to_allow}")
    sections = table.pop("host", {})
    options = [o for o in ctx.command.params if isinstance(o, FetchOption) and o is not param]
    values = converted(table, options, f"{source.path}: ", ctx, refusal=_refusal(source))
    hosts = _sections(sections, source, ctx)
    return ConfigFile(
        source.path,
        values.values,
        _overrides(source.path, hosts),
        values.masked,
        {pattern: section.masked for pattern, section in hosts.items()},
    )


def _refusal(source: Source) -> str | None:
    """Return the message for an option that a file may not set; None if it may set all of them."""
    if source.trust is not Trust.FOUND:
        return None
    return f"not accepted from a file that you did not name, as it {{reason}}; {source.how_to_allow}"


def _named(name: str) -> tuple[Source, dict[str, Any]]:
    source = named(name)
    table = _parsed(source)
    if name.rpartition("/")[2] != PROJECT:
        return source, table
    section = _section(name, table)
    if section is None:
        raise UsageError(f"{name}: the file has no section [tool.scrapepool]")
    return source, section


def _found() -> tuple[Source, dict[str, Any]] | None:
    """Read the first configuration file among the usual places."""
    source = found(NAME)
    if source is not None:
        return source, _parsed(source)
    source = found(PROJECT)
    if source is not None and _may_have_section(source.content):  # other projects' files are ignored, even broken ones
        table = _section(PROJECT, _parsed(source))
        if table is not None:
            return source, table
    source = users_own()
    return None if source is None else (source, _parsed(source))


def _may_have_section(content: bytes) -> bool:
    """Return whether a pyproject.toml may have the section [tool.scrapepool]; most that name it only depend on it.

    To parse the file would take some milliseconds of each run in that project.
    """
    return b"scrapepool" in content and re.search(_TOOL, content, re.MULTILINE) is not None


def _parsed(source: Source) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no file

    path = source.path
    if len(source.content) > MAX_CONFIG:
        raise UsageError(f"{path}: larger than {MAX_CONFIG // 1024} KiB, too large for a configuration")
    if source.trust is Trust.FOUND and any(line.count(b".") > MAX_DOTS for line in source.content.splitlines()):
        raise UsageError(f"{path}: a line has more than {MAX_DOTS} dots; {source.how_to_allow}")
    try:
        return tomllib.loads(source.content.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError:
        raise UsageError(f"{path}: not valid TOML: a number has too many digits") from None


def _section(path: str, table: dict[str, Any]) -> dict[str, Any] | None:
    tool = table.get("tool")
    section = tool.get("scrapepool") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise UsageError(f"{path}: tool.scrapepool: expected a table")
    return section


def _sections(sections: Any, source: Source, ctx: click.Context) -> dict[str, Values]:
    path = source.path
    if not isinstance(sections, dict):
        raise UsageError(f'{path}: host: expected sections, such as [host."example.org"]')
    found: dict[str, Values] = {}
    for pattern, section in sections.items():
        where = f'{path}: host."{pattern}"'
        if not isinstance(section, dict):
            raise UsageError(f'{where}: expected a section, such as [host."example.org"]')
        for key, value in section.items():
            if isinstance(value, dict) and key not in {"headers", "header"}:
                raise UsageError(f'{path}: host.{pattern}.{key}: write the host in quotes: [host."{pattern}.{key}"]')
        found[pattern] = converted(section, HOST_OPTIONS, f"{where}.", ctx, refusal=_refusal(source))
    return found


def _overrides(path: str, sections: Mapping[str, Values]) -> HostOverrides:
    overrides: list[tuple[str, HostOverride]] = []
    for pattern, section in sections.items():
        try:
            overrides.append((pattern, HostOverride(**section.values)))
        except UsageError as error:
            raise UsageError(f'{path}: host."{pattern}": {error}') from None
    try:
        return HostOverrides(tuple(overrides))
    except UsageError as error:
        raise UsageError(f"{path}: host: {error}") from None
