"""What went over the wire, as WARC files (WARC/1.1, ISO 28500:2017).

``archive`` decides what is written where, ``serialize`` how records are written, ``pack`` how they are compressed,
``bodies`` and ``earlier`` which bodies are archived already, ``cdxj`` and ``surt`` what an index says. ``reader`` reads
records back, ``stream`` the bytes of files. ``process`` lets a process of its own do all this, which runs ``child``.
"""

from .archive import WarcArchive
from .process import ArchiveProcess

__all__ = ["ArchiveProcess", "WarcArchive"]
