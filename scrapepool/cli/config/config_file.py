"""The configuration file: what is taken from it, and what is not.

Decides which options a file may set that nobody named. What it sets ranks below the command line and the environment:
it becomes Click's ``default_map``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ...errors import UsageError
from ...frozen import frozen
from ...overrides import HostOverride, HostOverrides
from ...text import printable
from ..parameters.grouped_options import FetchOption
from ..parameters.option_types import Duration, Header, Whole
from .config_source import MOST, MOST_DOTS, NAME, PROJECT, Source, Trust, found, named, users_own
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
"""What a ``[host."…"]`` section may hold, by the names of ``HostOverride``'s fields."""

LONGEST = 1000
"""Characters of a message: a key of a hostile file may be as long as the file."""


@frozen
class ConfigFile:
    """What was read.

    path: as it is shown; None where there was no file. options: values by the names of Click's parameters.
    masked: those that name variables of the environment, as they are shown; host_masks: the same, by a host's pattern.
    """

    path: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hosts: HostOverrides = field(default_factory=HostOverrides)
    masked: Mapping[str, Any] = field(default_factory=dict)
    host_masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def masks(self, pattern: str) -> Mapping[str, Any]:
        """What of a host's section is shown as it stands in the file."""
        return self.host_masks.get(pattern, {})

    @property
    def note(self) -> str | None:
        """Which file was read, as a sentence; None for no file, and for the one that is none."""
        return None if self.path in (None, "/dev/null") else f"options are read from {self.path}"

    def tell(self, ctx: click.Context) -> None:
        """Say on standard error which file was read, unless it is the user who wants it to be quiet."""
        typed = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
        if self.note is not None and not (ctx.params["quiet"] and ctx.get_parameter_source("quiet") in typed):
            click.echo(printable(self.note), err=True)


def read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> ConfigFile:
    """Read the file that ``--config`` names, or the one that is found; Click's callback of an eager option.

    Raises UsageError, in one line that names file and key, for what cannot be read, is no TOML, cannot be meant, or is
    not taken from that file.
    """
    if ctx.resilient_parsing:
        return ConfigFile()
    try:
        config = _config(ctx, param, value)
    except UsageError as error:
        message = printable(str(error))
        raise UsageError(message if len(message) <= LONGEST else f"{message[:LONGEST]}…") from None
    ctx.default_map = {**(ctx.default_map or {}), **config.options}
    return config


def _config(ctx: click.Context, param: click.Parameter, value: str | None) -> ConfigFile:
    chosen = _named(value) if value is not None else _found()
    if chosen is None:
        return ConfigFile()
    source, table = chosen
    if source.trust is not Trust.NAMED and source.writer is not None:
        raise UsageError(f"{source.path}: not obeyed, because {source.writer}; {source.how_to_allow}")
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
    """What is said of an option that a file may not set; None where it may set all of them."""
    if source.trust is not Trust.FOUND:
        return None
    return f"not taken from a file that was only found in the current folder, as it {{reason}}; {source.how_to_allow}"


def _named(name: str) -> tuple[Source, dict[str, Any]]:
    source = named(name)
    table = _parsed(source)
    if name.rpartition("/")[2] != PROJECT:
        return source, table
    section = _section(name, table)
    if section is None:
        raise UsageError(f"{name}: it has no section [tool.scrapepool]")
    return source, section


def _found() -> tuple[Source, dict[str, Any]] | None:
    """The first file of the usual ones."""
    source = found(NAME)
    if source is not None:
        return source, _parsed(source)
    source = found(PROJECT)
    if source is not None and b"scrapepool" in source.content:  # a broken file that is none of our business is let be
        table = _section(PROJECT, _parsed(source))
        if table is not None:
            return source, table
    source = users_own()
    return None if source is None else (source, _parsed(source))


def _parsed(source: Source) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no file

    path = source.path
    if len(source.content) > MOST:
        raise UsageError(f"{path}: larger than {MOST // 1024} KiB, which no configuration is")
    if source.trust is Trust.FOUND and any(line.count(b".") > MOST_DOTS for line in source.content.splitlines()):
        raise UsageError(f"{path}: a line has more than {MOST_DOTS} dots; {source.how_to_allow}")
    try:
        return tomllib.loads(source.content.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8, as TOML must be, at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: no TOML that can be read: too many brackets within brackets") from None
    except ValueError:
        raise UsageError(f"{path}: no TOML that can be read: a number of too many digits") from None


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
