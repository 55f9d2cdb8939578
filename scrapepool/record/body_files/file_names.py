"""The name of a body's file: a template filled in, and made safe for any file system.

Decides what a name may look like: nothing of it leads out of its folder, nothing hides it, no file system refuses it,
and what had to be cut carries a hash, so that two long names stay two. Touches no files.
"""

from __future__ import annotations

import mimetypes
import re
import string
import unicodedata
from base64 import b32encode
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

from ...errors import SettingsError
from ...lazy_pattern import lazy_pattern
from ...model import DEFAULT_PORTS, Apart, Outcome, Target
from ...text import nearest
from .suggested_names import disposition_name, page_title

DEFAULT = "{host}/{stem}-{hash}{ext}"
"""A folder a host, and in it names that can be read and that no two URLs share."""

MAX_PART = 200
"""Bytes of one part of a name: file systems take 255, and ``.part`` or ``.gz`` may follow."""

MAX_NAME = 1000
"""Bytes of a whole name; Linux takes 4,096 of a path, macOS 1,024."""

MAX_STEM = 80
"""Characters of ``stem``, which is there to be read."""

_UNSAFE = lazy_pattern(r'[\x00-\x1f\x7f-\x9f<>:"\\|?*\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+')
_DEVICE = lazy_pattern(r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
"""Names of Windows' devices, which are these with any extension too, and with spaces before it."""

_CONFIG = frozenset({"scrapepool.toml", "pyproject.toml"})
"""Files that this program obeys where they lie in the current folder (``cli.config_source``)."""

KINDS_KEPT = 256
"""Pairs of a suffix and a type whose extension is remembered."""

VERSIONS = ".~versions~"
"""What the folder with the earlier versions of a file adds to its name (``versions``)."""

_EXTENSION = lazy_pattern(r"(?<=.)(?:\.tar)?\.[a-z0-9]{1,8}\Z", re.IGNORECASE)
_VAGUE = frozenset({"application/octet-stream", "text/plain", "binary/octet-stream", ""})
_EXTENSIONS = {"text/html": ".html", "image/jpeg": ".jpg", "text/plain": ".txt", "application/json": ".json"}
"""Where the standard library's first choice is not what people write."""


class NameTemplate:
    """Names files after outcomes.

    text: with fields in braces, ``/`` between folders: ``{host}``, ``{path}`` (its slashes make folders), ``{stem}``
    and ``{ext}`` of its last part, ``{sha256}`` of the body, ``{hash}`` of the URL, ``{line}``, ``{date}``,
    ``{status}``, ``{disposition}`` (the name that the server suggests, else the last part of the path), ``{title}`` of
    the page (else ``stem``), and the input columns of the row. Formats are those of ``str.format``: ``{line:06}``,
    ``{date:%Y}``.
    Raises SettingsError.

    unique: whether no two targets can have one name. columns: the fields that only columns can fill in. missing: those
    of them that the row of a target lacked.
    """

    def __init__(self, text: str, method: str = "GET") -> None:
        self._method = method
        if not mimetypes.inited:
            mimetypes.init()  # reads files, for which there may be no descriptor later
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as error:
            raise SettingsError("files.name_template: {}", error) from None
        for _, field, spec, conversion in pieces:
            if field is not None and (not field or conversion or "{" in (spec or "") or set(field) & set(".[]")):
                raise SettingsError("files.name_template: unknown field {!r}; write a literal brace twice", field)
            if field in _FIELDS and spec:
                _check(field, spec)
        if not any(field for _, field, _, _ in pieces):
            raise SettingsError(
                "files.name_template gives all files the same name: it has no field, as {} has", DEFAULT
            )
        self._pieces = [(literal, field, spec or "") for literal, field, spec, _ in pieces]
        self.columns = frozenset(field for _, field, _ in self._pieces if field and field not in _FIELDS)
        self.missing: set[str] = set()
        self.unique = any(field == "hash" and _WHOLE in format(_WHOLE, spec) for _, field, spec in self._pieces)

    def name(self, outcome: Outcome) -> str:
        """Return the file's name, relative, with ``/`` between its parts."""
        return self.safe(
            "".join(
                literal + (self._value(field, spec, outcome) if field else "") for literal, field, spec in self._pieces
            ),
            outcome,
        )

    def safe(self, text: str, outcome: Outcome) -> str:
        """Return the name that a row sets, made safe."""
        return safe_name(text, lambda: target_hash(self._method, outcome.target))

    def _value(self, field: str, spec: str, outcome: Outcome) -> str:
        row = outcome.target.input or {}
        made = _FIELDS.get(field)
        value: Any = made(outcome) if made is not None else row.get(field, "")
        if made is None and field not in row:
            self.missing.add(field)
        if field == "hash":
            value = target_hash(self._method, outcome.target)
        try:
            text = format(value, spec)
        except (ValueError, TypeError):
            text = str(value)
        return text if field == "path" else text.replace("/", "_")


def unknown_fields(text: str, columns: Iterable[str]) -> str | None:
    """Return why fields of a template can never be filled in; None if all can. columns: of all rows."""
    unknown = sorted(NameTemplate(text).columns.difference(columns))
    if not unknown:
        return None
    near = nearest(unknown[0], [*_FIELDS, *columns])
    meant = f"; did you mean {{{near}}}?" if near else f"; fields are {', '.join(_FIELDS)} and columns of the lists"
    return f"{{{unknown[0]}}} is neither a field nor a column of the lists{meant}"


def _check(field: str, spec: str) -> None:
    """See that a field can have a format. Raises SettingsError."""
    try:
        format(_SAMPLES.get(field, ""), spec)
    except (ValueError, TypeError) as error:
        raise SettingsError("files.name_template: {{{}:{}}}: {}", field, spec, error) from None
    if field == "date" and "%" not in spec:
        raise SettingsError(
            "files.name_template: {{date:{}}} has no part of the date in it, as {{date:%Y-%m}} has", spec
        )


def target_hash(method: str, target: Target) -> str:
    """Thirteen letters and digits that stand for a target: 64 bits, all in lower case as some file systems are.

    method: the run's.
    """
    own, data, occurrence = target.apart(method) or Apart()
    name = f"{own or method} {target.url} {data}"
    if occurrence > 1:
        name = f"{name} {occurrence}"
    digest = blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def safe_name(text: str, distinct: Callable[[], str]) -> str:
    """Make a relative path of ``text`` that stays below its folder.

    distinct: what makes a name that had to be cut unique.
    """
    parts = [_safe_part(part, distinct) for part in text.split("/") if part]
    name = "/".join(parts) or "_"
    if len(name.encode()) <= MAX_NAME:
        return name
    head, last = parts[0], parts[-1]
    return f"{head}/{distinct()}-{_cut(last, MAX_PART // 2, from_end=True)}"


def _safe_part(part: str, distinct: Callable[[], str]) -> str:
    text = unicodedata.normalize("NFC", _UNSAFE.sub("_", part)).rstrip(" .").lstrip(" ")
    plain = _plain(text)
    if text[:1] in {".", "-", "~"} or _DEVICE.fullmatch(text) or plain in _CONFIG:
        text = f"_{text}"
    if plain.endswith(VERSIONS):
        text = f"{text}_"
    if not text:
        return "_"
    if len(text.encode()) <= MAX_PART:
        return text
    extension = extension_of(text)
    mark = f"-{distinct()}{extension}"
    return _cut(text[: len(text) - len(extension)], MAX_PART - len(mark.encode())) + mark


def _plain(text: str) -> str:
    """Return a name as file systems compare it that ignore case and invisible characters."""
    seen = text if text.isascii() else "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", seen).casefold()


def _cut(text: str, size: int, *, from_end: bool = False) -> str:
    raw = text.encode()
    return (raw[-size:] if from_end else raw[:size]).decode(errors="ignore")


def extension_of(path: str) -> str:
    """Return the suffix of a path's last part, ``.tar.gz`` as one, empty where it has none that looks like one."""
    found = _EXTENSION.search(path.rsplit("/", 1)[-1])
    return found[0] if found is not None else ""


def _path(outcome: Outcome) -> str:
    path = unquote(outcome.target.path.partition("?")[0], errors="replace").lstrip("/")
    return f"{path}index" if not path or path.endswith("/") else path


def _stem(outcome: Outcome) -> str:
    last = _path(outcome).rsplit("/", 1)[-1]
    return last[: len(last) - len(extension_of(last))][:MAX_STEM] or "_"


def _ext(outcome: Outcome) -> str:
    return _extension(extension_of(_path(outcome)).lower(), outcome.content_type or "")


@lru_cache(KINDS_KEPT)
def _extension(own: str, content_type: str) -> str:
    """Return the suffix by the type, unless that is vague or the suffix of the URL is of that type too."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _VAGUE and (own or not kind):
        return own
    guessed, coding = mimetypes.guess_type(f"x{own}", strict=False)
    if own and (
        guessed == kind or coding is not None or (guessed is not None and kind.endswith("xml") and "xml" in guessed)
    ):
        return own
    return _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind, strict=False) or own


def _host(outcome: Outcome) -> str:
    host = outcome.target.host
    usual = host.port == DEFAULT_PORTS.get(host.scheme)
    return host.host.replace(":", "_") if usual else f"{host.host.replace(':', '_')}_{host.port}"


def _date(outcome: Outcome) -> date:
    return datetime.fromtimestamp(outcome.started or 0, UTC).date()


_WHOLE = "0123456789abc"
"""As long as a hash: what a format cuts off it tells no two targets apart any more."""

_FIELDS: dict[str, Callable[[Outcome], Any]] = {
    "host": _host,
    "path": _path,
    "stem": _stem,
    "ext": _ext,
    "sha256": lambda outcome: outcome.sha256 or "",
    "hash": lambda _: "",
    "line": lambda outcome: outcome.target.line or 0,
    "date": _date,
    "disposition": lambda outcome: disposition_name(outcome) or f"{_stem(outcome)}{_ext(outcome)}",
    "title": lambda outcome: page_title(outcome) or _stem(outcome),
    "status": lambda outcome: outcome.status or 0,
}
_SAMPLES: dict[str, Any] = {"line": 0, "status": 0, "date": date(2000, 1, 1)}
"""Values of the fields that are no text, to try a format on."""
