"""Tests certificate verification, its error messages, client certificates, and TLS sessions."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests
import trustme
from urllib3.util.wait import wait_for_read

from scrapepool.errors import UsageError
from scrapepool.model import ErrorKind
from scrapepool.settings import RequestSettings
from scrapepool.transport.classify import classify
from scrapepool.transport.exchange.check_request import check_request
from scrapepool.transport.net.channel import Condition
from scrapepool.transport.net.session import PooledSession
from scrapepool.transport.net.tls_connection import TLSConnection
from scrapepool.transport.net.tls_context import ResumingContext, client_context
from tests.transport.loopback import SOON, Server, authority, exchanged, opened, respond_to_all, server_context


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file with the certificate of the authority."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return path


def test_the_four_certificate_errors_differ(pem: Path, tmp_path: Path) -> None:
    """An expired, mismatched, self-signed or unknown certificate has one slug and its own reason."""
    alone = trustme.CA()
    lonely = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = tmp_path / "own.pem"
    own.write_bytes(alone.private_key_pem.bytes() + alone.cert_pem.bytes())
    lonely.load_cert_chain(own)
    cases = {
        "the certificate has expired": server_context(expired=True),
        "another": server_context("other.example"),
        "self-signed": lonely,
        "issuer is unknown": server_context(ca=trustme.CA()),
    }
    for words, served in cases.items():
        with Server(respond_to_all, tls=served) as server:
            conn = TLSConnection("127.0.0.1", server.port, ssl_context=client_context(str(pem), None), timeout=3)
            with pytest.raises((ssl.SSLError, OSError)) as caught:
                opened(conn)
            conn.close()
            fault = classify(caught.value)
            assert fault.kind is ErrorKind.TLS, words
            assert words in fault.detail


def test_insecure_accepts_any_certificate() -> None:
    """Without verification, any certificate is accepted."""
    with Server(respond_to_all, tls=server_context("other.example", ca=trustme.CA())) as server:
        conn = TLSConnection("127.0.0.1", server.port, ssl_context=client_context(False, None), timeout=3)
        opened(conn)
        conn.close()


def test_a_folder_of_certificates_is_trusted(tmp_path: Path) -> None:
    """A CA bundle may be a folder."""
    assert client_context(str(tmp_path), None).verify_mode is ssl.CERT_REQUIRED


def test_the_usual_roots_verify() -> None:
    """Without a file, the roots of the platform or of certifi are used, and names are verified."""
    context = client_context(True, None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_ssl_cert_file_counts(monkeypatch: pytest.MonkeyPatch, pem: Path) -> None:
    """SSL_CERT_FILE sets the roots, as for every program that uses OpenSSL."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with Server(respond_to_all, tls=server_context()) as server, PooledSession(1, 1) as session:
        assert session.get(f"https://127.0.0.1:{server.port}/").text == "ok"


def test_requests_ca_bundle_counts(monkeypatch: pytest.MonkeyPatch, pem: Path) -> None:
    """REQUESTS_CA_BUNDLE sets the roots, as for every program that uses requests."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    with Server(respond_to_all, tls=server_context()) as server, PooledSession(1, 1) as session:
        assert session.get(f"https://127.0.0.1:{server.port}/").text == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("cacert", [str, Path])
def test_a_session_s_own_bundle_goes_before_the_environment_s(
    monkeypatch: pytest.MonkeyPatch, pem: Path, cacert: Callable[[Path], Any]
) -> None:
    """``cacert`` has priority over REQUESTS_CA_BUNDLE, and ``verify`` of a request over both."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with Server(respond_to_all, tls=server_context()) as server, PooledSession(1, 1, cacert=cacert(pem)) as session:
        assert session.get(f"https://127.0.0.1:{server.port}/").text == "ok"
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"https://127.0.0.1:{server.port}/", verify=certifi.where())


def test_a_client_certificate_is_shown(pem: Path, tmp_path: Path) -> None:
    """A server that requests a certificate gets it."""
    mine = authority().issue_cert("me@example.org")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    mine.cert_chain_pems[0].write_to_path(str(cert))
    mine.private_key_pem.write_to_path(str(key))
    served = server_context()
    served.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(served)
    with Server(respond_to_all, tls=served) as server, PooledSession(1, 1) as session:
        url = f"https://127.0.0.1:{server.port}/"
        assert session.get(url, verify=str(pem), cert=(str(cert), str(key))).text == "ok"


@contextmanager
def refused_late(pem: Path) -> Iterator[TLSConnection]:
    """Open a connection to a server that requires a certificate; in TLS 1.3, its alert arrives after the handshake."""
    served = server_context()
    served.verify_mode = ssl.CERT_REQUIRED
    with Server(respond_to_all, tls=served) as server:
        conn = TLSConnection("127.0.0.1", server.port, ssl_context=client_context(str(pem), None), timeout=SOON)
        opened(conn)
        assert wait_for_read(conn.sock, SOON)
        yield conn
        conn.close()


def test_a_server_that_wants_a_certificate_says_so_after_the_handshake(pem: Path) -> None:
    """A receive before the request raises the refusal."""
    with refused_late(pem) as conn, pytest.raises(ssl.SSLError) as caught:
        conn.receive()
    fault = classify(caught.value)
    assert (fault.kind, fault.detail) == (ErrorKind.TLS, "tlsv13 alert certificate required")


def test_a_connection_that_was_refused_late_is_closed(pem: Path) -> None:
    """The condition of a refused connection is CLOSED."""
    with refused_late(pem) as conn:
        assert conn.condition() is Condition.CLOSED


def test_invalid_files_are_reported_at_the_start(tmp_path: Path, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing or invalid file is a usage error that names it."""
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate\n")
    missing = str(tmp_path / "missing.pem")
    key = tmp_path / "key.pem"
    authority().private_key_pem.write_to_path(str(key))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cacert": missing}, missing),
        ({"cacert": str(junk)}, str(junk)),
        ({"cert": missing}, missing),
        ({"cert": str(junk)}, str(junk)),
        ({"cert": str(pem)}, str(pem)),
        ({"cert": str(pem), "key": missing}, missing),
        ({"key": str(key)}, "request.cert"),
        ({"proxy": "gopher://x"}, "gopher"),
        ({"proxy": "http://"}, "http://"),
        ({"proxy": "http://[::1"}, "[::1"),
        ({"headers": (("X", "a\nb"),)}, "header"),
    ]
    for settings, words in wrong:
        with pytest.raises(UsageError) as caught:
            check_request(RequestSettings(**settings))
        assert words in str(caught.value)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        with monkeypatch.context() as patch, pytest.raises(UsageError):
            patch.setenv(name, missing)
            check_request(RequestSettings())


def test_valid_files_are_accepted(pem: Path) -> None:
    """No files, and valid files and proxies, are accepted."""
    check_request(RequestSettings())
    check_request(RequestSettings(cacert=str(pem), headers=(("X-A", "b"),)))
    for proxy in ("127.0.0.1:3128", "http://u:p@proxy:1", "https://proxy", "socks5h://proxy:1080"):
        check_request(RequestSettings(proxy=proxy))


def test_an_encrypted_key_causes_no_prompt(tmp_path: Path) -> None:
    """A key with a password is an error, and there is no prompt at the terminal."""
    from cryptography.hazmat.primitives import serialization

    mine = authority().issue_cert("me@example.org")
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    path = tmp_path / "both.pem"
    path.write_bytes(mine.cert_chain_pems[0].bytes() + locked)
    with pytest.raises(OSError, match="encrypted"):
        client_context(True, str(path))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("resume", [True, False])
def test_sessions_are_resumed_on_request(pem: Path, version: ssl.TLSVersion, resume: bool) -> None:
    """With ``tls_resume``, each further connection resumes the session; without it, none does."""
    served = server_context()
    served.maximum_version = version
    context = client_context(str(pem), None, resume=resume)
    resumed = []
    with Server(respond_to_all, tls=served) as server:
        for _ in range(20):
            conn = TLSConnection("127.0.0.1", server.port, ssl_context=context, timeout=3)
            exchanged(opened(conn))
            resumed.append(conn.sock.session_reused)
            conn.close()
    assert resumed == [False] + [resume] * 19


def test_sessions_stay_with_their_host(pem: Path) -> None:
    """A TLS session is offered only to its own host and port."""
    context = client_context(str(pem), None, resume=True)
    assert isinstance(context, ResumingContext)
    with Server(respond_to_all, tls=server_context()) as one, Server(respond_to_all, tls=server_context()) as other:
        for server, expected in ((one, False), (other, False), (one, True)):
            conn = TLSConnection("127.0.0.1", server.port, ssl_context=context, timeout=3)
            exchanged(opened(conn))
            assert conn.sock.session_reused is expected
            conn.close()


def test_a_session_has_one_context_per_way_of_verifying(pem: Path) -> None:
    """All hosts share one TLS context; ``--insecure`` and a CA bundle have their own."""
    with PooledSession(1, 1) as session:
        adapter = session.adapter
        assert adapter.context(True, None) is adapter.context(True, None)
        assert adapter.context(False, None) is not adapter.context(True, None)
        assert adapter.context(str(pem), None) is adapter.context(str(pem), None)
