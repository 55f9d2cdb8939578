"""Real pages of about one size, made at run time out of the HTML that packages on PyPI ship in their documentation and
tests: a long page is cut, a short one goes on with the contents of the next ones.

Knows only the standard library, as it is also read by peers in environments of their own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGES = ("sqlalchemy==2.1.9", "docutils==0.23", "pyparsing==3.3.3", "parsel==1.12.1")
"""Source distributions with HTML in them: 277 pages, most of them by Sphinx and docutils, some saved from the web."""

_BODY = re.compile(rb"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)


def make(folder: Path, size: int) -> None:
    """Write page after page of about ``size`` bytes into a folder."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder, *PACKAGES],
        check=True,
        stdout=sys.stderr,
    )
    whole: list[bytes] = []
    for archive in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(archive) as files:
            members = sorted(
                (one for one in files if one.isfile() and one.name.endswith(".html")), key=lambda m: m.name
            )
            whole += [content.read() for member in members if (content := files.extractfile(member))]
        archive.unlink()
    bodies = [found[1] if (found := _BODY.search(page)) else b"" for page in whole]
    for number, page in enumerate(whole):
        text, following = page, number
        while len(text) < size:
            following += 1
            text = text.replace(b"</body>", b"").replace(b"</html>", b"") + bodies[following % len(bodies)]
        text = text[: text.rindex(b">", 0, size) + 1] + b"</body></html>\n"
        (folder / f"{number:04}.html").write_bytes(text)


def load(folder: Path) -> list[bytes]:
    """The pages, in order."""
    return [path.read_bytes() for path in sorted(folder.glob("*.html"))]
