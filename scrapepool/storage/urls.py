"""Which names are URLs of storage, and which stand for a folder. Imports nothing of fsspec.

Decides that ``http`` and ``https`` stay URLs that are fetched, and that ``file`` is a local file.
"""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

SCHEMES = frozenset(
    {"abfs", "abfss", "adl", "az", "file", "gcs", "gs", "hdfs", "memory", "oci", "oss", "s3", "s3a", "sftp", "smb"}
    | {"ssh", "webhdfs"}
)
"""Schemes of fsspec for storage that can be listed, read and written."""


def is_storage(name: str) -> bool:
    """Whether a name is a URL of storage, and no file."""
    scheme, found, _ = name.partition("://")
    return bool(found) and scheme.lower() in SCHEMES


def is_folder(name: str) -> bool:
    """Whether a name stands for a folder of parts: one that ends with a slash."""
    return name.endswith("/")


def local_path(name: str) -> str:
    """Return the path of a ``file`` URL; any other name is returned unchanged."""
    if name[:7].lower() != "file://":
        return name
    parts = urlsplit(name)
    if parts.netloc not in ("", "localhost") or not parts.path:
        return name
    return unquote(parts.path)


def join(folder: str, name: str) -> str:
    """Return the name of a file in a folder, which is a path or a URL."""
    return f"{folder.rstrip('/')}/{name}" if is_storage(folder) else os.path.join(folder, name)  # noqa: PTH118
