"""Errors of settings name the option or the parameter that the user wrote."""

from __future__ import annotations

import pickle
from dataclasses import fields
from pathlib import Path

import click
import pytest
from running import here

from scrapepool import Settings
from scrapepool.cli.options.setting_names import NONE, OTHERS, in_options, option_of
from scrapepool.cli.program import cli
from scrapepool.errors import ListError, SettingsError, UsageError

SETTINGS = [
    f"{group.name}.{one.name}"
    for group in fields(Settings)
    for one in fields(getattr(Settings(), group.name))
    if group.name != "host_overrides"
]


def test_every_setting_has_an_option() -> None:
    """Those without one are listed."""
    command = cli.get_command(click.Context(cli), "fetch")
    assert command is not None
    options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    assert {setting for setting in SETTINGS if option_of(setting) not in options} == NONE
    assert set(OTHERS) <= set(SETTINGS)


def test_values_are_not_taken_for_names() -> None:
    """A file may be called as a setting is."""
    error = SettingsError("request.cacert: {}: no such file, see warc.path", "pool.workers")
    assert str(error) == "request.cacert: pool.workers: no such file, see warc.path"
    assert in_options(error) == "--cacert: pool.workers: no such file, see --warc"
    assert in_options(UsageError("pool.workers")) == "pool.workers"
    error = ListError("warc.path", "no column", "choose with input.url_field")
    assert str(error) == "warc.path: no column (choose with input.url_field)"
    assert in_options(error) == "warc.path: no column (choose with --url-field)"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("a,b\n1,2\n", [], "no column called url; there is 'a', 'b' (choose with --url-field)"),
        ("x\n", ["--input-format", "text", "--url-template", "http://h/{x}"],
         "its format, text, has no columns (--url-template needs CSV, TSV, JSONL or Parquet)"),
    ],
)  # fmt: skip
def test_a_list_that_needs_an_option(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, content: str, options: list[str], said: str
) -> None:
    """The name of the list stays as it is, even if it is spelled as a setting is."""
    path = tmp_path / "input.format.csv"
    path.write_text(content)
    done = here(capfd, "fetch", str(path), *options)
    assert (done.code, done.err) == (2, f"scrapepool: {path}: {said}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--deny-private", "--proxy", "http://p"], "--deny-private and --proxy contradict each other: "),
        (["--fresh"], "--fresh needs --since"),
        (["--name-template", "page", "--save-dir", "pages"], "--name-template gives all files the same name"),
        (["--cacert", "pool.workers"], "--cacert: pool.workers: No such file or directory"),
    ],
)
def test_the_command_line_names_options(capfd: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    """The message is one line, with exit code 2."""
    done = here(capfd, "fetch", "http://127.0.0.1:9/", *words)
    assert (done.code, done.err.startswith(f"scrapepool: {said}")) == (2, True), done.err
