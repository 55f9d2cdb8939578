"""Foreign exceptions as faults: each row of the table, and what may be tried again."""

from __future__ import annotations

import errno
import http.client
import os
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import exceptions as rq
from urllib3 import exceptions as u3

from scrapepool.model import ErrorKind, Retryable
from scrapepool.settings import RetryPolicy
from scrapepool.transport.classify import IDEMPOTENT, classify, out_of_descriptors, retryable
from scrapepool.transport.errors import FetchError

NOWHERE: Any = None


def caused(error: Exception, cause: Exception) -> Exception:
    """An exception as ``raise … from …`` leaves it."""
    error.__cause__ = cause
    return error


def system(code: int) -> OSError:
    """What the system says by a number."""
    return OSError(code, os.strerror(code))


def unverified(code: int) -> ssl.SSLCertVerificationError:
    """A certificate that OpenSSL refused."""
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, "as OpenSSL has it"
    return error


def test_urllib3_s_words_come_without_what_else_it_hands_over() -> None:
    """Its exceptions carry a connection or a cause beside their message, and say all of it as a tuple."""
    details = [
        classify(error).detail
        for error in (u3.ConnectTimeoutError(NOWHERE, "the proxy did not answer"), u3.ProxyError("no proxy", OSError()))
    ]
    assert details == ["the proxy did not answer", "no proxy"]


def refused(cause: Exception) -> Exception:
    """A connect that failed, as urllib3 tells it."""
    return caused(u3.NewConnectionError(NOWHERE, "no connection"), cause)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (FetchError(ErrorKind.DECODE, "as it is"), ErrorKind.DECODE, "as it is"),
        (u3.ProxyError("no proxy", OSError()), ErrorKind.PROXY, "no proxy"),
        (rq.InvalidProxyURL("no URL"), ErrorKind.PROXY, "no URL"),
        (u3.NameResolutionError("h.test", NOWHERE, OSError()), ErrorKind.DNS, "h.test"),
        (refused(system(errno.ECONNREFUSED)), ErrorKind.CONNECT_REFUSED, "refused"),
        (refused(system(errno.EHOSTUNREACH)), ErrorKind.UNREACHABLE, "route"),
        (refused(system(errno.ENETUNREACH)), ErrorKind.UNREACHABLE, "unreachable"),
        (refused(system(errno.ECONNRESET)), ErrorKind.RESET, "reset"),
        (refused(system(errno.ETIMEDOUT)), ErrorKind.CONNECT_TIMEOUT, "timed out"),
        (refused(system(errno.EMFILE)), ErrorKind.INTERNAL, "cannot open more connections: too many open files"),
        (refused(system(errno.ENOBUFS)), ErrorKind.INTERNAL, "cannot open more connections: no buffer space available"),
        (system(errno.EMFILE), ErrorKind.INTERNAL, "cannot open more connections: too many open files"),
        (system(errno.ENOBUFS), ErrorKind.RESET, "no buffer space available"),
        (u3.ConnectTimeoutError(NOWHERE, "timed out"), ErrorKind.CONNECT_TIMEOUT, "timed out"),
        (unverified(10), ErrorKind.TLS, "expired"),
        (unverified(18), ErrorKind.TLS, "self-signed"),
        (unverified(20), ErrorKind.TLS, "issuer"),
        (unverified(62), ErrorKind.TLS, "another host"),
        (unverified(79), ErrorKind.TLS, "as OpenSSL has it"),
        (u3.SSLError(unverified(10)), ErrorKind.TLS, "expired"),
        (rq.SSLError("no TLS"), ErrorKind.TLS, "no TLS"),
        (ssl.SSLEOFError(8, "EOF"), ErrorKind.RESET, "within TLS"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), ErrorKind.TLS, "wrong version number"),
        (u3.ReadTimeoutError(NOWHERE, "/", "too slow"), ErrorKind.READ_TIMEOUT, "too slow"),
        (TimeoutError("late"), ErrorKind.READ_TIMEOUT, "late"),
        (ConnectionRefusedError(), ErrorKind.CONNECT_REFUSED, "ConnectionRefusedError"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), ErrorKind.RESET, "connection reset"),
        (BrokenPipeError(), ErrorKind.RESET, "BrokenPipeError"),
        (http.client.RemoteDisconnected("gone"), ErrorKind.RESET, "gone"),
        (http.client.IncompleteRead(b"abc", 7), ErrorKind.TRUNCATED, "3 bytes read"),
        (http.client.BadStatusLine("HTPT"), ErrorKind.PROTOCOL, "HTPT"),
        (u3.ProtocolError("nonsense"), ErrorKind.PROTOCOL, "nonsense"),
        (u3.DecodeError("no gzip"), ErrorKind.DECODE, "no gzip"),
        (rq.InvalidSchema("ftp"), ErrorKind.UNSUPPORTED_SCHEME, "ftp"),
        (u3.LocationParseError("http://[::1"), ErrorKind.INVALID_URL, "[::1"),
        (rq.InvalidURL("no host"), ErrorKind.INVALID_URL, "no host"),
        ("\ud800", ErrorKind.INVALID_URL, "surrogates"),
        (OSError("Tunnel connection failed: 407"), ErrorKind.PROXY, "407"),
        (system(errno.ENETDOWN), ErrorKind.RESET, "network is down"),
        (ValueError("odd"), ErrorKind.INTERNAL, "ValueError: odd"),
        (MemoryError(), ErrorKind.INTERNAL, "MemoryError"),
        (RecursionError(), ErrorKind.INTERNAL, "RecursionError"),
    ],
)
def test_each_exception_has_its_slug_and_its_words(error: Any, kind: ErrorKind, words: str) -> None:
    """What other people's code raises, by kind, with what a person should read."""
    if isinstance(error, str):
        with pytest.raises(UnicodeError) as caught:
            error.encode()
        error = caught.value
    fault = classify(error)
    assert fault.kind is kind
    assert words in fault.detail


@given(st.sampled_from([Exception, OSError, ValueError, u3.HTTPError, rq.RequestException]), st.text(), st.integers())
def test_every_exception_is_classified(kind: type[Exception], text: str, number: int) -> None:
    """The table's last row takes what no other does."""
    for error in (kind(text), kind(number, text), kind()):
        fault = classify(error)
        assert fault.kind in ErrorKind
        assert fault.detail


RETRIED = RetryPolicy().errors


@pytest.mark.parametrize("kind", list(ErrorKind))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_may_be_tried_again(kind: ErrorKind, method: str) -> None:
    """Whatever another try can cure; after the request was sent, only for methods that may be repeated."""
    after_the_request = {ErrorKind.READ_TIMEOUT, ErrorKind.RESET, ErrorKind.TRUNCATED}
    allowed = kind in (RETRIED if method in IDEMPOTENT else RETRIED - after_the_request)
    assert retryable(FetchError(kind, "x"), method, RETRIED) == (Retryable() if allowed else None)
    assert retryable(FetchError(kind, "x"), "GET", {kind}) == Retryable()
    assert retryable(FetchError(kind, "x"), method, ()) is None


def test_a_want_of_descriptors_is_found_among_the_causes() -> None:
    """However deep urllib3 has wrapped it."""
    assert out_of_descriptors(caused(ValueError(), refused(system(errno.EMFILE))))
    assert not out_of_descriptors(refused(system(errno.ECONNREFUSED)))
    assert not out_of_descriptors(None)
