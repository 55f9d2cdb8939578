"""Tests how much memory remains after large buffers are freed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("brotli", reason="the extra brotli is not installed")

ROOT = Path(__file__).parents[3]

WINDOWS = """
import brotli
from pathlib import Path
from scrapepool.transport.http1.content_coding import decoder_for

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024

packed = brotli.compress(bytes(6 * 2**20), quality=1)[:-1]

def window():
    decoder = decoder_for("br")
    for piece in decoder.feed(packed):
        pass
    return decoder, bytes(100_000)  # which keeps a heap's end from moving down

window()
before = resident()
held = [window() for _ in range(20)]
most = resident()
kept = [rest for _, rest in held]
del held
print(most - before, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc/self/status")
def test_windows_are_given_back() -> None:
    """The memory of brotli's windows returns to the system when the bodies have ended."""
    ran = subprocess.run([sys.executable, "-c", WINDOWS], cwd=ROOT, capture_output=True, text=True, check=True)
    most, left = map(int, ran.stdout.split())
    assert most > 20 * 4 * 2**20
    assert left < most / 10
