"""Write docs/options.md out of the program: ``python docs/generate.py``. A test checks that it was run."""

from __future__ import annotations

from pathlib import Path

import click

from scrapepool.cli import cli
from scrapepool.cli.grouped import GroupedOption

PAGE = Path(__file__).with_name("options.md")


def page() -> str:
    """The page, whole."""
    lines = ["# Options", "", "Made by `python docs/generate.py`; do not edit.", ""]
    context = click.Context(cli, info_name="scrapepool")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        lines += [f"## `scrapepool {name}`", "", (command.get_short_help_str(200)), ""]
        sections: dict[str, list[str]] = {}
        inner = click.Context(command, info_name=name, parent=context)
        for param in command.get_params(inner):
            record = param.get_help_record(inner)
            if record is not None:
                subject = param.subject if isinstance(param, GroupedOption) else "Other"
                text = record[1].replace("|", "\\|").replace("  [", " [")
                sections.setdefault(subject, []).append(f"| `{record[0].replace('|', chr(92) + '|')}` | {text} |")
        for subject, rows in sections.items():
            lines += [f"### {subject}", "", "| option | what it does |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
