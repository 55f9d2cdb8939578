"""A server of long bodies that keeps versions, ranges and conditions (RFC 9110 sections 13 and 14), and breaks off.

Every body is a function of its path and version, so that a file of two versions is noticed at once.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BLOCK = 64 * 1024


def body_of(path: str, version: int, size: int) -> bytes:
    """The bytes of one version, different from any other's all the way."""
    seed = hashlib.sha256(f"{path} {version}".encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


class RangeServer:
    """Serves ``/anything?size=N`` while the block lasts.

    versions: by path, 1 unless set. breaks: by path, bytes of a reply after which the connection is cut, once.
    ranges: whether it knows them. etags: what identifies a version; "strong", "weak" or "none". pause: seconds between
    two blocks. requests: path, Range and status of each.
    """

    def __init__(self, *, ranges: bool = True, etags: str = "strong", pause: float = 0.0) -> None:
        self.versions: dict[str, int] = {}
        self.breaks: dict[str, int] = {}
        self.ranges = ranges
        self.etags = etags
        self.pause = pause
        self.lie: str | None = None  # a Content-Range to send whatever was asked for
        self.requests: list[tuple[str, str | None, int]] = []
        server = self

        class Handler(_Handler):
            owner = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> RangeServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, name: str, size: int) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{name}?size={size}"

    def etag(self, path: str) -> str | None:
        tag = f'"{self.versions.get(path, 1)}"'
        return {"strong": tag, "weak": f"W/{tag}", "none": None}[self.etags]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: RangeServer

    def do_GET(self) -> None:
        owner = self.owner
        path, _, query = self.path.partition("?size=")
        body = body_of(path, owner.versions.get(path, 1), int(query))
        etag, asked = owner.etag(path), self.headers.get("Range")
        found = re.fullmatch(r"bytes=(\d+)-", asked or "")
        first, status = 0, 200
        if owner.ranges and found and self.headers.get("If-Range") in {etag, None}:
            first, status = int(found[1]), 206
            if first >= len(body):
                status = 416
        owner.requests.append((path, asked, status))
        rest = b"" if status == 416 else body[first:]
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(rest)))
        if etag is not None:
            self.send_header("ETag", etag)
        if status == 206:
            self.send_header("Content-Range", owner.lie or f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        most = owner.breaks.pop(path, None)
        self._send(rest if most is None else rest[:most])
        if most is not None:
            self.close_connection = True

    def _send(self, data: bytes) -> None:
        try:
            for at in range(0, len(data), BLOCK):
                self.wfile.write(data[at : at + BLOCK])
                if self.owner.pause:
                    time.sleep(self.owner.pause)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class has it
        """Nothing."""
