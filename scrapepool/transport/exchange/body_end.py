"""The end of a message whose body is whole, when the server does not send it.

Decides how long it is waited for, and what is concluded if it does not arrive.
"""

from __future__ import annotations

from ...running_clock import monotonic
from ..http1.response import MISSING_END, NO_LAST_LINE_END, ResponseParser
from ..net.connection import Connection
from ..net.steps import Steps


def wait_for_end(parser: ResponseParser, conn: Connection) -> Steps[None]:
    """Wait briefly for the formal end of a message whose body is whole; if it does not arrive, conclude the message.

    Some servers omit the line end after the last chunk, or send the length of the decoded body as the Content-Length.
    """
    end = monotonic() + MISSING_END
    if conn.deadline is not None:
        end = min(end, conn.deadline)
    try:
        while (data := conn.receive()) is None and monotonic() < end:
            yield end
    except OSError:
        data = None
    if data:
        parser.feed(data)
    elif parser.all_data_arrived and data is not None:
        parser.eof()
    elif parser.all_data_arrived:
        parser.conclude(NO_LAST_LINE_END)
    else:
        parser.conclude(f"the Content-Length {parser.length} is that of the decoded body")
