"""The private names of other packages that this package uses: the files that use them, and whether they still exist."""

from __future__ import annotations

import http.client
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import httptools
import pytest
import socks
import urllib3.contrib.socks
import urllib3.poolmanager
import urllib3.response
import urllib3.util.response
from protego import Protego
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scrapepool"

READ = {"urllib3": "2.8", "protego": "0.7", "httptools": "0.9", "PySocks": "1.7"}
"""The newest version of each package whose private names were reviewed."""

URLLIB3 = "transport/net/urllib3_internals.py"

NAMES = [
    ("PySocks", socks.socksocket, "_proxy_negotiators", "transport/net/socks.py"),
    ("protego", Protego.parse(""), "_user_agents", "transport/robots/groups.py"),
    ("Python", http.client, "_CS_IDLE", URLLIB3),
    ("Python", http.client.HTTPConnection("h"), "_HTTPConnection__state", URLLIB3),
    ("Python", http.client.HTTPConnection("h"), "_buffer", URLLIB3),
    ("Python", http.client.HTTPConnection("h"), "_tunnel", URLLIB3),
    ("Python", http.client.HTTPConnection("h"), "_tunnel_headers", URLLIB3),
    ("Python", http.client.HTTPConnection("h"), "_tunnel_host", URLLIB3),
    ("Python", http.client.HTTPConnection("h"), "_tunnel_port", URLLIB3),
    ("Python", http.client.HTTPResponse, "_safe_read", URLLIB3),
    ("urllib3", HTTPConnection("h"), "_dns_host", URLLIB3),
    ("urllib3", HTTPConnection("h"), "_has_connected_to_proxy", URLLIB3),
    ("urllib3", HTTPConnection("h"), "_response_options", URLLIB3),
    ("urllib3", HTTPConnection, "_new_conn", URLLIB3),
    ("urllib3", HTTPConnection, "_tunnel", URLLIB3),
    ("urllib3", HTTPSConnection, "_connect_tls_proxy", URLLIB3),
    ("urllib3", HTTPConnectionPool, "_get_conn", URLLIB3),
    ("urllib3", HTTPConnectionPool, "_get_timeout", URLLIB3),
    ("urllib3", HTTPConnectionPool, "_new_conn", URLLIB3),
    ("urllib3", HTTPConnectionPool, "_new_pool_queue", URLLIB3),
    ("urllib3", HTTPConnectionPool, "_put_conn", URLLIB3),
    ("urllib3", HTTPConnectionPool("h"), "_tunnel_host", URLLIB3),
]
"""The package, the object, the private name of the object, and the file that uses it."""

USED_AS_STRINGS = {
    "_safe_read": urllib3.response,
    "_method": urllib3.util.response,
    "_proxy_config": urllib3.poolmanager,
    "_socks_options": urllib3.contrib.socks,
}
"""The private names that urllib3 uses as a caller, and the module of urllib3 that uses each."""

PRIVATE = re.compile(r"\b_(?:[a-z][a-z_]*|[A-Z]\w*)\b")


def parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


@pytest.mark.parametrize("package", READ)
def test_a_new_version_is_read_before_it_is_used(package: str) -> None:
    """The private names of a version that was not reviewed may have another meaning."""
    files = sorted({file for whose, _, _, file in NAMES if whose == package}) or ["transport/http1/head.py"]
    assert parts(version(package)) <= parts(READ[package]), (
        f"{package} {version(package)} is newer than {READ[package]}, the last version that was reviewed. Check in its "
        f"source that the private names in {', '.join(files)} are unchanged, run the tests of transport, and update "
        "READ. If a name has changed, set an upper bound in pyproject.toml."
    )


@pytest.mark.parametrize(("whose", "owner", "name", "file"), NAMES, ids=lambda value: str(value)[:30])
def test_private_names_are_there(whose: str, owner: object, name: str, file: str) -> None:
    """Each private name is used in the file of the table, and still exists."""
    assert name in (PACKAGE / file).read_text()
    assert hasattr(owner, name), f"{whose} no longer has {name}, which scrapepool/{file} uses"


@pytest.mark.parametrize("name", USED_AS_STRINGS)
def test_urllib3_still_uses_the_names_that_it_calls(name: str) -> None:
    """A name that urllib3 looks up on our objects, or passes to them, is still in its source."""
    assert name in (PACKAGE / URLLIB3).read_text()
    assert name in inspect.getsource(USED_AS_STRINGS[name])


def test_every_private_name_of_urllib3_is_listed() -> None:
    """The file with urllib3's private names uses none that the tables do not list, and other files use none of them."""
    listed = {name for _, _, name, file in NAMES if file == URLLIB3} | set(USED_AS_STRINGS)
    assert set(PRIVATE.findall((PACKAGE / URLLIB3).read_text())) == listed
    for path in sorted((PACKAGE / "transport" / "net").glob("*.py")):
        if path.name != Path(URLLIB3).name:
            assert not listed & set(PRIVATE.findall(path.read_text())), path.name


def test_a_group_of_protego_has_the_names_that_are_used() -> None:
    """A group has its rules, each with a field and a pattern, and its delay."""
    group = Protego.parse("User-agent: a\nDisallow: /b*\nCrawl-delay: 2")._user_agents["a"]
    assert [(rule.field, rule.value._pattern) for rule in group._rules] == [("disallow", "/b*")]
    assert group.crawl_delay == 2


def test_packages_with_private_names_have_an_upper_bound() -> None:
    """An installation in the future does not get a version that was never tested."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"].values()
    lines = [line for wanted in (project["dependencies"], *extras) for line in wanted]
    bounded = {found[1] for line in lines if (found := re.match(r"([\w.-]+)[^;]*<\d", line))}
    assert set(READ) <= bounded


def test_httptools_takes_hooks_that_are_none() -> None:
    """httptools ignores a hook that is None; its documentation does not promise this."""
    found: list[tuple[bytes, bytes]] = []

    class Hooks:
        on_headers_complete = on_body = on_message_begin = on_message_complete = None

        def on_header(self, name: bytes, value: bytes) -> None:
            found.append((name, value))

    httptools.HttpResponseParser(Hooks()).feed_data(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1\r\n\r\nx")
    assert found == [(b"A", b"b"), (b"Content-Length", b"1")]
