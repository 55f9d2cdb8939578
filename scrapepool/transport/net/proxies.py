"""Proxies as the environment and URLs name them, where requests reads them otherwise than curl does.

Decides that hosts in NO_PROXY may be separated by white space, and that a user without a password has an empty one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_USER_ALONE = re.compile(r"((?:[a-z0-9+.\-]+://)?[^/?#:@]+)@", re.IGNORECASE)


def with_password(proxy: str) -> str:
    """A proxy's URL in which a user has a password; requests sends neither where one of the two is missing."""
    user = _USER_ALONE.match(proxy)
    return proxy if user is None else f"{user[1]}:{proxy[user.end(1) :]}"


def no_proxy() -> str | None:
    """The hosts of NO_PROXY with commas between them; None where it is not set."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return ",".join(named.replace(",", " ").split()) if named else None


def with_no_proxy(proxies: Mapping[str, str], *, trust_env: bool) -> dict[str, str]:
    """The proxies of a request, with the environment's exceptions where it has some and the request names none."""
    found = dict(proxies)
    if trust_env and "no_proxy" not in found and (exceptions := no_proxy()) is not None:
        found["no_proxy"] = exceptions
    return found
