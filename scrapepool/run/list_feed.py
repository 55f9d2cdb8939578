"""The feed of a run over lists, in the order of the lists where that is wanted.

Decides what is checked before the first row is fetched: fields of ``--name-template`` that no list has are an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO

from ..errors import SettingsError
from ..ports import Feed
from ..read import OpenDocument, TargetList
from ..read.seen.finished import Finished
from ..read.sources import ListSource
from ..settings import Settings
from ..validators import Known

if TYPE_CHECKING:
    from .outputs.ordered_output import ListOrder

FeedMaker = Callable[[Callable[[], None], OpenDocument], Feed]
"""Makes a feed. Its arguments are a function that wakes the engine, and one that downloads lists."""


def lists(
    sources: Sequence[str],
    settings: Settings,
    *,
    stdin: BinaryIO | None = None,
    on_note: Callable[[str], None] = lambda _: None,
    finished: Finished | None = None,
    order: ListOrder | None = None,
    on_format: Callable[[str, str], None] = lambda *_: None,
    fresh: Callable[[int], Known | None] | None = None,
    opened: Callable[[], Sequence[ListSource]] = tuple,
) -> FeedMaker:
    """Make a feed over lists and URLs as the command line names them. Finished targets are passed over.

    order: keeps the order of the lists, None for no order. on_format, fresh: as in ``TargetList``. opened: opens lists
    that precede the others.
    """

    def make(wake: Callable[[], None], open_document: OpenDocument) -> Feed:
        feed = TargetList(
            sources,
            settings.input,
            stdin=stdin,
            wake=wake,
            on_note=on_note,
            finished=finished,
            method=settings.request.method,
            open_document=open_document,
            on_format=on_format,
            fresh=fresh,
            opened=opened(),
        )
        if settings.files.name_template is not None and feed.columns is not None:
            from ..record.body_files.file_names import unknown_fields  # noqa: PLC0415 - rarely needed

            if (why := unknown_fields(settings.files.name_template, feed.columns)) is not None:
                feed.close()
                raise SettingsError("files.name_template: {}", why)
        if order is None:
            return feed
        from .outputs.ordered_output import OrderedFeed  # noqa: PLC0415 - an option

        return OrderedFeed(feed, order, wake)

    return make
