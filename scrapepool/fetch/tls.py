"""TLS contexts, made once: loading a CA bundle costs 25 ms of CPU, so no connection does it.

Decides whom to trust and what to offer. A session has one context a way of verifying:
one for most, a second for ``--insecure``, one more for each CA file or client certificate.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
from urllib3.util.ssl_ import create_urllib3_context

Verify = bool | str
Cert = str | tuple[str, str] | None


def client_context(verify: Verify, cert: Cert) -> ssl.SSLContext:
    """A context that verifies against ``verify`` (True: the usual roots, a path, or not at all) and offers ``cert``.

    Raises OSError naming the file, for a bundle, certificate or key that cannot be used.
    """
    context = create_urllib3_context()
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        _trust(context, certifi.where() if verify is True else verify)
    if cert is not None:
        cert_file, key_file = cert if isinstance(cert, tuple) else (cert, None)
        _present(context, cert_file, key_file)
    return context


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
        context.load_cert_chain(cert_file, key_file)
    except (ssl.SSLError, OSError) as error:
        raise OSError(f"{cert_file}: not a usable certificate with its key ({error})") from error
