"""Proxy settings in which requests differs from curl.

Hosts in NO_PROXY may be separated by white space, and a user without a password has an empty password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ...lazy_pattern import lazy_pattern

_USER_ALONE = lazy_pattern(r"((?:[a-z0-9+.\-]+://)?[^/?#:@]+)@", re.IGNORECASE)


def with_password(proxy: str) -> str:
    """Return the proxy's URL with an empty password if it has only a user; requests would ignore such a user."""
    user = _USER_ALONE.match(proxy)
    return proxy if user is None else f"{user[1]}:{proxy[user.end(1) :]}"


def no_proxy() -> str | None:
    """Return the hosts of NO_PROXY, separated by commas; None if it is not set."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return ",".join(named.replace(",", " ").split()) if named else None


def with_no_proxy(proxies: Mapping[str, str], *, trust_env: bool) -> dict[str, str]:
    """Return the proxies of a request, with the hosts of NO_PROXY if the request has no such exceptions itself."""
    found = dict(proxies)
    if trust_env and "no_proxy" not in found and (exceptions := no_proxy()) is not None:
        found["no_proxy"] = exceptions
    return found
