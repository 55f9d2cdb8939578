"""The first page of the documentation: what it shows is what the program says."""

from __future__ import annotations

import re
from pathlib import Path

from place import Place

from scrapepool.demo import DemoWeb

PAGE = (Path(__file__).parents[2] / "docs" / "start.md").read_text(encoding="utf-8")


def test_the_plan_of_the_demo(tmp_path: Path) -> None:
    """Line for line, but for the port."""
    place = Place(tmp_path)
    (shown,) = re.findall(r"^\$ scrapepool (plan urls\.txt .*)\n((?:.*\n)*?)```", PAGE, re.MULTILINE)
    words, lines = shown
    with DemoWeb(0) as web:
        place.write("urls.txt", "\n".join(web.urls))
        ran = place.run(*words.split())
        said = re.sub(rf":{web.port}\b", ":8900", ran.out)
    assert re.sub(r" +", " ", said) == re.sub(r" +", " ", lines)


def test_the_numbers_of_the_demo() -> None:
    """Pages served, as the page says."""
    with DemoWeb(0) as web:
        assert f"serving {len(web.urls)} pages" in PAGE
        assert f"{len(web.urls)} records.jsonl" in PAGE
