"""Exceptions of other people's code, translated: the one place where they stop.

Decides by a table which ``ErrorKind`` an exception is, which message a person gets, and whether another request may
help. Some of what requests and urllib3 raise is no RequestException (UnicodeError, LocationParseError, ValueError,
MemoryError). The table's last row is ``internal``, so that nothing that one URL does ends the run.
"""

from __future__ import annotations

import errno
import http.client
import ssl
from collections.abc import Callable, Collection

from requests import exceptions as rq
from urllib3 import exceptions as u3

from ..errors import system_reason
from ..model import ErrorKind, ProxyFault, Retryable
from .errors import FetchError, ProxyError, ResolverError

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.2

NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
"""What the system says where no packet finds its way to an address."""

_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS}

_BEFORE_THE_REQUEST = {
    ErrorKind.DNS,
    ErrorKind.CONNECT_REFUSED,
    ErrorKind.CONNECT_TIMEOUT,
    ErrorKind.UNREACHABLE,
    ErrorKind.PROXY,
}
_FINAL = {ProxyFault.CREDENTIALS, ProxyFault.FORBIDDEN}

_NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}  # ENOBUFS on an open connection is that one's trouble

_WHILE_CONNECTING = {
    errno.ECONNRESET: ErrorKind.RESET,
    errno.ECONNABORTED: ErrorKind.RESET,
    errno.ETIMEDOUT: ErrorKind.CONNECT_TIMEOUT,
    **dict.fromkeys(NO_WAY, ErrorKind.UNREACHABLE),
}


def out_of_descriptors(error: BaseException | None) -> bool:
    """Whether this process, and not the server, is the reason: it can open no further file."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _OUT_OF_DESCRIPTORS:
            return True
        error = error.__cause__
    return False


def _connection(error: BaseException) -> FetchError:
    cause = error.__cause__ or error
    if out_of_descriptors(error):
        return _no_room(cause)
    kind = _WHILE_CONNECTING.get(getattr(cause, "errno", None) or 0, ErrorKind.CONNECT_REFUSED)
    return FetchError(kind, words_of(cause))


def _dns(error: BaseException) -> FetchError:
    cause = error.__cause__
    if isinstance(cause, ResolverError):
        return cause
    return FetchError(ErrorKind.DNS, cause.detail if isinstance(cause, FetchError) else words_of(error))


def _certificate(error: BaseException) -> FetchError:
    return FetchError(ErrorKind.TLS, _certificate_words(error))


_VERIFY = {  # OpenSSL's X509_V_ERR_ numbers
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the chain ends in a self-signed certificate that is not trusted",
    20: "the certificate's issuer is unknown",
    21: "the certificate's issuer is unknown",
    23: "the certificate has been revoked",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}


def _certificate_words(error: BaseException) -> str:
    code = getattr(error, "verify_code", None)
    message = getattr(error, "verify_message", "") or words_of(error)
    return _VERIFY.get(code, message) if code is not None else message


def _kind(kind: ErrorKind) -> Callable[[BaseException], FetchError]:
    return lambda error: FetchError(kind, words_of(error))


_TABLE: tuple[tuple[tuple[type[BaseException], ...], Callable[[BaseException], FetchError]], ...] = (
    ((u3.ProxyError, rq.ProxyError, rq.InvalidProxyURL, u3.ProxySchemeUnknown), _kind(ErrorKind.PROXY)),
    ((u3.NameResolutionError,), _dns),
    ((u3.NewConnectionError,), _connection),  # before its base, ConnectTimeoutError
    ((u3.ConnectTimeoutError,), _kind(ErrorKind.CONNECT_TIMEOUT)),
    ((ssl.SSLCertVerificationError,), _certificate),
    ((u3.SSLError, rq.SSLError), lambda error: _by_argument(error, ErrorKind.TLS)),
    ((ssl.SSLEOFError,), lambda _: FetchError(ErrorKind.RESET, "the server closed the connection within TLS")),
    (
        (ssl.SSLError,),
        lambda error: FetchError(
            ErrorKind.TLS, str(getattr(error, "reason", None) or words_of(error)).lower().replace("_", " ")
        ),
    ),
    ((u3.ReadTimeoutError, TimeoutError), _kind(ErrorKind.READ_TIMEOUT)),
    ((ConnectionRefusedError,), _kind(ErrorKind.CONNECT_REFUSED)),
    ((ConnectionError, http.client.RemoteDisconnected), _kind(ErrorKind.RESET)),
    ((http.client.IncompleteRead, u3.IncompleteRead), _kind(ErrorKind.TRUNCATED)),
    ((http.client.HTTPException, u3.ProtocolError), _kind(ErrorKind.PROTOCOL)),
    ((u3.DecodeError,), _kind(ErrorKind.DECODE)),
    ((rq.InvalidSchema,), _kind(ErrorKind.UNSUPPORTED_SCHEME)),
    ((u3.LocationParseError, rq.InvalidURL, rq.MissingSchema, UnicodeError), _kind(ErrorKind.INVALID_URL)),
    ((OSError,), lambda error: _system(error)),  # noqa: PLW0108 - it stands below
    ((BaseException,), lambda error: FetchError(ErrorKind.INTERNAL, f"{type(error).__name__}: {words_of(error)}")),
)


def classify(error: BaseException) -> FetchError:
    """The fault that ``error`` stands for."""
    if isinstance(error, FetchError):
        return error
    cause = error.__cause__
    if isinstance(cause, ProxyError) or (isinstance(cause, FetchError) and cause.kind is ErrorKind.FORBIDDEN_ADDRESS):
        return cause
    for types, translate in _TABLE:
        if isinstance(error, types):
            return translate(error)
    raise AssertionError("the last row takes everything")


def retryable(fault: FetchError, method: str, errors: Collection[str]) -> Retryable | None:
    """Whether another request may help, and is allowed with this method. errors: those that are retried."""
    if fault.kind not in errors:
        return None
    if isinstance(fault, ProxyError):
        final = fault.fault in _FINAL or (fault.fault is ProxyFault.CLOSED and method not in IDEMPOTENT)
        return None if final else Retryable(fault.after)
    if isinstance(fault, ResolverError):
        return Retryable(resolver=True)
    return Retryable() if fault.kind in _BEFORE_THE_REQUEST or method in IDEMPOTENT else None


def _by_argument(error: BaseException, otherwise: ErrorKind) -> FetchError:
    """By the exception that urllib3 or requests has wrapped."""
    inner = error.args[0] if error.args else None
    return classify(inner) if isinstance(inner, ssl.SSLError) else FetchError(otherwise, words_of(error))


def _system(error: BaseException) -> FetchError:
    if getattr(error, "errno", None) in _NO_DESCRIPTOR:
        return _no_room(error)
    text = words_of(error)
    return FetchError(ErrorKind.PROXY if text.startswith("tunnel") else ErrorKind.RESET, text)


def _no_room(error: BaseException) -> FetchError:
    return FetchError(ErrorKind.INTERNAL, f"this process cannot open more connections: {words_of(error)}")


def words_of(error: BaseException) -> str:
    """What the exception says, for people: the system's words where it has some."""
    text = system_reason(error)
    if isinstance(error, u3.HTTPError):  # which may carry a connection or a cause beside its words
        text = next((arg for arg in error.args if isinstance(arg, str)), text)
    if not text:
        return type(error).__name__
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
