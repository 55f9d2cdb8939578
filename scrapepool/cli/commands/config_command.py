"""``scrapepool config``: every option of ``fetch`` with its value, and where the value comes from.

Decides how the merged result is written: as a configuration file with comments, or as JSON. Secrets are masked; the
mask itself is refused as a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from math import inf
from typing import Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from ...header import is_harmless
from ...overrides import HostOverride
from ..config.config_file import ConfigFile
from ..config.config_values import HIDDEN
from ..config.opening_notes import unknown_variables
from ..exits import Exit
from ..options import fetch_options, settings_from
from ..options.ineffective_options import without_ineffective
from ..parameters.completions import files
from ..parameters.grouped_options import FetchOption, GroupedCommand, GroupedOption
from ..parameters.quantity_types import UNLIMITED, Share
from ..parameters.text_types import Header
from ..standard_streams import echo, warn

_COLUMN = 40  # where comments begin


@click.command(cls=GroupedCommand)
@click.argument("sources", nargs=-1, shell_complete=files, metavar="[LIST_OR_URL]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.", cls=GroupedOption, group="Output of this command")
@fetch_options
@click.pass_context
def config(ctx: click.Context, /, sources: tuple[str, ...], as_json: bool, **values: Any) -> int:  # noqa: ARG001 - see below
    """Print the value of each option and where it comes from.

    Takes the arguments of fetch: write config in place of fetch. Lists are not read. The output is itself a
    configuration file; passwords and secret header fields are masked.
    """
    settings_from(without_ineffective(ctx, values))  # raises for options that contradict each other
    for note in unknown_variables(ctx):
        warn(note)
    file: ConfigFile = values["config"]
    shown = _merged(ctx, file)
    if as_json:
        options = {option.key: {"value": value, "source": source} for option, value, source in shown}
        hosts = {pattern: _section(override, file.masks(pattern)) for pattern, override in file.hosts.sections}
        echo(json.dumps({"file": file.path, "options": options, "hosts": hosts}, indent=2))
    else:
        echo("\n".join(_toml(file, shown)))
    return Exit.OK


def _merged(ctx: click.Context, file: ConfigFile) -> list[tuple[FetchOption, Any, str]]:
    """List every option, its value as a file would have it, and where the value comes from."""
    return [
        (option, _shown(option, ctx, file), _source(ctx, option, file))
        for option in ctx.command.params
        if isinstance(option, FetchOption) and option.name not in (None, "config")
    ]


def _source(ctx: click.Context, option: FetchOption, file: ConfigFile) -> str:
    match ctx.get_parameter_source(option.name or ""):
        case ParameterSource.COMMANDLINE:
            return "command line"
        case ParameterSource.ENVIRONMENT:
            return str(option.envvar)
        case ParameterSource.DEFAULT_MAP:
            return f"file:{file.path}"
        case _:
            return "default"


def _shown(option: FetchOption, ctx: click.Context, file: ConfigFile) -> Any:
    name = option.name or ""
    if name in file.masked and ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
        return _masked(file.masked[name], fields=isinstance(option.type, Header))
    return _written(option, ctx.params[name])


def _masked(value: Any, *, fields: bool) -> Any:
    """Return a value that names environment variables as the file has it. fields: whether it holds header fields."""
    texts = [f"{name}: {content}" for name, content in value.items()] if isinstance(value, dict) else value
    if not fields:
        return [_without_password(str(text)) for text in texts] if isinstance(texts, list) else _without_password(texts)
    split = [text.partition(":") for text in (texts if isinstance(texts, list) else [texts])]
    return [_field(name.strip(), content.strip()) for name, _, content in split]


def _written(option: click.Option, value: Any) -> Any:
    if value is None or value == ():
        return None
    if isinstance(option.type, Header):
        return [_field(*field) for field in value]
    if isinstance(option.type, Share) and 1 < value < inf:
        return f"{100 * value:g}%"
    if isinstance(value, str) and "://" in value:
        return _without_password(value)
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return [_without_password(one) for one in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value in types that JSON and TOML have."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value == inf:
        return UNLIMITED
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, frozenset | set | tuple | list):
        ordered = sorted(value) if isinstance(value, frozenset | set) else value
        return [_plain(one) for one in ordered]
    return str(value)


def _field(name: str, content: str) -> str:
    return f"{name}: {content if is_harmless(name) else HIDDEN}"


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        user, place = parts.username or "", parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{user}:{HIDDEN}@{place}").geturl()
    except ValueError:
        return url


def _section(override: HostOverride, masked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a host section sets, by key. masked: its values that hold secrets, as the file has them."""
    shown: dict[str, Any] = {}
    for field in fields(override):
        value = getattr(override, field.name)
        if value is None or value == ():
            continue
        if field.name in masked:
            value = _masked(masked[field.name], fields=field.name == "headers")
        elif field.name == "headers":
            value = [_field(*one) for one in value]
        if field.name == "credentials":
            value = f"{value.partition(':')[0]}:{HIDDEN}"
        shown[field.name.replace("_", "-")] = _plain(value)
    return shown


def _toml(file: ConfigFile, shown: list[tuple[FetchOption, Any, str]]) -> Iterator[str]:
    yield f"# {'no configuration file' if file.path is None else f'with {_quoted(file.path)}'}"
    group = None
    for option, value, source in shown:
        if option.group != group:
            group = option.group
            yield from ("", f"# {group}")
        line = f"# {option.key} is not set" if value is None else f"{option.key} = {_toml_value(value)}"
        yield line if value is None else f"{line:<{_COLUMN}}  # {source}"
    for pattern, override in file.hosts.sections:
        yield from ("", f"[host.{_quoted(pattern)}]")
        for key, value in _section(override, file.masks(pattern)).items():
            yield f"{key} = {_toml_value(value)}"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """Return text in quotes, as in JSON and TOML, with control characters escaped."""
    return json.dumps(text, ensure_ascii=not text.isprintable())
