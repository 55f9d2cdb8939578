"""The JSON line that each Python peer writes per URL; its fields are those of scrapepool's record."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime


def success(
    url: str,
    line: int,
    status: int,
    final_url: str,
    redirects: Sequence[str],
    elapsed: float,
    content_type: str | None,
    body: bytes,
) -> str:
    """Return the record of a response that has just been read. elapsed: seconds since its request was begun."""
    return json.dumps(
        {
            "url": url,
            "line": line,
            "outcome": "ok" if status < 400 else "http_error",
            "status": status,
            "error": None,
            "detail": None,
            "final_url": final_url,
            "redirects": redirects,
            "attempts": 1,
            "started": datetime.fromtimestamp(time.time() - elapsed, UTC).isoformat(timespec="milliseconds"),
            "elapsed": round(elapsed, 6),
            "waited": 0.0,
            "content_type": content_type,
            "charset": (content_type or "").partition("charset=")[2] or None,
            "bytes": len(body),
            "wire_bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "reused": None,
            "path": None,
            "complete": True,
            "remote": None,
            "timings": None,
        }
    )


def failure(url: str, line: int, error: str) -> str:
    """Return the record of a request that got no response."""
    return json.dumps({"url": url, "line": line, "outcome": "failed", "error": error})
