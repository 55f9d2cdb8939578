"""The interface of a record format, and the sink that writes records in any of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...frozen import frozen
from ...model import Outcome, Serialized
from ..safe_io.output import Output


@frozen
class Serializer:
    """A record format under some settings.

    encode: spells an outcome as its whole record, line end included. head: what a file begins with, before any record.
    """

    encode: Callable[[Outcome], bytes]
    head: bytes = b""


class RecordSink:
    """Writes one record an outcome; a ``ports.Sink``. It closes the output."""

    def __init__(self, form: Serializer, output: Output) -> None:
        self._encode = form.encode
        self._output = output
        self._head = b"" if output.size else form.head

    def __repr__(self) -> str:
        return f"<RecordSink {self._output!r}>"

    @property
    def size(self) -> int:
        """Bytes of the file that was written."""
        return self._output.size

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write the outcomes' records in one go. Raises OutputError, BrokenPipeError for a reader that left."""
        encode = self._encode
        self._write([one.record if isinstance(one, Serialized) else encode(one) for one in outcomes])

    def close(self) -> None:
        """Finish the output; one without a record has its head, but where that would replace something. Raises
        OutputError.
        """
        try:
            self._write([])
        finally:
            self._output.close()

    def _write(self, records: list[bytes]) -> None:
        if self._head and (records or not self._output.replaces):  # nothing is replaced before there is a record
            records.insert(0, self._head)
            self._head = b""
        self._output.write(records)
