"""What the README claims.

Its numbers and its Python are checked here. The tests that hold its other claims are named in docs/evidence.md.
"""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scrapepool import __version__
from tests.servers.polite import PoliteServer

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
EVIDENCE = ROOT / "docs" / "evidence.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="a checkout without its README")


def installed_with(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of the packages that installing ``name`` brings along."""
    found: set[str] = set()
    left = [(canonicalize_name(name), extras)]
    while left:
        package, its_extras = left.pop()
        if package in found:
            continue
        found.add(package)
        for line in requires(package) or ():
            wanted = Requirement(line)
            if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in its_extras | {""}):
                left.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return found - {canonicalize_name(name)}


def test_the_number_of_packages() -> None:
    """That of an installation without extras."""
    claimed = re.search(r"(\d+) packages", README.read_text(encoding="utf-8"))
    assert claimed is not None
    assert len(installed_with("scrapepool")) == int(claimed[1])


def test_the_version() -> None:
    """The one that is installed."""
    assert f"version {__version__}" in README.read_text(encoding="utf-8")


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Against a server on loopback, as it stands but for the server's name."""
    (example,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    with PoliteServer() as server:
        exec(compile(example.replace("https://example.org", server.url("")), "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert shown.count(" 200 ") == 2
    assert "PoolStats(" in shown


NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", EVIDENCE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_tests_that_evidence_names_exist(file: str, test: str) -> None:
    """So that no claim loses what holds it when a test is renamed."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not test or f"\ndef {test}(" in text


def test_each_claim_of_the_readme_is_held_by_something() -> None:
    """Each item of "What you get" has a row that begins with its first words."""
    items = re.findall(r"^- \*\*(.+?)\.?\*\*", README.read_text(encoding="utf-8"), re.MULTILINE)
    rows = re.findall(
        r"^\| (.+?) \|", EVIDENCE.read_text(encoding="utf-8").partition("## What the README says")[2], re.MULTILINE
    )
    assert items
    assert [item for item in items if not any(row.startswith(item) for row in rows)] == []
