"""What the requests of one host, or of one row of a list, have that the others have not.

Decides the precedence: a row's own settings go before those of its host's section, and these before the run's. Which of
them must not follow a redirect is decided where a request is made, as for the header fields of the whole run.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from ...model import RowRequest
from ...overrides import HostOverride
from ...settings import RequestSettings

AUTHORIZATION = "Authorization"


def own_request(settings: RequestSettings, own: HostOverride) -> RequestSettings:
    """The run's request with a host's section over it.

    A field of the section replaces those of its name. Credentials become HTTP's Basic (RFC 7617, in UTF-8); they go
    before ``--netrc`` and before those that stand in a URL, and a field ``Authorization`` of the section before them.
    """
    fields = own.headers
    if own.credentials is not None and not any(name.lower() == "authorization" for name, _ in fields):
        fields = (*fields, (AUTHORIZATION, f"Basic {b64encode(own.credentials.encode()).decode()}"))
    return with_headers(settings, fields)


def row_request(settings: RequestSettings, row: RowRequest) -> RequestSettings:
    """The request to a host with a row's own over it. The run's body is not for a row that only asks for something."""
    method, data = row.method or settings.method, row.data
    if data is None and row.method not in ("GET", "HEAD"):
        data = settings.data
    return replace(with_headers(settings, row.headers), method=method, data=data)


def with_headers(settings: RequestSettings, fields: tuple[tuple[str, str], ...]) -> RequestSettings:
    """A request with header fields in the place of those of their names."""
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
