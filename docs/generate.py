"""Write what follows from the program: ``python docs/generate.py``. A test checks that it was run.

docs/options.md: the options. scrapepool/setting_values.py: the types of what ``Settings.with_`` takes.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import fields
from pathlib import Path

import click

from scrapepool.cli.parameters.grouped_options import FetchOption, GroupedCommand
from scrapepool.cli.program import cli
from scrapepool.settings import Settings

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "scrapepool"

HEAD = """# Options

What does each option do? This page is made by `python docs/generate.py` out of the program's help; do not edit it.
Every option of `fetch` has an anchor by its name (`options.md#workers`). It can be set in the
[configuration](config.md), and as `SCRAPEPOOL_FETCH_` and its name in the environment.
"""

MORE = {
    "Input": "[Lists](lists.md), [List formats](list-formats.md)",
    "Request": "[Cookies](cookies.md), [Security](security.md), [Untrusted lists](untrusted-lists.md)",
    "Concurrency and politeness": "[Politeness](politeness.md), [robots.txt](robots.md), [Host memory](host-memory.md)",
    "Timeouts and retries": "[Politeness](politeness.md), [Troubleshooting](troubleshooting.md)",
    "Limits": "[Politeness](politeness.md#what-a-run-may-spend)",
    "Output": "[Outputs](outputs.md), [Resume](resume.md), [Records](records.md)",
    "Fields from pages": "[Fields](fields.md)",
    "Web archive": "[Web archives](warc.md)",
    "Bodies as files": "[Pages](pages.md)",
    "Repeated runs": "[Again](again.md#what-has-changed-since)",
    "Result": "[Again](again.md#when-has-a-run-failed)",
    "Cron": "[Nightly](nightly.md)",
    "Display": "[Troubleshooting](troubleshooting.md), [Records](records.md#streams)",
    "Configuration": "[Configuration](config.md)",
}
"""The pages on each group of options of ``fetch``."""


def generated() -> dict[Path, str]:
    """The files, whole."""
    return {DOCS / "options.md": options(), PACKAGE / "setting_values.py": setting_values()}


def options() -> str:
    """All commands with their options."""
    lines = [HEAD]
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
            lines += [f"### {group}", ""]
            if name == "fetch" and group in MORE:
                lines += [f"See {MORE[group]}.", ""]
            lines += ["| option | what it does |", "| --- | --- |"]
            lines += [f"| {_anchor(option, name)}`{_cell(option)}` | {_cell(text)} |" for option, text in records]
            lines.append("")
    return "\n".join([*lines, "---", "[All pages](README.md) · [Configuration](config.md) · [Records](records.md)", ""])


def _anchor(option: str, command: str) -> str:
    names = re.findall(r"(?<!\S)--([\w-]+)", option)
    return f'<a id="{names[0]}"></a>' if command == "fetch" and names else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("  [", " [")


def setting_values() -> str:
    """A TypedDict for each group of settings."""
    types = []
    for group in fields(Settings):
        kind = type(getattr(Settings(), group.name))
        types.append((kind.__name__, {one.name: str(one.type).replace("'", '"') for one in fields(kind) if one.init}))
    types.append(("Settings", {group.name: f"{group.type}Values" for group in fields(Settings)}))
    text = VALUES
    for name, values in types:
        text += f'\n\nclass {name}Values(TypedDict, total=False):\n    """See ``{name}``."""\n\n'
        text += "".join(f"    {value}: {kind}\n" for value, kind in values.items())
    return text


VALUES = '''"""What ``Settings.with_`` takes, for type checkers. Made by ``python docs/generate.py``; do not edit."""

from typing import Literal, TypedDict

from .fetch_settings import InputFormat
from .output_settings import Packing, RecordFormat
from .overrides import HostOverride
'''

if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
