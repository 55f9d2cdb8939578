"""What went over the wire, as WARC files (WARC/1.1, ISO 28500:2017).

``archive`` decides what is written where, ``spell`` how records are spelt, ``pack`` how they are compressed, ``whole``
where the last whole record of a file ends.
"""

from .archive import WarcArchive

__all__ = ["WarcArchive"]
