"""Write what follows from the program: ``python docs/generate.py``. A test checks that it was run.

docs/options.md: the options. docs/man: the manual pages.
docs/library.md: its reference, out of signatures and docstrings.
scrapepool/settings/setting_values.py: the types of what ``Settings.with_`` takes.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import Any, ForwardRef, get_args

import click

import scrapepool
from scrapepool import Settings, settings
from scrapepool.cli.options.setting_names import NONE, option_of
from scrapepool.cli.parameters.grouped_options import FetchOption, GroupedCommand
from scrapepool.cli.program import cli
from scrapepool.run.library import CARRIED_OUT

sys.path.append(str(Path(__file__).parent))
from man_pages import man_pages

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "scrapepool"
BEGIN = "<!-- From here on made by `python docs/generate.py`; do not edit. -->\n"
END = "---\n[All pages]"

_ENTRY = re.compile(r"^(\w+): (.*(?:\n    .*)*)", re.MULTILINE)
ERRORS = [name for name in scrapepool.__all__ if name.endswith("Error")]

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
    return {
        DOCS / "options.md": options(),
        DOCS / "library.md": library(),
        PACKAGE / "settings/setting_values.py": setting_values(),
        **man_pages(),
    }


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
        if name != "fetch" and "--retries" in {option for param in command.params for option in param.opts}:
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

from ..host_share import HostShare
from ..overrides import HostOverride
from .fetch_settings import InputFormat
from .output_settings import Packing, RecordFormat
'''


def library() -> str:
    """The page: what is written by hand, the reference, and the links at its end."""
    page = (DOCS / "library.md").read_text(encoding="utf-8")
    return page[: page.index(BEGIN)] + BEGIN + "\n" + "\n".join(_reference()) + "\n" + page[page.index(END) :]


def _reference() -> Iterator[str]:
    for name in ("fetch", "afetch", "Request", "PooledSession"):
        yield from _called(name)
    yield from (
        f"`pool_stats()` of a session gives a `PoolStats` for each `host:port`. {_intro(scrapepool.PoolStats)}",
        "",
    )
    yield from _attributes(scrapepool.PoolStats)
    yield from ("## Settings", "", _intro(Settings), "")
    for group in fields(Settings):
        yield from _group(group.name, type(getattr(Settings(), group.name)))
    yield from ("`HostOverride`:", "", *_attributes(scrapepool.HostOverride))
    yield from ("`HostShare`, of `input.shard`:", "", *_attributes(scrapepool.HostShare))
    base = inspect.getmro(scrapepool.Failed)[1]
    yield from ("## Outcomes", "", "Every outcome has:", "", *_attributes(base))
    yield from ("`text` (str or None), `json()` and `context` come with it:", "")
    for name in ("text", "json", "context"):
        yield f"- `{name}`: {_flat(inspect.getdoc(getattr(base, name)) or '')}"
    yield ""
    for kind in get_args(scrapepool.Outcome):
        yield from (f"### `{kind.__name__}`", "", _intro(kind), "", *_attributes(kind, base))
    for kind in (scrapepool.Target, scrapepool.HostKey, scrapepool.Timings, scrapepool.Redirect):
        yield from (f"### `{kind.__name__}`", "", _intro(kind), "", *_attributes(kind))
    yield from ("## Errors", "", "| exception | when |", "| --- | --- |")
    yield from (f"| `{name}` | {_intro(getattr(scrapepool, name))} |" for name in ERRORS)
    kinds = ", ".join(f"`{kind.name}`" for kind in scrapepool.ErrorKind)
    words = "what each means is in [Records](records.md)"
    yield from ("", f"`ErrorKind`: {_intro(scrapepool.ErrorKind)} {kinds}; {words}.", "")


def _called(name: str) -> Iterator[str]:
    """A function or a class, with its parameters."""
    value = getattr(scrapepool, name)
    signature = inspect.signature(value)
    doc = inspect.getdoc(value) or ""
    said = {one: _flat(text) for one, text in _ENTRY.findall(doc)}
    public = [one for one in signature.parameters.values() if not said[one.name].startswith("internal")]
    lines, returned = [f"{name}("], signature.return_annotation
    for one in public:
        if one.kind is one.KEYWORD_ONLY and "    *," not in lines:
            lines.append("    *,")
        lines.append(f"    {str(one).replace(chr(39), '')},")
    lines.append(f") -> {returned}" if name in ("fetch", "afetch") else ")")
    shown = "\n".join(lines)
    yield from (f"## `{name}`", "", "```python", shown, "```", "")
    before, after = doc[: doc.index("\n\n")], doc[doc.rindex("\n\n") :]
    yield from (_flat(before), "", "| parameter | type | default | meaning |", "| --- | --- | --- | --- |")
    for one in public:
        default = "" if one.default is one.empty else f"`{one.default!r}`"
        yield f"| `{one.name}` | {_type(one.annotation)} | {default} | {said[one.name]} |"
    yield from ("", _flat(after.strip()), "")


def _group(name: str, kind: Any) -> Iterator[str]:
    yield from (f"### `{name}`: `{kind.__name__}`", "", _intro(kind), "")
    said = _said(kind)
    yield from ("| setting | type | default | option | meaning |", "| --- | --- | --- | --- | --- |")
    for one in fields(kind):
        if one.init:
            setting = f"{name}.{one.name}"
            option = "" if name == "host_overrides" or setting in NONE else f"`{option_of(setting)}`"
            default = f"`{_value(getattr(kind(), one.name))}`"
            refused = name in CARRIED_OUT and one.name not in CARRIED_OUT[name]
            meaning = f"{said[one.name]}{' Only the command.' if refused else ''}"
            yield f"| `{one.name}` | {_type(one.type)} | {default} | {option} | {meaning} |"
    yield ""


def _attributes(kind: Any, but_of: Any = None) -> Iterator[str]:
    """The attributes of a class, as far as they are public and not those of another one."""
    said = _said(kind)
    types = {name: of for one in reversed(kind.__mro__) for name, of in inspect.get_annotations(one).items()}
    names = [name for name in said if name in types and (but_of is None or name not in inspect.get_annotations(but_of))]
    if names := [name for name in names if not said[name].startswith("internal")]:
        yield from ("| attribute | type | meaning |", "| --- | --- | --- |")
        yield from (f"| `{name}` | {_type(types[name])} | {said[name]} |" for name in names)
        yield ""


def _said(kind: Any) -> dict[str, str]:
    return {name: _flat(text) for name, text in _ENTRY.findall(inspect.getdoc(kind) or "")}


def _intro(kind: Any) -> str:
    """What a docstring says before its entries."""
    doc = inspect.getdoc(kind) or ""
    entry = _ENTRY.search(doc)
    return _flat(doc[: None if entry is None else entry.start()])


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()


def _type(annotation: object) -> str:
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    for name in ("InputFormat", "RecordFormat", "Packing"):
        annotation = re.sub(rf"\b{name}\b", str(getattr(settings, name)).removeprefix("typing."), str(annotation))
    return f"`{str(annotation).strip(chr(39)).replace('builtins.', '')}`".replace("|", "\\|")


def _value(value: object) -> str:
    if isinstance(value, frozenset):
        return f"{{{', '.join(map(str, sorted(value)))}}}"
    return f"{value:_}" if type(value) is int else repr(value)


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
