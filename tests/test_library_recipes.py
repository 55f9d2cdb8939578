"""The recipes in the docs run as they stand, against responses that are stubbed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scrapepool.testing import Stub, StubRequest, StubResponse, stubbed

PAGE = Path(__file__).parents[1] / "docs" / "library-recipes.md"
RECIPES = re.findall(r"^## (.*?)\n.*?^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


class Everything(dict[str, StubResponse]):
    """A page for every URL."""

    def get(self, url: str, default: object = None) -> StubResponse:  # type: ignore[override]
        return StubResponse(f"This is {url}")


@pytest.mark.parametrize(("title", "code"), RECIPES, ids=[title for title, _ in RECIPES])
def test_a_recipe_runs(
    title: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with stubbed(Everything()) as stub:
        exec(compile(code, title, "exec"), {"__name__": "recipe"})
    assert isinstance(stub, Stub)
    assert all(isinstance(request, StubRequest) for request in stub.requests)
    if "body_to" in code:
        assert (tmp_path / "dump").read_text() == "This is https://example.org/dump"
    shown = capsys.readouterr().out
    expected = {
        "A script that can be stopped and goes on": "(10,)",
        "A loop in a notebook": "Counter({'ok': 10}) 10",
        "A program with asyncio": "https://example.org/",
        "A worker": "job 4 200",
        "A body that goes elsewhere": "200 32 ",
        "Tests of your own code": "tested",
    }
    assert expected[title] in shown
