"""Tests what is read from a TLS connection for records."""

from __future__ import annotations

import ssl

import pytest
import trustme

from scrapepool.model import Failed, Fetched, Outcome, TLSFacts
from scrapepool.transport.net.tls_connection import TLSConnection
from scrapepool.transport.net.tls_facts import tls_facts
from tests.servers.polite import PoliteServer
from tests.transport.fetching import lease_context, run
from tests.transport.loopback import Server, authority, respond_with, server_context


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the file with the certificate of the authority."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def fetched(url: str, pem: str | None, fields: tuple[str, ...] | None = ("url", "tls"), **request: object) -> Outcome:
    """Return the outcome of a URL."""
    with lease_context(output={"fields": fields}, request={"cacert": pem, **request}) as context:
        (result,) = run(context, url).results
        assert isinstance(result, Fetched | Failed)
        return result


def test_a_verified_certificate_is_read(pem: str) -> None:
    """Version, cipher, names and expiry, also of a response that ends its connection, and of one that is cut off."""
    for length, kind in ((2, Fetched), (9, Failed)):
        served = respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\nok" % length)
        with Server(served, tls=server_context()) as server:
            outcome = fetched(f"https://127.0.0.1:{server.port}/", pem)
        facts = outcome.tls
        assert isinstance(outcome, kind)
        assert facts is not None
        assert (facts.version, facts.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        assert facts.issuer is not None and facts.issuer.startswith("OU=Testing CA #")
        assert facts.subject is not None and facts.subject.startswith("OU=Testing cert #")
        assert facts.issuer.partition(",")[2] == f"O=trustme v{trustme.__version__}"
        assert facts.expires is not None and facts.expires > (outcome.started or 0)


def test_what_is_not_known_is_null(pem: str) -> None:
    """An unverified certificate is not read; a plain connection has none; and nothing is read that nobody asked for."""
    with Server(respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), tls=server_context()) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert fetched(url, None, insecure=True).tls == TLSFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        assert fetched(url, pem, None).tls is None
    with PoliteServer(1) as plain:
        outcome = fetched(plain.url(), None)
        assert isinstance(outcome, Fetched) and outcome.tls is None


def test_a_connection_is_read_once() -> None:
    """The next response over it has the same facts; a new connection has its own."""

    class Socket:
        read = 0

        def cipher(self) -> tuple[str, str, int]:
            self.read += 1
            return f"cipher {self.read}", "TLSv1.2", 128

        def version(self) -> str:
            return "TLSv1.2"

        def getpeercert(self) -> None:
            """As TLS within TLS returns it without verification."""

    conn = TLSConnection("127.0.0.1", 443, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert conn.tls_facts() is None
    conn.sock = Socket()
    assert conn.tls_facts() == conn.tls_facts() == TLSFacts("TLSv1.2", "cipher 1")
    conn.mark_opened()
    assert conn.tls_facts() == TLSFacts("TLSv1.2", "cipher 2")
    conn.sock = None


class Certified:
    """A socket with a certificate."""

    def __init__(self, certificate: dict[str, object]) -> None:
        self.certificate = certificate

    def cipher(self) -> None:
        """As before the handshake."""

    def version(self) -> None:
        """As before the handshake."""

    def getpeercert(self) -> dict[str, object]:
        return self.certificate


def test_names_are_written_as_rfc_4514_says() -> None:
    """The most specific part first; with short names, several values in one part, and special characters escaped."""
    issuer = ((("countryName", "US"),), (("organizationName", 'A, "B" + C'),), (("commonName", "#1 \\ "),))
    subject = ((("serialNumber", "7"), ("commonName", "x")),)
    found = tls_facts(Certified({"issuer": issuer, "subject": subject, "notAfter": "Jan  5 09:34:43 2018 GMT"}))
    assert found == TLSFacts(
        None, None, 'CN=\\#1 \\\\\\ ,O=A\\, \\"B\\" \\+ C,C=US', "serialNumber=7+CN=x", 1515144883.0
    )
    assert tls_facts(Certified({"subject": ()})) == TLSFacts(None, None)
