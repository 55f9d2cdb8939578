"""For the site: pages that lie outside of docs/ come into it, and links to them lead there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "../README.md": "project.md",
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../SECURITY.md": "reporting.md",
    "../benchmarks/README.md": "benchmarks.md",
}
"""Where each is on the site, by its path from docs/."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for path, name in OUTSIDE.items():
        text = (ROOT / "docs" / path).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=re.sub(r"\]\((?:\.\./)?docs/", "](", text)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Have links to them lead to the site's own copies."""
    for path, name in OUTSIDE.items():
        markdown = re.sub(rf"\]\((?:{re.escape(path)}|{re.escape(path.removeprefix('../'))})", f"]({name}", markdown)
    return markdown
