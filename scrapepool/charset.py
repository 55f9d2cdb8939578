"""The charset of a body, and its text.

Decides by the byte order mark, then by the Content-Type, then by what the first 1,024 bytes of the page declare. Labels
have the meaning that browsers give them (WHATWG Encoding), so that "latin1" is windows-1252. Nothing is guessed from
statistics. Knows neither responses nor limits.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .lazy_pattern import lazy_pattern

SNIFFED = 1024
"""Bytes of a page that are searched for a declaration, as HTML requires of authors and browsers."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16le"), (codecs.BOM_UTF16_BE, "utf-16be"))

# name: Python's codec for it, labels. iso-2022-kr, hz-gb-2312 and the like are left out because browsers refuse to
# decode them for safety, and utf-7 because they do not know it.
_ENCODINGS = {
    "utf-8": ("utf-8", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8"),
    "ibm866": ("cp866", "866 cp866 csibm866"),
    "iso-8859-2": (
        "iso8859_2",
        "csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    ),
    "iso-8859-3": ("iso8859_3", "csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3"),
    "iso-8859-4": ("iso8859_4", "csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4"),
    "iso-8859-5": (
        "iso8859_5",
        "csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    ),
    "iso-8859-6": (
        "iso8859_6",
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 "
        "iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    ),
    "iso-8859-7": (
        "iso8859_7",
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 "
        "sun_eu_greek",
    ),
    "iso-8859-8": (
        "iso8859_8",
        "csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 "
        "visual",
    ),
    "iso-8859-8-i": ("iso8859_8", "csiso88598i logical"),
    "iso-8859-10": ("iso8859_10", "csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6"),
    "iso-8859-13": ("iso8859_13", "iso8859-13 iso885913"),
    "iso-8859-14": ("iso8859_14", "iso8859-14 iso885914"),
    "iso-8859-15": ("iso8859_15", "csisolatin9 iso8859-15 iso885915 iso_8859-15 l9"),
    "iso-8859-16": ("iso8859_16", ""),
    "koi8-r": ("koi8_r", "cskoi8r koi koi8 koi8_r"),
    "koi8-u": ("koi8_u", "koi8-ru"),
    "macintosh": ("mac_roman", "csmacintosh mac x-mac-roman"),
    "windows-874": ("cp874", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620"),
    "windows-1250": ("cp1250", "cp1250 x-cp1250"),
    "windows-1251": ("cp1251", "cp1251 x-cp1251"),
    "windows-1252": (
        "cp1252",
        "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 "
        "iso_8859-1:1987 l1 latin1 us-ascii x-cp1252",
    ),
    "windows-1253": ("cp1253", "cp1253 x-cp1253"),
    "windows-1254": (
        "cp1254",
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 x-cp1254",
    ),
    "windows-1255": ("cp1255", "cp1255 x-cp1255"),
    "windows-1256": ("cp1256", "cp1256 x-cp1256"),
    "windows-1257": ("cp1257", "cp1257 x-cp1257"),
    "windows-1258": ("cp1258", "cp1258 x-cp1258"),
    "x-mac-cyrillic": ("mac_cyrillic", "x-mac-ukrainian"),
    "gbk": ("gb18030", "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk"),
    "gb18030": ("gb18030", ""),
    "big5": ("big5hkscs", "big5-hkscs cn-big5 csbig5 x-x-big5"),
    "euc-jp": ("euc_jp", "cseucpkdfmtjapanese x-euc-jp"),
    "iso-2022-jp": ("iso2022_jp", "csiso2022jp"),
    "shift_jis": ("cp932", "csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis"),
    "euc-kr": (
        "cp949",
        "cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
    ),
    "utf-16be": ("utf-16-be", "unicodefffe"),
    "utf-16le": ("utf-16-le", "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16"),
}
_JAPANESE = frozenset({"cp932", "euc_jp", "iso2022_jp"})
"""Codecs whose charsets have no U+2212; the encoders of the standard write U+FF0D instead."""
_CODECS = {name: codec for name, (codec, _) in _ENCODINGS.items()}
_NAMES = {label: name for name, (_, labels) in _ENCODINGS.items() for label in (name, *labels.split())}

_PARAMETER = lazy_pattern(r""";[\s]*charset[\s]*=[\s]*(?:"([^"]*)"?|'([^']*)'?|([^\s;,"']+))""", re.IGNORECASE)
_WHITE_SPACE = " \t\r\n"
_VALUE = lazy_pattern(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+')  # of a list: quoted commas end none
_TYPE = lazy_pattern(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+/[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?=[ \t\r\n]*(?:;|\Z))")
_MARKUP = lazy_pattern(r"[a-z]+/(?:[^\s;,]*\+)?(?:x?html|xml)\b", re.IGNORECASE)
_COMMENT = lazy_pattern(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = lazy_pattern(rb"<meta[\s/]([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = lazy_pattern(rb"""([^\s"'>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
_XML = lazy_pattern(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"']+)["']""")


def charset_of(content_type: bytes | str | None, head: bytes) -> str | None:
    """Return the label of the charset of a body, in lower case; None if there is no known label.

    content_type: the header's value. head: the first SNIFFED bytes of the decoded body, or all of a shorter one.
    """
    if head[:1] in b"\xef\xff\xfe":
        for bom, name in _BOMS:
            if head.startswith(bom):
                return name
    charset, is_markup = (None, True) if content_type is None else _read(content_type)
    if charset is None and is_markup and b"=" in head:
        words = head[:SNIFFED].lower()
        if b"charset" in words or b"encoding" in words:
            return _own_word(head[:SNIFFED])
    return charset


def decode_text(body: bytes, charset: str | None) -> str:
    """Decode a body; never raises.

    charset: a label as ``charset_of`` gives it; None and unknown ones mean UTF-8, or windows-1252 where it is not
    UTF-8. A byte order mark is dropped. What the charset does not know becomes U+FFFD.
    """
    name = None if charset is None else _NAMES.get(charset.strip().lower())
    if name is not None:
        return body.decode(_CODECS[name], "replace").removeprefix("\ufeff")
    for bom, marked in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(_CODECS[marked], "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def text_charset(body: bytes, charset: str | None) -> str:
    """Return the charset that ``decode_text`` uses for a body."""
    if charset is not None and charset.strip().lower() in _NAMES:
        return charset
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def encode_query(text: str, charset: str) -> bytes:
    """Encode a piece of a reference's query in the charset of the page that it stands in (WHATWG URL, query state).

    What the charset has not becomes a numeric character reference, percent-encoded. A page in UTF-16, or in a charset
    that is not known, has its queries in UTF-8.
    """
    codec = _CODECS.get(_NAMES.get(charset.strip().lower(), "utf-8"), "utf-8")
    if codec.startswith("utf-16"):
        codec = "utf-8"
    if codec in _JAPANESE:
        text = text.replace("\u2212", "\uff0d")
    return text.encode(codec, _AS_REFERENCE)


def _as_reference(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - only asked while encoding
    return "".join(f"%26%23{ord(char)}%3B" for char in error.object[error.start : error.end]), error.end


_AS_REFERENCE = "scrapepool.character-reference"
codecs.register_error(_AS_REFERENCE, _as_reference)


def decoded_pieces(pieces: Iterable[bytes], content_type: str | None = None) -> Iterator[str]:
    """Decode a text in pieces, with the charset that ``charset_of`` finds in its beginning; never raises.

    Without a known label it is UTF-8. What is not UTF-8 where that was said is taken for windows-1252, byte by byte.
    """
    return labelled_pieces(pieces, content_type)[1]


def labelled_pieces(pieces: Iterable[bytes], content_type: str | None = None) -> tuple[str, Iterator[str]]:
    """Decode as ``decoded_pieces`` does, and return the charset too."""
    waiting = iter(pieces)
    head = b""
    while len(head) < SNIFFED and (piece := next(waiting, b"")):
        head += piece
    name = charset_of(content_type, head) or "utf-8"
    return name, _decoded(_CODECS[_NAMES[name]], head, waiting)


def _decoded(codec: str, head: bytes, waiting: Iterator[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)(_AS_WINDOWS_1252 if codec == "utf-8" else "replace")
    first = decoder.decode(head).removeprefix("\ufeff")
    if first:
        yield first
    for piece in waiting:
        if text := decoder.decode(piece):
            yield text
    if rest := decoder.decode(b"", final=True):
        yield rest


def as_utf8(pieces: Iterable[bytes], content_type: str) -> Iterator[bytes]:
    """Return a text in pieces as UTF-8, with the charset that ``charset_of`` finds in its beginning; never raises.

    A text that is UTF-8, or has no known label, comes as it is; what another charset does not know becomes U+FFFD.
    """
    waiting = iter(pieces)
    head = b""
    while len(head) < SNIFFED and (piece := next(waiting, b"")):
        head += piece
    name = charset_of(content_type, head)
    codec = "utf-8" if name is None else _CODECS[_NAMES[name]]
    if codec == "utf-8":
        yield head
        yield from waiting
        return
    decoder = codecs.getincrementaldecoder(codec)("replace")
    yield decoder.decode(head).removeprefix("\ufeff").encode()
    for piece in waiting:
        if text := decoder.decode(piece):
            yield text.encode()
    if rest := decoder.decode(b"", final=True):
        yield rest.encode()


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - only asked while decoding
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_AS_WINDOWS_1252 = "scrapepool.windows-1252"
codecs.register_error(_AS_WINDOWS_1252, _as_windows_1252)


@lru_cache(maxsize=1024)
def content_type_of(field: bytes) -> str:
    """Return the Content-Type of all fields of that name, joined by commas (Fetch standard, "extract a MIME type").

    The last one that is a type counts; where it is the same as the one before and has no charset, that one's charset
    is added. A single field, and fields of which none is a type, are returned as they were sent.
    """
    text = field.decode("latin-1")
    if "," not in text:
        return text
    found = essence = charset = ""
    for value in (match[0].strip(_WHITE_SPACE) for match in _VALUE.finditer(text)):
        match = _TYPE.match(value)
        if match is None or (own := match[0].lower()) == "*/*":
            continue
        named = _PARAMETER.search(value)
        if own != essence or named is not None:
            charset = "" if named is None else named[named.lastindex or 0]
        found, essence = value, own
        if charset and named is None:
            found = f"{value};charset={charset}"
    return found or text


@lru_cache(maxsize=1024)
def _read(content_type: bytes | str) -> tuple[str | None, bool]:
    """Read a Content-Type: its charset, and whether the body may declare its own."""
    text = content_type if isinstance(content_type, str) else content_type.decode("latin-1")
    match = _PARAMETER.search(text)
    label = "" if match is None else match[match.lastindex or 0]
    return _known(label), not text.strip() or _MARKUP.match(text.strip()) is not None


def _own_word(head: bytes) -> str | None:
    """Find the charset that a page declares in its XML declaration or in its first ``<meta>`` with a charset."""
    name = None
    declaration = _XML.match(head)
    if declaration is not None:
        name = _known(declaration[1].decode("latin-1"))
    if name is None:
        metas = _META.finditer(_COMMENT.sub(b"", head))
        name = next((found for meta in metas if (found := _in_meta(meta[1])) is not None), None)
    # A page that could be read this far is not UTF-16, whatever it says.
    return "utf-8" if _NAMES.get(name or "") in {"utf-16le", "utf-16be"} else name


def _in_meta(attributes: bytes) -> str | None:
    """Read ``charset=…``, or ``http-equiv=content-type content="…; charset=…"``."""
    found = {match[1].lower(): match[match.lastindex or 0] for match in _ATTRIBUTE.finditer(attributes)}
    if b"charset" in found:
        return _known(found[b"charset"].decode("latin-1"))
    if found.get(b"http-equiv", b"").strip().lower() == b"content-type":
        match = _PARAMETER.search(";" + found.get(b"content", b"").partition(b";")[2].decode("latin-1"))
        return None if match is None else _known(match[match.lastindex or 0])
    return None


def _known(label: str) -> str | None:
    label = label.strip().lower()
    return label if label in _NAMES else None
