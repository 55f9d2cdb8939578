"""Text from outside in markup: written so that HTML and Markdown interpret no character of it."""

from __future__ import annotations

import html
import re

from ..text import printable


def html_text(text: str) -> str:
    """Write text for HTML, also for the value of an attribute in quotes."""
    return html.escape(printable(text))


def markdown_code(text: str) -> str:
    """Write text as a code span of Markdown, which may stand in a table; nothing for white space."""
    shown = printable(text)
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{space}{shown}{space}{ticks}".replace("|", "\\|") if shown.strip() else ""
