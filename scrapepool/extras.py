"""How an extra (an optional dependency) is installed: from the same source as scrapepool itself.

Decides what the message says when an extra is missing. Knows no options and none of the libraries.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def how_to_install(extra: str) -> str:
    """Return the command to type: in the folder of the source, or with the file or repository of the installation."""
    import shlex  # noqa: PLC0415 - rarely needed

    pip = f"{shlex.quote(sys.executable or 'python3')} -m pip install"  # the interpreter that lacks it
    origin = _origin()
    url = str(origin.get("url", ""))
    if (vcs := origin.get("vcs_info")) is not None:
        return f"{pip} 'scrapepool[{extra}] @ {vcs.get('vcs', 'git')}+{url}'"
    path = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
    if path is not None and path.is_file():
        return f"{pip} '{path}[{extra}]'"
    folder = f"the folder {path}" if path is not None and path.is_dir() else "the folder of scrapepool's source"
    return f"in {folder}, {pip} '.[{extra}]'"


def _origin() -> dict[str, Any]:
    """Return what pip recorded about the source of the distribution (PEP 610); empty if pip did not install it."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - rarely needed

    with suppress(PackageNotFoundError, OSError, ValueError):
        origin = json.loads(distribution("scrapepool").read_text("direct_url.json") or "{}")
        if isinstance(origin, dict):
            return origin
    return {}
