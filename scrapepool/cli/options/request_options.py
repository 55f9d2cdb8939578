"""What is sent: the options on requests."""

from __future__ import annotations

from typing import Any

from ...errors import UsageError
from ...settings import RequestSettings
from ..parameters.declare import DEFAULTS, Decorator, option, option_group, refuse_if
from ..parameters.header_option import HeaderOption
from ..parameters.quantity_types import Whole
from ..parameters.text_types import FileName, Header, Proxy, UserAgent

OPTIONS: list[Decorator] = [
    *option_group(
        "Request",
        option("-X", "--method", metavar="METHOD", help="Send this HTTP method.  [default: GET; POST with --data]"),
        option("-H", "--header", cls=HeaderOption, type=Header(), multiple=True,
            help="Send this header field; @FILE reads fields from a file, one per line. May be repeated, also with the "
            "same name. After a redirect to another origin, only harmless fields (Accept, User-Agent, Range and such) "
            "are sent."),
        option("--header-everywhere", guarded=True, is_flag=True,
            help="Send all header fields, secrets included, to every origin that redirects lead to."),
        option("-A", "--user-agent", type=UserAgent(), metavar="TEXT",
            help="Send this User-Agent.  [default: scrapepool/VERSION]"),
        option("--data", metavar="TEXT|@FILE",
            help="Send this body with every request; @FILE reads it from a file."),
        option("--max-redirects", type=Whole(0), default=DEFAULTS.request.max_redirects,
            help="Follow at most this many redirects per URL; 0 records the redirect itself."),
        option("--proxy", guarded=True, type=Proxy(),
            help="Send all requests through this http, https or socks5 proxy.  [default: the environment's]"),
        option("--cacert", type=FileName(), help="Trust the CA certificates in this file instead of the default ones."),
        option("--cert", type=FileName(), help="Present this client certificate (PEM)."),
        option("--key", type=FileName(), help="Use this private key for --cert, if the certificate's file has none."),
        option("--insecure", guarded=True, is_flag=True, help="Do not verify TLS certificates."),
        option("--tls-resume", is_flag=True, help="Resume TLS sessions; saves one round trip with TLS 1.2."),
        option("--netrc", guarded=True, is_flag=True, help="Read credentials from ~/.netrc or $NETRC."),
        option("--deny-private", is_flag=True,
            help="Connect to public addresses only, also after redirects: never to this machine or its network."),
        option("--http-fallback", guarded=True, is_flag=True,
            help="Try http if https cannot be connected to; only for names in a list without a scheme."),
        option("--head-fallback", is_flag=True, help="Send GET if a server refuses HEAD with 405 or 501."),
        option("--cookies", type=FileName(),
            help="Read cookies from a Netscape cookie file (curl, wget and browsers write them), and share cookies "
            "between all requests."),
        option("--save-cookies", type=FileName(),
            help="Share cookies between all requests, and write them to this file at the end of the run."),
    ),
]  # fmt: skip


def request_settings(o: dict[str, Any]) -> RequestSettings:
    """Return the settings of what is sent. Raises UsageError."""
    refuse_if(o["insecure"] and o["cacert"], "--insecure and --cacert contradict each other")
    refuse_if(o["key"] and not o["cert"], "--key needs --cert")
    method = (o["method"] or ("POST" if o["data"] is not None else DEFAULTS.request.method)).upper()
    return RequestSettings(
        method=method,
        headers=tuple(o["header"]),
        header_everywhere=o["header_everywhere"],
        user_agent=o["user_agent"],
        data=_body(o["data"]),
        max_redirects=o["max_redirects"],
        proxy=o["proxy"],
        cacert=o["cacert"],
        cert=o["cert"],
        key=o["key"],
        insecure=o["insecure"],
        netrc=o["netrc"],
        tls_resume=o["tls_resume"],
        head_fallback=o["head_fallback"],
        http_fallback=o["http_fallback"],
        cookies=o["cookies"],
        save_cookies=o["save_cookies"],
        deny_private=o["deny_private"],
    )


def _body(text: str | None) -> bytes | None:
    if text is None or not text.startswith("@"):
        return None if text is None else text.encode("utf-8", "surrogateescape")
    from pathlib import Path  # noqa: PLC0415 - rarely needed

    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"--data: {text[1:]}: {error.strerror}") from error
