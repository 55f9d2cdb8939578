"""The manual pages, from the program's help. ``docs/generate.py`` writes them; the wheel installs them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import click

from scrapepool.cli.parameters.grouped_options import FetchOption, GroupedCommand
from scrapepool.cli.program import PROGRAM, cli

FOLDER = Path(__file__).parent / "man"


def man_pages() -> dict[Path, str]:
    """A page for the program, and one for each command."""
    context = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    pages = {FOLDER / f"{PROGRAM}.1": "\n".join([*_program(commands), ""])}
    for name, command in commands.items():
        if not isinstance(command, GroupedCommand):
            raise TypeError(f"{name} has no option groups")
        inner = click.Context(command, info_name=name, parent=context)
        pages[FOLDER / f"{PROGRAM}-{name}.1"] = "\n".join([*_command(name, command, inner), ""])
    return pages


def _program(commands: dict[str, click.Command | None]) -> Iterator[str]:
    yield from _head(PROGRAM, cli.get_short_help_str(200))
    yield from (".SH SYNOPSIS", f".B {PROGRAM}", r".I COMMAND", "[ARGUMENTS]...")
    yield from (".SH DESCRIPTION", *_text(cli.help or ""), ".SH COMMANDS")
    for name, command in commands.items():
        yield from (
            ".TP",
            f".BR {_roff(f'{PROGRAM}-{name}')} (1)",
            _roff(command.get_short_help_str(200) if command else ""),
        )
    yield from (".SH NOTES", *_text(cli.epilog or ""))


def _command(name: str, command: GroupedCommand, context: click.Context) -> Iterator[str]:
    yield from _head(f"{PROGRAM}-{name}", command.get_short_help_str(200))
    usage = _roff(" ".join(command.collect_usage_pieces(context)))
    yield from (".SH SYNOPSIS", f".B {PROGRAM} {name}", usage)
    yield from (".SH DESCRIPTION", *_text(command.help or ""), ".SH OPTIONS")
    own = [param for param in command.params if not isinstance(param, FetchOption)]
    if name != "fetch" and len(own) < len(command.params):
        yield from ("All options of", f".BR {PROGRAM}\\-fetch (1),", "and:")
        command = copy(command)
        command.params = own
    for group, records in command.sections(context).items():
        yield f".SS {_roff(group)}"
        for option, text in records:
            yield from (".TP", f".B {_roff(option)}", _roff(text))
    yield ".SH ENVIRONMENT"
    prefix = f"SCRAPEPOOL_{name.upper()}_"
    yield _roff(f"Each option can be set as {prefix} and its long name in upper case, with _ in place of -.")
    if command.epilog:
        yield from (".SH NOTES", *_text(command.epilog))
    yield from (".SH SEE ALSO", f".BR {PROGRAM} (1)")


def _head(name: str, short: str) -> Iterator[str]:
    yield r"'\" t"
    yield r".\" Made by docs/generate.py out of the program's help; do not edit."
    yield f'.TH {_roff(name.upper())} 1 "" "{PROGRAM}" "User Commands"'
    yield from (".SH NAME", f"{_roff(name)} \\- {_roff(short.rstrip('.'))}")


def _text(text: str) -> Iterator[str]:
    """Paragraphs; one that begins with Click's mark keeps its lines."""
    for paragraph in text.strip().split("\n\n"):
        lines = [line for line in paragraph.split("\n") if line.strip() != "\b"]
        kept = "\b" in paragraph
        yield ".PP"
        if kept:
            yield ".nf"
        yield from map(_roff, lines if kept else (line.strip() for line in lines))
        if kept:
            yield ".fi"


def _roff(text: str) -> str:
    """Text with what roff would take for markup escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
