"""Debian's Chromium without a window, steered through a pipe (https://chromedevtools.github.io/devtools-protocol)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One page. log: what the console said, and errors of the page."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._profile = TemporaryDirectory(prefix="scrapepool-browser-", ignore_cleanup_errors=True)
        from_us, to_us = os.pipe(), os.pipe()
        assert CHROMIUM is not None
        arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            f"--user-data-dir={self._profile.name}", "--remote-debugging-pipe",
        ]  # fmt: skip
        # Chromium reads from its descriptor 3 and writes to 4. Ours may have these numbers, so a shell moves them.
        moves = f'exec 3<&{from_us[0]} 4>&{to_us[1]}; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", moves, "bash", CHROMIUM, *arguments],
            pass_fds=(from_us[0], to_us[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_us[0])
        os.close(to_us[1])
        self._to = os.fdopen(from_us[1], "wb", buffering=0)
        self._from = os.fdopen(to_us[0], "rb")
        self._begun = b""
        self._number = 0
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(10)
        self._to.close()
        self._from.close()
        self._profile.cleanup()

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a file, and wait until its script is through."""
        self.call("Page.navigate", url=page.resolve().as_uri() + fragment)
        self.run(
            "new Promise((done) => { const look = () => document.documentElement?.dataset.ready"
            " ? done(1) : setTimeout(look, 10); look(); })"
        )

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript; a promise is waited for."""
        said = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def call(self, method: str, **params: Any) -> Any:
        """Send one command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.log.append(json.dumps(event["params"]))

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._begun:
            piece = self._from.read1(1 << 16)
            assert piece, "Chromium ended"
            self._begun += piece
        message, _, self._begun = self._begun.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found
