"""TLS contexts, which all connections share, because loading a CA bundle takes 25 ms of CPU time.

This module decides which certificates are trusted, which client certificate is sent, and whether sessions are resumed.
A session has one context per way of verifying: usually one, a second one for ``--insecure``, and one for each CA file
or client certificate. The default roots are those of the platform, found as OpenSSL finds them (with SSL_CERT_FILE and
SSL_CERT_DIR), or those of certifi if the platform has none. The package truststore would use the trust stores of
Windows and macOS, but it holds one lock during every handshake, so one silent server would block all connections.
"""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import certifi
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

from ...lazy_pattern import lazy_pattern

Verify = bool | str
Cert = str | tuple[str, str | None] | None

MOST_SESSIONS = 10_000  # hosts whose TLS session is kept; each takes about 2 kB
ROOTS = (
    "/etc/ssl/cert.pem",  # Alpine, Arch, BSD, macOS
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu
    "/etc/ssl/ca-bundle.pem",  # SUSE
)
"""The CA bundles of common platforms, for a Python whose OpenSSL was built with other paths."""

_HASHED = lazy_pattern(r"[0-9a-f]{8}\.[0-9]+")


class ResumingContext(ssl.SSLContext):
    """A TLS context that resumes the last session of a host. This saves CPU time, and a round trip with TLS 1.2."""

    def __init__(self, *_: Any) -> None:
        self._sessions: OrderedDict[tuple[Any, ...], ssl.SSLSession] = OrderedDict()
        self._lock = threading.Lock()

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Wrap a socket as SSLContext does, with the last session of the host."""
        session = self._sessions.get((kwargs.get("server_hostname"), sock.getpeername()[1]))
        return super().wrap_socket(sock, *args, **{"session": session, **kwargs})

    def keep(self, sock: Any) -> None:
        """Keep the TLS session of a connection that is about to be closed."""
        try:
            session, key = sock.session, (sock.server_hostname, sock.getpeername()[1])
        except (OSError, AttributeError, ValueError):  # the peer closed the connection, or it is TLS within TLS
            return
        if session is None or not (session.has_ticket or sock.version() == "TLSv1.2"):
            return
        with self._lock:
            self._sessions[key] = session
            self._sessions.move_to_end(key)
            if len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)


def client_context(verify: Verify, cert: Cert, *, resume: bool = False) -> ssl.SSLContext:
    """Return a TLS context that sends the client certificate ``cert``.

    verify: True to trust the default roots, the path of a CA file or folder, or False for no verification.
    Raises OSError with the name of the file if a CA bundle, certificate or key cannot be used.
    """
    context = _resuming(create_urllib3_context()) if resume else create_urllib3_context()
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif verify is True:
        _trust_platform(context)
    else:
        _trust(context, verify)
    if cert is not None:
        cert_file, key_file = cert if isinstance(cert, tuple) else (cert, None)
        _present(context, cert_file, key_file)
    return context


def _resuming(model: ssl.SSLContext) -> ResumingContext:
    """Return a resuming context with the settings of ``model``, and with session tickets enabled."""
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options = model.options & ~ssl.OP_NO_TICKET
    context.verify_flags = model.verify_flags
    context.minimum_version = model.minimum_version
    context.hostname_checks_common_name = model.hostname_checks_common_name
    context.post_handshake_auth = model.post_handshake_auth
    if model.keylog_filename:
        context.keylog_filename = model.keylog_filename
    return context


def _trust_platform(context: ssl.SSLContext) -> None:
    named = os.environ.get("SSL_CERT_FILE")
    if named and not Path(named).is_file():
        raise OSError(f"Could not find a suitable TLS CA certificate bundle, invalid SSL_CERT_FILE: {named}")
    defaults = ssl.get_default_verify_paths()
    if sys.platform == "win32" or defaults.cafile or _has_hashed(defaults.capath):
        context.load_default_certs()
    else:
        context.load_verify_locations(next((path for path in ROOTS if Path(path).is_file()), None) or certifi.where())


def _has_hashed(folder: str | None) -> bool:
    return folder is not None and any(_HASHED.fullmatch(path.name) for path in Path(folder).iterdir())


def _trust(context: ssl.SSLContext, roots: str) -> None:
    path = Path(roots)
    if not path.exists():
        raise OSError(f"Could not find a suitable TLS CA certificate bundle, invalid path: {roots}")
    try:
        if path.is_dir():
            context.load_verify_locations(capath=roots)
        else:
            context.load_verify_locations(cafile=roots)
    except (ssl.SSLError, OSError) as error:
        raise OSError(f"{roots}: no usable CA certificates ({error})") from error


def _present(context: ssl.SSLContext, cert_file: str, key_file: str | None) -> None:
    for path, what in ((cert_file, "certificate"), (key_file, "key")):
        if path is not None and not Path(path).exists():
            raise OSError(f"Could not find the TLS {what} file, invalid path: {path}")
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except ValueError as error:
        raise OSError(f"{key_file or cert_file}: {error}") from error
    except (ssl.SSLError, OSError) as error:
        raise OSError(f"{cert_file}: not a usable certificate with its key ({error})") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted; give a key without a password")
