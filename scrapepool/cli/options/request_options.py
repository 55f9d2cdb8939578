"""What is sent: the options on requests."""

from __future__ import annotations

from typing import Any

from ...errors import UsageError
from ...settings import RequestSettings
from ..parameters.declare import D, Decorator, opt, refuse, subject
from ..parameters.header_option import HeaderOption
from ..parameters.option_types import FileName, Header, Proxy, UserAgent, Whole

OPTIONS: list[Decorator] = [
    *subject(
        "Request",
        opt("-X", "--method", metavar="METHOD", help="HTTP method.  [default: GET; POST with --data]"),
        opt("-H", "--header", cls=HeaderOption, type=Header(), multiple=True,
           help="A header field to send, or @FILE for a file with one field per line; may be repeated, also with one "
           "name. Only harmless ones (Accept, User-Agent, Range and such) follow a redirect to another origin."),
        opt("--header-everywhere", guarded=True, is_flag=True,
           help="Let all header fields follow redirects, to whatever host they lead: secrets, too."),
        opt("-A", "--user-agent", type=UserAgent(), metavar="TEXT",
           help="The User-Agent to send.  [default: scrapepool/VERSION]"),
        opt("--data", metavar="TEXT|@FILE", help="Body to send with every request; @FILE reads it from a file."),
        opt("--max-redirects", type=Whole(0), default=D.request.max_redirects,
           help="Redirects that are followed; 0 records the redirect itself."),
        opt("--proxy", guarded=True, type=Proxy(),
           help="http, https or socks5 proxy for everything.  [default: the environment's]"),
        opt("--cacert", type=FileName(), help="CA certificates to trust, instead of the usual ones."),
        opt("--cert", type=FileName(), help="Client certificate (PEM)."),
        opt("--key", type=FileName(), help="Private key of --cert, where it is not in the same file."),
        opt("--insecure", guarded=True, is_flag=True, help="Do not verify TLS certificates."),
        opt("--tls-resume", is_flag=True, help="Take up TLS sessions again: a round trip less with TLS 1.2."),
        opt("--netrc", guarded=True, is_flag=True, help="Take credentials from ~/.netrc or $NETRC."),
        opt("--deny-private", is_flag=True,
           help="Connect to public addresses only, at every redirect too: nothing of this machine and its network."),
        opt("--http-fallback", guarded=True, is_flag=True,
           help="Request a list's names without a scheme over http where https cannot be connected to."),
        opt("--head-fallback", is_flag=True,
           help="Send GET where a server refuses HEAD with 405 or 501."),
        opt("--cookies", type=FileName(),
           help="Read cookies from a Netscape cookie file (as of curl, wget, browsers); all requests share them."),
        opt("--save-cookies", type=FileName(),
           help="Write the cookies to this file at the end of the run; all requests share them."),
    ),
]  # fmt: skip


def request_settings(o: dict[str, Any]) -> RequestSettings:
    """What is sent. Raises UsageError."""
    refuse(o["insecure"] and o["cacert"], "--insecure and --cacert contradict each other")
    refuse(o["key"] and not o["cert"], "--key needs --cert")
    method = (o["method"] or ("POST" if o["data"] is not None else D.request.method)).upper()
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
