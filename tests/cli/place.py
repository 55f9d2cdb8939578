"""How the tests of a command run it: in this process, in a folder and a home of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from scrapepool.cli.program import run


@dataclass(frozen=True)
class CommandResult:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass
class Place:
    """A folder to be in. environment: what is set beside HOME, and nothing else of ours is."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *args: str) -> CommandResult:
        out, err = io.StringIO(), io.StringIO()
        environment = mock.patch.dict(os.environ, self._environment(), clear=True)
        with chdir(self.folder), environment, redirect_stdout(out), redirect_stderr(err):
            code = run(args)
        return CommandResult(code, out.getvalue(), err.getvalue())

    def complaint(self, *args: str) -> str:
        """Run what is a usage error; the one line that says so."""
        ran = self.run(*args)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("scrapepool: ")
        assert ran.err.count("\n") == 1
        return ran.err.removeprefix("scrapepool: ").rstrip("\n")

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCRAPEPOOL", "XDG", "HOME"))}
        return {**kept, "HOME": str(self.folder / "home"), **self.environment}
