"""Checks, before anything is fetched, of settings that would make every URL fail.

Decides which files, proxies and header fields can be used at all. The checks cost nothing if none of these is given.
Opens no connection.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from requests.exceptions import InvalidHeader
from requests.utils import NETRC_FILES, check_header_validity, get_environ_proxies, select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ...errors import SettingsError, UsageError, system_reason
from ...extras import how_to_install
from ...fallbacks import CLOEXEC, NONBLOCK
from ...settings import RequestSettings
from ..net.proxies import no_proxy
from ..net.tls_context import client_context
from .route import certificate

PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def check_request(settings: RequestSettings) -> None:
    """Check the files, the proxy and the header fields of requests. Raises UsageError for what cannot be used."""
    if settings.key and not settings.cert:
        raise SettingsError("request.key needs request.cert")
    _check_key_log()
    bundles = {name: os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")}
    for source, bundle in {"request.cacert": settings.cacert, **bundles}.items():
        if bundle and not settings.insecure:
            _check_tls(source, bundle, None)
            break
    if settings.cert:
        _check_tls("request.cert", False, certificate(settings))
    if settings.netrc:
        _check_netrc()
    if settings.proxy:
        _check_proxy(settings.proxy)
    if settings.deny_private:
        _check_no_proxy()
    for name, value in settings.headers:
        try:
            check_header_validity((name, value))
        except InvalidHeader as error:
            raise UsageError(str(error)) from error


def _check_key_log() -> None:
    """Check that OpenSSL can write the keys of connections if the environment asks for it."""
    path = os.environ.get("SSLKEYLOGFILE")
    if not path:
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | NONBLOCK | CLOEXEC, 0o600))
    except (OSError, ValueError) as error:
        raise UsageError(f"SSLKEYLOGFILE: {path}: {system_reason(error)}") from error


def _check_tls(source: str, verify: bool | str, cert: Any) -> None:
    for path in (verify, *(cert if isinstance(cert, tuple) else (cert,))):
        if isinstance(path, str) and not os.path.exists(path):  # noqa: PTH110  # only the name is known to be a string
            raise SettingsError(f"{source}: {{}}: No such file or directory", path)
    try:
        client_context(verify, cert)
    except OSError as error:
        raise SettingsError(f"{source}: {{}}", error) from error


def _check_netrc() -> None:
    """Check that the file of credentials can be read: requests would ignore the error and send no credentials."""
    from netrc import NetrcParseError, netrc  # noqa: PLC0415 - rarely needed

    named = os.environ.get("NETRC")
    try:
        paths = [Path.home() / name for name in NETRC_FILES] if named is None else [Path(named).expanduser()]
    except RuntimeError:
        raise SettingsError("request.netrc: this user has no home folder; name the file in $NETRC") from None
    path = next(filter(Path.exists, paths), paths[0])
    try:
        netrc(path)
    except NetrcParseError as error:
        raise SettingsError("request.netrc: {}", error) from error
    except UnicodeDecodeError as error:
        raise SettingsError("request.netrc: {}: not text in UTF-8 ({})", path, error) from error
    except OSError as error:
        raise SettingsError("request.netrc: {}: {}", path, error.strerror) from error


def _check_proxy(proxy: str) -> None:
    try:
        parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
    except LocationParseError as error:
        raise SettingsError("request.proxy {}: {}", proxy, error) from error
    if parts.scheme not in PROXY_SCHEMES or not parts.host:
        raise SettingsError(
            "request.proxy {}: no URL of a proxy; its scheme is one of {}", proxy, ", ".join(PROXY_SCHEMES)
        )
    if parts.scheme.startswith("socks"):
        try:
            from ..net import socks  # noqa: F401, PLC0415 - PySocks is an extra
        except ImportError as error:
            raise UsageError(f"a SOCKS proxy needs PySocks: {how_to_install('socks')}") from error


def _check_no_proxy() -> None:
    """Check that the environment names no proxy for all hosts; a proxy for one host is refused when it is used."""
    for url in ("http://any.invalid/", "https://any.invalid/"):
        if select_proxy(url, get_environ_proxies(url, no_proxy())) is not None:
            variable = f"{url.partition(':')[0].upper()}_PROXY or ALL_PROXY"
            raise SettingsError(
                "request.deny_private: the environment names a proxy, which may connect to any address: unset {}",
                variable,
            )
