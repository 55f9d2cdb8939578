"""TLS contexts: whose certificates are trusted, and which sessions are kept."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest

from scrapepool.transport.net import tls_context
from scrapepool.transport.net.tls_context import ResumingContext, client_context


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


def session(name: str, *, has_ticket: bool = True, version: str = "TLSv1.3") -> SimpleNamespace:
    """A connection to that host, as far as a context looks at it."""
    return SimpleNamespace(
        session=SimpleNamespace(has_ticket=has_ticket), server_hostname=name, getpeername=lambda: (name, 443),
        version=lambda: version,
    )  # fmt: skip


def test_sessions_that_can_be_resumed_are_kept_for_a_limited_number_of_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was used longest ago goes. A connection that is gone has none."""
    monkeypatch.setattr(tls_context, "MOST_SESSIONS", 2)
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.keep(SimpleNamespace())
    context.keep(session("none.test", has_ticket=False))
    for name in ("a.test", "b.test", "a.test", "c.test"):
        context.keep(session(name))
    context.keep(session("d.test", has_ticket=False, version="TLSv1.2"))
    assert [host for host, _ in context._sessions] == ["c.test", "d.test"]


def test_a_file_for_keys_is_that_of_a_resuming_context_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSLKEYLOGFILE shows the traffic of all connections."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    for resume in (False, True):
        assert client_context(True, None, resume=resume).keylog_filename == str(tmp_path / "keys")


def test_where_openssl_has_no_roots_those_of_a_platform_or_of_certifi_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python may look for them where nothing is."""
    loaded: list[str] = []
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda self, cafile=None, capath=None: loaded.append(cafile)
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=None, capath=str(tmp_path)))
    (tmp_path / "roots.pem").write_text("")
    for roots in ((), (str(tmp_path / "missing"), str(tmp_path / "roots.pem"))):
        monkeypatch.setattr(tls_context, "ROOTS", roots)
        client_context(True, None)
    assert loaded == [certifi.where(), str(tmp_path / "roots.pem")]
    (tmp_path / "0123abcd.0").write_text("")
    client_context(True, None)
    assert len(loaded) == 2  # OpenSSL finds those of the folder


@pytest.mark.parametrize(
    ("verify", "cert", "reason"),
    [
        ("/missing/roots", None, "CA certificate bundle, invalid path: /missing/roots"),
        (False, "/missing/cert", "TLS certificate file, invalid path: /missing/cert"),
        (False, (certifi.where(), "/missing/key"), "TLS key file, invalid path: /missing/key"),
        (False, certifi.where(), "not a usable certificate with its key"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(verify: bool | str, cert: object, reason: str) -> None:
    """With what it should have been."""
    with pytest.raises(OSError, match=reason):
        client_context(verify, cert)


def test_a_bundle_of_the_environment_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise no certificate would be trusted, and nobody knew why."""
    monkeypatch.setenv("SSL_CERT_FILE", "/missing/bundle")
    with pytest.raises(OSError, match="invalid SSL_CERT_FILE: /missing/bundle"):
        client_context(True, None)
