"""What one host is sent otherwise than the rest: header fields and credentials of its section.

Decides which goes before which. What of it must not follow a redirect is decided where a request is made, as for the
fields of the whole run: ``Authorization`` is one of them.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from ..overrides import HostOverride
from ..settings import RequestSettings

AUTHORIZATION = "Authorization"


def own_request(settings: RequestSettings, own: HostOverride) -> RequestSettings:
    """The run's request with a host's section over it.

    A field of the section replaces those of its name. Credentials become HTTP's Basic (RFC 7617, in UTF-8); they go
    before ``--netrc`` and before those that stand in a URL, and a field ``Authorization`` of the section before them.
    """
    fields = own.headers
    if own.credentials is not None and not any(name.lower() == "authorization" for name, _ in fields):
        fields = (*fields, (AUTHORIZATION, f"Basic {b64encode(own.credentials.encode()).decode()}"))
    if not fields:
        return settings
    names = {name.lower() for name, _ in fields}
    kept = [(name, value) for name, value in settings.headers if name.lower() not in names]
    return replace(
        settings,
        headers=(*kept, *fields),
        user_agent=None if "user-agent" in names else settings.user_agent,
        netrc=settings.netrc and AUTHORIZATION.lower() not in names,
    )
