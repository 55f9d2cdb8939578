"""``scrapepool completion``: the scripts, in the shells that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from place import Place
from running import MEASURED, ROOT, TIMEOUT
from terminal import TerminalProgram

from scrapepool.cli.parameters.completions import among, columns
from scrapepool.cli.program import cli


@pytest.fixture
def shell_folder(tmp_path: Path, place: Place) -> Path:
    """A folder with the three scripts, a list, and the program on PATH."""
    program = tmp_path / "bin" / "scrapepool"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m scrapepool "$@"\n')
    program.chmod(0o755)
    for shell in ("bash", "zsh", "fish"):
        ran = place.run("completion", shell)
        assert ran.code == 0
        (tmp_path / f"script.{shell}").write_text(ran.out)
    (tmp_path / "prices.csv").write_text("name,link,price\na,https://example.org/,1\n")
    return tmp_path


def in_shell(folder: Path, *command: str) -> list[str]:
    """Run a shell's command there, and return its output by lines."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), **MEASURED}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert ran.stderr == ""
    return ran.stdout.splitlines()


def test_bash(shell_folder: Path) -> None:
    """Commands, options, choices, also behind an equals sign, columns, and classes behind a comma."""
    script = """source script.bash
    complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _scrapepool_completion scrapepool; echo "${COMPREPLY[*]}"; }
    complete_words scrapepool fet
    complete_words scrapepool fetch --input-f
    complete_words scrapepool fetch --input-format pars
    complete_words scrapepool fetch --input-format = parq
    complete_words scrapepool fetch prices.csv --url-field ""
    complete_words scrapepool failed --class timeout,dn
    """
    expected = ["fetch", "--input-format", "", "parquet", "name link price", "timeout,dns"]
    assert in_shell(shell_folder, "bash", "-c", script) == expected


def test_zsh(shell_folder: Path) -> None:
    """The same words, where zsh's own functions are replaced by some that print."""
    script = """compdef() { }; compadd() { print -l -- $completions }; _path_files() { print files }
    _describe() { print -l -- ${completions_with_descriptions%%:*} }
    source ./script.zsh
    words=(scrapepool fetch --input-format parq) CURRENT=4 _scrapepool_completion
    words=(scrapepool failed --class timeout,dn) CURRENT=4 _scrapepool_completion
    words=(scrapepool fetch -o pri) CURRENT=4 _scrapepool_completion
    """
    assert in_shell(shell_folder, "zsh", "-fc", script) == ["parquet", "timeout,dns", "files"]


def test_fish(shell_folder: Path) -> None:
    """fish says itself what it would offer, also of files."""
    script = """source script.fish
    complete -C "scrapepool fetch --input-format parq"
    complete -C "scrapepool failed --class timeout,dn"
    complete -C "scrapepool fetch -o pri"
    """
    assert in_shell(shell_folder, "fish", "--no-config", "-c", script) == ["parquet", "timeout,dns", "prices.csv"]


def test_a_file_name_is_completed_at_the_prompt(shell_folder: Path) -> None:
    """It is completed for an option that takes a file, and for a list, as without our script."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    with TerminalProgram(
        program=("bash", "--norc", "--noprofile", "-i"), cwd=shell_folder, path=str(shell_folder / "bin")
    ) as prompt:
        prompt.press("source script.bash; PS1=; echo rea''dy\n")
        prompt.wait_for("ready")
        prompt.press("echo scrapepool; scrapepool fetch -o pri\t")
        prompt.wait_for("-o prices.csv")
        prompt.press("\x15scrapepool fetch pri\t")
        prompt.wait_for("fetch prices.csv")


def test_candidates(tmp_path: Path) -> None:
    """Words that are named already are not offered; a list that is none, or is missing, has no columns."""
    assert [item.value for item in among(["dns", "reset", "deadline"], "dns,d")] == ["dns,deadline"]
    (tmp_path / "rows.jsonl").write_text('{"a": 1, "link": "https://example.org/"}\n')
    (tmp_path / "broken.jsonl").write_text("{")

    context = click.Context(cli)
    context.args = [str(tmp_path / name) for name in ("rows.jsonl", "broken.jsonl", "missing")]
    assert [item.value for item in columns(context, cli.params[0], "")] == ["a", "link"]
