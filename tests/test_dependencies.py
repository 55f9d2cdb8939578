"""What is used of other packages that they do not promise: where, and whether it is still as it was read."""

from __future__ import annotations

import http.client
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import httptools
import pytest
import socks
import urllib3
from protego import Protego
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util import timeout

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "scrapepool"

READ = {"urllib3": "2.8", "protego": "0.7", "httptools": "0.9", "PySocks": "1.7"}
"""The newest version of each whose private names were read."""

NAMES = [
    ("PySocks", socks.socksocket, "_proxy_negotiators", "transport/net/socks.py"),
    ("Python", http.client, "_CS_IDLE", "transport/net/connection.py"),
    ("Python", http.client.HTTPConnection("h"), "_HTTPConnection__state", "transport/net/connection.py"),
    ("protego", Protego.parse(""), "_user_agents", "transport/robots/groups.py"),
    ("urllib3", HTTPConnection, "_new_conn", "transport/net/connection.py"),
    ("urllib3", HTTPConnection, "_tunnel", "transport/net/connection.py"),
    ("Python", http.client.HTTPConnection("h"), "_tunnel_host", "transport/net/opening.py"),
    ("urllib3", timeout, "_DEFAULT_TIMEOUT", "transport/net/opening.py"),
    ("urllib3", HTTPSConnection, "_connect_tls_proxy", "transport/net/tls_connection.py"),
    ("urllib3", HTTPConnectionPool, "_get_conn", "transport/net/pool.py"),
    ("urllib3", HTTPConnectionPool, "_new_conn", "transport/net/pool.py"),
    ("urllib3", HTTPConnectionPool, "_put_conn", "transport/net/pool.py"),
    ("urllib3", HTTPConnectionPool, "_get_timeout", "transport/net/pool.py"),
    ("urllib3", urllib3, "_collections", "transport/net/urllib3_response.py"),
]
"""Whose, of what, the name, and the file that uses it."""


def parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


@pytest.mark.parametrize("package", READ)
def test_a_new_version_is_read_before_it_is_used(package: str) -> None:
    """The private names of a release that nobody has looked at may mean something else."""
    files = sorted({file for whose, _, _, file in NAMES if whose == package}) or ["transport/http1/head.py"]
    assert parts(version(package)) <= parts(READ[package]), (
        f"{package} {version(package)} is newer than {READ[package]}, the last one that was read. See in its source "
        f"whether what {', '.join(files)} use of it is as it was, run the tests of transport, and say so in READ; "
        "where it is not, bound it in pyproject.toml."
    )


@pytest.mark.parametrize(("whose", "owner", "name", "file"), NAMES, ids=lambda value: str(value)[:30])
def test_private_names_are_there(whose: str, owner: object, name: str, file: str) -> None:
    """Each is used in the file that the table names, and is still there."""
    assert name in (PACKAGE / file).read_text()
    assert hasattr(owner, name), f"{whose} has no {name} any more, which scrapepool/{file} uses"


def test_a_group_of_protego_has_what_is_used_of_it() -> None:
    """Its rules, each with a field and a pattern, and its delay."""
    group = Protego.parse("User-agent: a\nDisallow: /b*\nCrawl-delay: 2")._user_agents["a"]
    assert [(rule.field, rule.value._pattern) for rule in group._rules] == [("disallow", "/b*")]
    assert group.crawl_delay == 2


def test_what_is_private_has_an_upper_bound() -> None:
    """An install from a list of tomorrow's releases does not get one that was never tried."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"].values()
    lines = [line for wanted in (project["dependencies"], *extras) for line in wanted]
    bounded = {found[1] for line in lines if (found := re.match(r"([\w.-]+)[^;]*<\d", line))}
    assert set(READ) <= bounded


def test_httptools_takes_hooks_that_are_none() -> None:
    """It looks for each hook by name, and goes without those that are None; nowhere is that promised."""
    found: list[tuple[bytes, bytes]] = []

    class Hooks:
        on_headers_complete = on_body = on_message_begin = on_message_complete = None

        def on_header(self, name: bytes, value: bytes) -> None:
            found.append((name, value))

    httptools.HttpResponseParser(Hooks()).feed_data(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1\r\n\r\nx")
    assert found == [(b"A", b"b"), (b"Content-Length", b"1")]
