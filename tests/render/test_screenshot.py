"""The picture of the live view in the documentation."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from render_cases import snapshot

from scrapepool.render.frame import frame
from scrapepool.render.keys.view_state import ViewState

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 104, 24


def lines_of(picture):
    """The lines of text in a picture, without the spaces at their ends."""
    rows = {}
    for x, y, text in re.findall(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        rows.setdefault(float(y), []).append((float(x), html.unescape(text).replace("\xa0", " ")))
    return ["".join(text for _, text in sorted(row)).rstrip() for _, row in sorted(rows.items())]


def check(picture):
    """It shows what the program prints today: its header of hosts, its keys, its figures in the same places."""
    lines = lines_of(picture)
    shown = [line.plain.rstrip() for line in frame(snapshot(30), WIDTH, HEIGHT, state=ViewState())]
    squeezed = ["".join(line.split()) for line in lines]  # gaps are no text in a picture
    assert "".join(shown[4].split()) in squeezed
    assert "".join(shown[-1].split()) in squeezed
    assert any(re.search(r"\d/s.*B/sETA.*inflight\d+/32", line) for line in squeezed)
    assert any("parked" in line for line in squeezed)


def test_the_picture_in_the_documentation_is_of_today():
    """Otherwise: python benchmarks/screenshot.py."""
    check((ROOT / "docs" / "live.svg").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_command_makes_such_a_picture(tmp_path):
    """It fetches the demo's web and stops at the first moment with a host that asked for a pause."""
    command = [sys.executable, ROOT / "benchmarks" / "screenshot.py", tmp_path / "live.svg"]
    subprocess.run(command, check=True, timeout=100, env={"PYTHONPATH": str(ROOT)})
    check((tmp_path / "live.svg").read_text(encoding="utf-8"))
