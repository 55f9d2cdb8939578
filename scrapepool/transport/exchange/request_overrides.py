"""Request overrides: settings for the requests to one host, or for one row of a list.

Decides the precedence: settings of a row override those of its host's section, which override those of the run.
``route`` decides which of them are not sent after a redirect, as for the header fields of the run.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from ...model import RowRequest
from ...overrides import HostOverride
from ...settings import RequestSettings

AUTHORIZATION = "Authorization"


def host_request(settings: RequestSettings, own: HostOverride) -> RequestSettings:
    """Return the run's request settings with the overrides of a host's section.

    A field of the section replaces the fields of the same name. Credentials are sent as HTTP Basic (RFC 7617, UTF-8).
    They override ``--netrc`` and credentials in a URL; an ``Authorization`` field of the section overrides them.
    """
    fields = own.headers
    if own.credentials is not None and not any(name.lower() == "authorization" for name, _ in fields):
        fields = (*fields, (AUTHORIZATION, f"Basic {b64encode(own.credentials.encode()).decode()}"))
    return with_headers(settings, fields)


def row_request(settings: RequestSettings, row: RowRequest) -> RequestSettings:
    """Return a host's request settings with a row's overrides. A row with GET or HEAD does not send the run's body."""
    method, data = row.method or settings.method, row.data
    if data is None and row.method not in ("GET", "HEAD"):
        data = settings.data
    return replace(with_headers(settings, row.headers), method=method, data=data)


def with_headers(settings: RequestSettings, fields: tuple[tuple[str, str], ...]) -> RequestSettings:
    """Return request settings with header fields that replace those of the same names."""
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
