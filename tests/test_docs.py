"""The pages say what the program does."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from scrapepool.cli.exits import Exit
from scrapepool.cli.program import cli
from scrapepool.model import ErrorKind
from scrapepool.record_fields import FIELDS
from scrapepool.render.summary import summary_dict
from tests.servers.polite import PoliteServer

ROOT = Path(__file__).parents[1]
INTERFACE = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
LIBRARY = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
README = ROOT / "README.md"
COMMAND = re.compile(r"(?:^|[\s|;&/])scrapepool (?!=)([^|;&#]*)")


def generated() -> dict[Path, str]:
    """What docs/generate.py would write."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[Path, str] = module.generated()
    return made


def test_what_is_generated_is_up_to_date() -> None:
    """``python docs/generate.py`` was run after the last change of an option or a setting."""
    assert {path: path.read_text(encoding="utf-8") for path in generated()} == generated()


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_manual_pages_are_read_without_a_warning() -> None:
    """Each command has one; the text of an option stands below its name."""
    pages = sorted((ROOT / "docs" / "man").glob("*.1"))
    assert pages == sorted(page for page in generated() if page.suffix == ".1")
    ran = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", *map(str, pages)], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    assert re.search(r"--url-field NAME\n +Take", ran.stdout)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_documented(field: str) -> None:
    """In the first column of a table."""
    assert re.search(rf"^\|[^|]*`{field}`[^|]*\|", INTERFACE, re.MULTILINE)


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_error_is_documented(kind: ErrorKind) -> None:
    """Those of the future as reserved."""
    assert f"`{kind}`" in INTERFACE


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_documented(code: Exit) -> None:
    """In the table of exit codes."""
    table = INTERFACE.split("## Exit codes")[1].split("\n## ")[0]
    assert re.search(rf"^\|[^|]*\b{int(code)}\b[^|]*\|", table, re.MULTILINE)


def shell_lines(page: str) -> list[str]:
    """The lines of a page's blocks of shell commands."""
    lines, language = [], None
    for line in page.splitlines():
        if line.startswith("```"):
            language = line.removeprefix("```") if language is None else None
        elif language in ("sh", "console", "bash", "crontab"):
            lines.append(line)
    return lines


@pytest.mark.skipif(not README.exists(), reason="a checkout without its README")
def test_the_readme_s_commands_exist() -> None:
    """Every ``scrapepool …`` line of it names a command and options that there are."""
    used = [match[1] for line in shell_lines(README.read_text()) for match in COMMAND.finditer(line)]
    assert used
    context = click.Context(cli, **cli.context_settings)
    for line in used:
        words = shlex.split(line.split(">")[0])
        command = cli.get_command(context, words[0])
        if words[0].startswith("-"):
            continue
        assert command is not None, line
        known = {name for param in command.get_params(context) for name in (*param.opts, *param.secondary_opts)}
        options = {word.split("=")[0] for word in words[1:] if word.startswith("-") and word != "-"}
        assert options <= known, line


def test_the_readme_s_first_commands_do_their_own_setup() -> None:
    """The gate reads them out of it."""
    if not README.exists():
        pytest.skip("a checkout without its README")
    commands = re.findall(r"^python3 -m venv \.venv && (.*)$", README.read_text(), re.MULTILINE)
    assert commands == [
        ".venv/bin/pip install . && .venv/bin/scrapepool demo",
        ".venv/bin/pip install '.[dev]' && .venv/bin/python -m pytest",
    ]


def test_the_summary_s_keys_are_described() -> None:
    """In the function that makes it, each by name."""
    from test_engine import Listed, Run, World, target

    run = Run(Listed([target("h.test", "a")]), World())
    run.outcomes()
    description = summary_dict.__doc__ or ""
    for key in summary_dict(run.engine.snapshot(last=True)):
        assert re.search(rf"\b{key}\b", description), key


EXAMPLES = re.findall(r"^```python\n(.*?)^```", LIBRARY.partition("<!-- From here on")[0], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_library_s_examples_run(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against a server on loopback, as they stand but for its name."""
    monkeypatch.chdir(tmp_path)
    with PoliteServer() as server:
        origin = server.url("")
        Path("urls.txt").write_text(f"{origin}/a\n{origin}/status/404\n")
        names: dict[str, object] = {}
        exec(compile(example.replace("https://example.org", origin), "example", "exec"), names)
    shown = capsys.readouterr().out
    assert ("print(" in example) is bool(shown)
    assert "rows" not in names or [row[1] for row in names["rows"]] == ["ok"] * 10  # type: ignore[attr-defined]
