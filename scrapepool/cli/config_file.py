"""The configuration file: which one is read, and what is taken from it.

Decides where a file is looked for and that the first one found is the only one. What it sets ranks below the command
line and the environment: it becomes Click's ``default_map``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..overrides import HostOverride, HostOverrides
from ..window import Window
from .config_values import converted
from .grouped import FetchOption
from .types import Duration, Header, Whole

NAME = "scrapepool.toml"
PROJECT = "pyproject.toml"

HOST_OPTIONS = [
    click.Option(["--delay"], type=Duration()),
    click.Option(["--per-host"], type=Whole(1)),
    click.Option(["--robots/--no-robots"]),
    click.Option(["--headers", "--header", "headers"], type=Header(), multiple=True),
    click.Option(["--credentials"]),
    click.Option(["--window"], type=click.types.FuncParamType(Window.parse)),
]
"""What a ``[host."…"]`` section may hold, by the names of ``HostOverride``'s fields."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What was read.

    path: as it is shown; None where there was no file. options: values by the names of Click's parameters.
    """

    path: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    hosts: HostOverrides = field(default_factory=HostOverrides)


def read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> ConfigFile:
    """Read the file that ``--config`` names, or the one that is found; Click's callback of an eager option.

    Raises UsageError, in one line that names file and key, for what cannot be read, is no TOML or cannot be meant.
    """
    if ctx.resilient_parsing:
        return ConfigFile()
    found = _named(value) if value is not None else _found()
    if found is None:
        return ConfigFile()
    path, table = found
    sections = table.pop("host", {})
    options = [o for o in ctx.command.params if isinstance(o, FetchOption) and o is not param]
    config = ConfigFile(path, converted(table, options, f"{path}: ", ctx), _hosts(sections, path, ctx))
    ctx.default_map = {**(ctx.default_map or {}), **config.options}
    return config


def _named(name: str) -> tuple[str, dict[str, Any]]:
    text = _read(Path(name))
    if text is None:
        raise UsageError(f"{name}: there is no such file")
    table = _parsed(name, text)
    if Path(name).name != PROJECT:
        return name, table
    section = _section(name, table)
    if section is None:
        raise UsageError(f"{name}: it has no section [tool.scrapepool]")
    return name, section


def _found() -> tuple[str, dict[str, Any]] | None:
    """The first file of the usual ones."""
    text = _read(Path(NAME))
    if text is not None:
        return NAME, _parsed(NAME, text)
    text = _read(Path(PROJECT))
    if text is not None and b"scrapepool" in text:  # a broken pyproject.toml that is none of our business is let be
        table = _section(PROJECT, _parsed(PROJECT, text))
        if table is not None:
            return PROJECT, table
    users = _of_user()
    text = _read(users, but=PermissionError)  # HOME may be another user's, as with sudo
    return None if text is None else (str(users), _parsed(str(users), text))


def _of_user() -> Path:
    """The user's own file (XDG Base Directory Specification, which has relative paths ignored)."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not Path(folder).is_absolute():
        folder = os.path.expanduser("~/.config")  # noqa: PTH111 - Path.expanduser raises where there is no home
    return Path(folder, "scrapepool", "config.toml")


def _read(path: Path, *, but: type[OSError] = FileNotFoundError) -> bytes | None:
    """A file's bytes; None where there is none, or where it raises ``but``."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, but):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _parsed(path: str, text: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no file

    try:
        return tomllib.loads(text.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8, as TOML must be, at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no TOML: {error}") from None


def _section(path: str, table: dict[str, Any]) -> dict[str, Any] | None:
    tool = table.get("tool")
    section = tool.get("scrapepool") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise UsageError(f"{path}: tool.scrapepool: expected a table")
    return section


def _hosts(sections: Any, path: str, ctx: click.Context) -> HostOverrides:
    if not isinstance(sections, dict):
        raise UsageError(f'{path}: host: expected sections, such as [host."example.org"]')
    overrides: list[tuple[str, HostOverride]] = []
    for pattern, section in sections.items():
        where = f'{path}: host."{pattern}"'
        if not isinstance(section, dict):
            raise UsageError(f'{where}: expected a section, such as [host."example.org"]')
        for key, value in section.items():
            if isinstance(value, dict) and key not in {"headers", "header"}:
                raise UsageError(f'{path}: host.{pattern}.{key}: write the host in quotes: [host."{pattern}.{key}"]')
        values = converted(section, HOST_OPTIONS, f"{where}.", ctx)
        try:
            overrides.append((pattern, HostOverride(**values)))
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    try:
        return HostOverrides(tuple(overrides))
    except UsageError as error:
        raise UsageError(f"{path}: host: {error}") from None
