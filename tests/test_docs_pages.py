"""The pages hang together: links lead somewhere, commands parse, options exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scrapepool.cli.program import cli

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "README.md"
DESIGN = ROOT / "docs" / "design.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
OUTER = [
    ROOT / name for name in ("README.md", "CHANGELOG.md", "benchmarks/README.md", "CONTRIBUTING.md", "SECURITY.md")
]
OUTER = [path for path in OUTER if path.exists()]
GENERATED = {"options.md", "library.md"}
"""Their sentences are the program's: help texts and docstrings."""

LONGEST = 40
"""Words in a sentence."""

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_SPAN = re.compile(r"`([^`]+)`")
SHELLS = {"sh", "console", "bash", "crontab", "ini"}
FOREIGN = {"--load-cookies", "--max-threads", "--parallel-max", "--strict", "--recheck", "--follow"}
"""Options of other programs that pages name."""


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(text: str) -> Iterator[tuple[str | None, str]]:
    """Each line with the language of the block of code that it is in; None for prose."""
    language = None
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            language = (line.strip().removeprefix("```") or "text") if language is None else None
        else:
            yield language, line


def prose(path: Path) -> str:
    return "\n".join(line for language, line in blocks(path.read_text(encoding="utf-8")) if language is None)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them, and those that it names."""
    found = set(re.findall(r'<a id="([\w-]+)">', prose(path)))
    for line in prose(path).splitlines():
        if heading := re.match(r"#+ (.*)", line):
            words = LINK.sub("]", heading[1]).lower()
            found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def local_links(path: Path) -> Iterator[tuple[str, Path, str]]:
    for link in LINK.findall(prose(path)):
        if not re.match(r"[a-z]+:", link):
            file, _, anchor = link.partition("#")
            yield link, (path.parent / file).resolve() if file else path, anchor


@pytest.mark.parametrize("path", [*PAGES, *DECISIONS, *OUTER], ids=by_name)
def test_links_lead_somewhere(path: Path) -> None:
    """To a file that is there, and to a heading of it."""
    for link, target, anchor in local_links(path):
        assert target.exists() or target.parent == ROOT, link  # files of the root are not in every package
        if anchor and target.exists():
            assert anchor in anchors(target), link


@pytest.mark.parametrize("path", [*PAGES, *DECISIONS, *OUTER[:1], *OUTER[2:]], ids=by_name)
def test_files_that_are_named_exist(path: Path) -> None:
    """Scripts by which figures were found, and modules: below the package, or below the whole project."""
    for span in CODE_SPAN.findall(prose(path)):
        words = [f"{word.replace('.', '/')}.py" if word.startswith("tests.torture.") else word for word in span.split()]
        for file in (word for word in words if re.fullmatch(r"[\w/]+/\w+\.py|[\w/]+/", word) and "/" in word[:-1]):
            assert (ROOT / file).exists() or (ROOT / "scrapepool" / file).exists(), file


def test_modules_that_the_design_names_exist() -> None:
    """With a class or function of theirs, or without."""
    named = re.findall(r"`((?:schedule|transport|run|read|record|render|extract|memory|cli)\.[\w.]+)`", prose(DESIGN))
    assert named
    for dotted in named:
        *_, last = parts = dotted.split(".")
        file = ROOT.joinpath("scrapepool", *parts[:-1])
        inside = file.with_suffix(".py")
        found = (file / last).exists() or (file / f"{last}.py").exists()
        assert found or (inside.exists() and re.search(rf"\b{last}\b", inside.read_text(encoding="utf-8"))), dotted


def test_every_page_is_in_the_index() -> None:
    linked = {target for _, target, _ in local_links(INDEX)}
    assert {path.name for path in [*PAGES, *DECISIONS]} - {target.name for target in linked} - {INDEX.name} == set()


def test_every_page_is_on_the_site() -> None:
    site = ROOT / "mkdocs.yml"
    if not site.exists():
        pytest.skip("a checkout without its site")
    assert {path.name for path in PAGES} - set(re.findall(r"[\w-]+\.md", site.read_text(encoding="utf-8"))) == set()


@pytest.mark.parametrize("path", [path for path in PAGES if path != INDEX], ids=by_name)
def test_every_page_ends_with_a_link_to_the_index(path: Path) -> None:
    """And to its neighbours."""
    last = path.read_text(encoding="utf-8").rstrip().splitlines()[-1]
    assert "(README.md)" in last


def shell_words(line: str) -> list[str]:
    """A line as the shell splits it, comments left out; what joins or redirects commands is a word of its own."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace_split = True
    return list(lexer)


def commands(path: Path) -> Iterator[list[str]]:
    """The words that follow ``scrapepool`` in blocks of shell commands, and in spans of code."""
    text = re.sub(r"\\\n *", "", path.read_text(encoding="utf-8"))
    lines = [(str(language), re.sub(r"%%|\\%", "%", line)) for language, line in blocks(text) if language in SHELLS]
    lines += [("sh", span) for span in CODE_SPAN.findall(prose(path)) if re.match(r"scrapepool [a-z]", span)]
    for language, line in lines:
        words = [word for word in re.split(r"(?<=\S)(?=\$\()", line.removeprefix("$ ")) if "scrapepool" in word]
        for part in words:
            yield from _commands(shell_words(part), whole_path=language in {"crontab", "ini"})


def _commands(words: list[str], *, whole_path: bool) -> Iterator[list[str]]:
    for place, word in enumerate(words):
        begins = place == 0 or not words[place - 1].strip("();<>|&$*") or "=" in words[place - 1]
        if re.search(r"bin/scrapepool$", word) if whole_path else begins and re.search(r"(^|/)scrapepool$", word):
            rest = words[place + 1 :]
            end = next((at for at, later in enumerate(rest) if not later.strip("();<>|&")), len(rest))
            yield rest[:end]


@pytest.mark.parametrize("path", [*PAGES, *OUTER], ids=by_name)
def test_commands_parse(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is there, and takes these options with these values."""
    monkeypatch.chdir(tmp_path)
    Path("fields.txt").write_text("Name: value\n", encoding="utf-8")
    Path("mine.toml").touch()
    context = click.Context(cli, **cli.context_settings)
    for name, *arguments in commands(path):
        command = cli.get_command(context, name)
        if command is None:
            assert name in {"--version", "--help"}, name
        elif arguments and not any(word.startswith(("[", "--help", "-h")) for word in arguments):
            command.parse_args(click.Context(command, parent=context), arguments)


@pytest.mark.parametrize("path", [*PAGES, *OUTER[:1]], ids=by_name)
def test_options_that_are_named_exist(path: Path) -> None:
    context = click.Context(cli, **cli.context_settings)
    known = set(FOREIGN)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        for param in command.get_params(context):
            known.update((*param.opts, *param.secondary_opts))
    named = {match[0] for span in CODE_SPAN.findall(prose(path)) if (match := re.match(r"--[a-z][a-z-]*", span))}
    assert named - known == set()


def sentences(path: Path) -> Iterator[str]:
    """The sentences of a page: those of paragraphs, of items and of cells."""
    text = re.sub(r"`[^`]*`", "X", prose(path))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    for paragraph in re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.) |\n#+ |\n(?=\|)", text):
        for cell in paragraph.split("|"):
            yield from re.split(r"(?<=[.?!])[)*]*\s+", " ".join(cell.split()))


@pytest.mark.parametrize("path", [path for path in [*PAGES, *DECISIONS] if path.name not in GENERATED], ids=by_name)
def test_sentences_are_short(path: Path) -> None:
    assert [sentence for sentence in sentences(path) if len(sentence.split()) > LONGEST] == []
