"""Long simulations are not measured by coverage, with which they take three and a half times as long.

The quick tests of this folder, and those of whole runs, are what has to reach its lines.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have coverage pause during the slow tests of this folder."""
    for item in items:
        if item.get_closest_marker("slow") is not None and item.path.is_relative_to(HERE):
            item.add_marker("no_cover")
