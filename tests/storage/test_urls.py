"""Names that are URLs of storage, folders and local files."""

import pytest

from scrapepool.storage.urls import is_folder, is_storage, join, local_path


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("s3://bucket/urls.txt", True),
        ("GS://bucket/out/", True),
        ("https://example.org/urls.txt", False),
        ("ftp://example.org/urls.txt", False),
        ("urls.txt", False),
        ("s3:/bucket", False),
    ],
)
def test_names_of_storage(name: str, *, stored: bool) -> None:
    """Only schemes that can be listed, read and written are storage."""
    assert is_storage(name) is stored


def test_a_slash_at_the_end_is_a_folder() -> None:
    """In storage and on this machine."""
    assert [is_folder(name) for name in ("out/", "s3://b/out/", "out", "s3://b/out.jsonl")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("file:///tmp/a%20b/", "/tmp/a b/"),
        ("FILE://localhost/x", "/x"),
        ("file://elsewhere/x", "file://elsewhere/x"),
        ("file://", "file://"),
        ("x", "x"),
    ],
)
def test_file_urls_are_paths(name: str, path: str) -> None:
    """Unless they name another machine."""
    assert local_path(name) == path


def test_names_in_folders() -> None:
    """A URL is joined with one slash, and a path as the system does it."""
    assert [join("s3://b/out/", "x"), join("s3://b/out", "x"), join("out/", "x")] == ["s3://b/out/x"] * 2 + ["out/x"]
