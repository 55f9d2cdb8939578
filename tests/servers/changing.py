"""A site whose pages change from night to night, as a handler for ``PoliteServer``, and the truth about it.

Its servers differ in what they say about that: ETag, weak ETag, Last-Modified, both, nothing, an ETag that changes each
time, 304 without being asked. Pages change, vanish, come back, fail and move.
"""

from __future__ import annotations

import random
from collections import Counter
from email.utils import formatdate
from typing import NamedTuple

from scrapepool.demo.wire import Request
from tests.servers.pages import Response

KINDS = ("etag", "weak", "modified", "both", "nothing", "new_etag", "one_etag", "unasked_304")
"""What a page says about its changes. one_etag: the same ETag for ever, and the whole page whatever the condition."""

SAME = "same"
STEPS = ((SAME, 70), ("change", 12), ("vanish", 5), ("fail", 5), ("move", 4), ("come", 4))
"""What becomes of a page from one night to the next, with weights."""


class Page(NamedTuple):
    """A page on one night. version: of its text, None for none (404). failing: 503. moved: under another URL."""

    kind: str
    version: int | None = 0
    failing: bool = False
    moved: bool = False


class ChangingSite:
    """Pages ``/page/0`` and so on; ``night`` is what is served."""

    def __init__(self, pages: int, nights: int, seed: int = 1) -> None:
        dice = random.Random(seed)
        first = [Page(KINDS[number % len(KINDS)]) for number in range(pages)]
        self.nights = [first]
        for _ in range(nights - 1):
            self.nights.append([_next(page, dice) for page in self.nights[-1]])
        self.night = 0
        self.sent = 0  # responses, of pages
        self.bodies: Counter[str] = Counter()  # whole bodies of pages, by kind
        self.bytes = 0  # of these
        self._etags = 0

    def __call__(self, request: Request) -> Response | None:
        """Answer as the site does tonight; None for what is no page of it."""
        folder, _, number = request.target.rpartition("/")
        if folder not in ("/page", "/moved") or not number.isdigit():
            return None
        page = self.nights[self.night][int(number)]
        self.sent += 1
        if page.failing:
            return Response(503, body=b"later")
        if page.version is None:
            return Response(404, body=b"none")
        if page.moved and folder == "/page":
            return Response(302, [("Location", f"/moved/{number}")])
        response = self._page(page, int(number), request)
        self.bodies[page.kind] += bool(response.body)
        self.bytes += len(response.body)
        return response

    def _page(self, page: Page, number: int, request: Request) -> Response:
        asked = {name.lower(): value for name, value in request.headers}
        body = f"page {number} version {page.version} ".encode() * 50
        etag, fields = f'"{number}-{page.version}"', []
        if page.kind in ("etag", "both", "weak"):
            etag = f"W/{etag}" if page.kind == "weak" else etag
            fields.append(("ETag", etag))
        if page.kind in ("modified", "both"):
            fields.append(("Last-Modified", formatdate(1.7e9 + 86400 * (page.version or 0), usegmt=True)))
        if page.kind == "new_etag":
            self._etags += 1
            fields.append(("ETag", f'"{self._etags}"'))
        if page.kind == "one_etag":
            fields.append(("ETag", '"1"'))
            return Response(200, fields, body)
        if page.kind == "unasked_304" and self.night:
            return Response(304)
        if "if-none-match" in asked:
            same = asked["if-none-match"] == etag
        else:
            same = ("Last-Modified", asked.get("if-modified-since")) in fields
        return Response(304, fields) if same else Response(200, fields, body)

    def truth(self) -> list[str]:
        """What a run tonight should say of each page, where each night before had a run that knew the last one."""
        return [self._change(number) for number in range(len(self.nights[0]))]

    def _change(self, number: int) -> str:
        known: int | str | None = "nothing"
        change = ""
        for night in range(self.night + 1):
            page = self.nights[night][number]
            if page.failing:
                change = "unknown"
            elif page.version is None:
                change = "new" if known == "nothing" else "same" if known is None else "gone"
                known = None
            elif page.kind == "unasked_304" and night:
                change = "unknown"  # and what it is now, nobody knows
            else:
                change = "new" if known == "nothing" else "back" if known is None else _compared(known, page.version)
                known = page.version
        return change


def _compared(known: int | str | None, version: int) -> str:
    return "same" if known == version else "changed"


def _next(page: Page, dice: random.Random) -> Page:
    (step,) = dice.choices([step for step, _ in STEPS], [weight for _, weight in STEPS])
    version = page.version
    page = page._replace(failing=False)
    match step:
        case "change" if version is not None:
            return page._replace(version=version + 1)
        case "vanish":
            return page._replace(version=None)
        case "come" if version is None:
            return page._replace(version=dice.randrange(2))
        case "fail":
            return page._replace(failing=True)
        case "move":
            return page._replace(moved=not page.moved)
        case _:
            return page
