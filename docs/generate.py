"""Write docs/options.md out of the program: ``python docs/generate.py``. A test checks that it was run."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import click

from scrapepool.cli.parameters.grouped_options import FetchOption, GroupedCommand
from scrapepool.cli.program import cli

PAGE = Path(__file__).with_name("options.md")


def page() -> str:
    """The page, whole."""
    lines = ["# Options", "", "Made by `python docs/generate.py`; do not edit.", ""]
    context = click.Context(cli, info_name="scrapepool", **cli.context_settings)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if not isinstance(command, GroupedCommand):
            raise TypeError(f"{name} has no option groups")
        lines += [f"## `scrapepool {name}`", "", command.get_short_help_str(200), ""]
        own = [param for param in command.params if not isinstance(param, FetchOption)]
        if name != "fetch" and len(own) < len(command.params):
            command = copy(command)
            command.params = own
            lines += ["All options of `fetch`, and:", ""]
        for group, records in command.sections(click.Context(command, info_name=name, parent=context)).items():
            lines += [f"### {group}", "", "| option | what it does |", "| --- | --- |"]
            lines += [f"| `{_cell(option)}` | {_cell(text)} |" for option, text in records]
            lines.append("")
    return "\n".join([*lines, "---", "[All pages](README.md) · [Configuration](config.md) · [Records](records.md)", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("  [", " [")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
