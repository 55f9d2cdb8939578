import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapepool.errors import UsageError
from scrapepool.model import HostKey
from scrapepool.record.body_files.file_names import DEFAULT, MAX_NAME, MAX_PART, NameTemplate, extension_of, safe_name
from scrapepool.url import parse
from tests.record.record_cases import fetched, target


def outcome(url="https://example.org/a", **changes):
    """A success of that URL."""
    parsed = parse(url)
    where = target(url, host=parsed.host, path=parsed.path, **changes.pop("row", {}))
    return fetched(url, target=where, **changes)


def hashed(text):
    """Whether a part carries a hash, and the text without it."""
    return re.sub(r"-[a-z2-7]{13}", "-HASH", text)


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("https://example.org/", "text/html", "example.org/index-HASH.html"),
        ("https://example.org/docs/intro", "text/html; charset=utf-8", "example.org/intro-HASH.html"),
        ("https://example.org/page.php?id=1", "text/html", "example.org/page-HASH.html"),
        ("https://example.org/a.tar.gz", "application/gzip", "example.org/a-HASH.tar.gz"),
        ("https://example.org/feed.rss", "application/xml", "example.org/feed-HASH.rss"),
        ("https://example.org/data.csv", "application/octet-stream", "example.org/data-HASH.csv"),
        ("https://example.org/pic", "image/jpeg", "example.org/pic-HASH.jpg"),
        ("https://example.org/pic.JPG", None, "example.org/pic-HASH.jpg"),
        ("http://example.org:8080/%E4%BD%A0", "application/json", "example.org_8080/你-HASH.json"),
        ("http://[::1]/x", None, "__1/x-HASH"),
        ("https://example.org/..%2f..%2fetc%2fpasswd", None, "example.org/passwd-HASH"),
    ],
)
def test_names_can_be_read(url, kind, name):
    """The host, the last part of the path, a hash of the URL, and an extension by the type."""
    assert hashed(NameTemplate(DEFAULT).name(outcome(url, content_type=kind))) == name


def test_two_urls_have_two_names_and_one_url_has_one():
    """The hash tells URLs and methods apart, and nothing else does."""
    template = NameTemplate(DEFAULT)
    assert template.unique
    assert template.name(outcome("https://example.org/a?x=1")) != template.name(outcome("https://example.org/a?x=2"))
    assert template.name(outcome(row={"line": 1})) == template.name(outcome(row={"line": 2}))
    assert template.name(outcome()) != NameTemplate(DEFAULT, "POST").name(outcome())


def test_a_template_takes_columns_and_formats():
    """Columns of the row stand beside the fields; a column that is missing is empty, and no slash comes out of one."""
    template = NameTemplate("{date}/{line:06}-{id}{missing}{{}}.{status}")
    made = template.name(outcome(row={"line": 7, "input": {"id": "a/../b"}}))
    assert made == "2023-11-14/000007-a_.._b{}.200"
    assert not template.unique
    assert NameTemplate("{hash:>20}").unique
    assert not NameTemplate("{hash:.4}").unique  # what is cut may be another URL's too
    assert NameTemplate("{date:%Y/%m}/x{missing:zz}").name(outcome()) == "2023_11/x"


def test_the_path_makes_folders():
    """Only {path} may have slashes of its own, and none of its parts leads up or hides."""
    template = NameTemplate("{path}")
    assert template.name(outcome("https://example.org/a/./b//c/")) == "a/_/b/c/index"
    assert template.name(outcome("https://example.org/%2e%2e/.git/config")) == "_/_.git/config"


@pytest.mark.parametrize(
    "text",
    [
        "page.html",
        "{",
        "{}",
        "{0.__class__}",
        "{host!r}",
        "{line:{x}}",
        "a{b[0]}",
        "{line:zz}",
        "{host:d}",
        "{sha256:,}",
        "{date:.7}",
    ],
)
def test_a_template_that_cannot_be_meant_is_refused(text):
    """Before anything is fetched."""
    with pytest.raises(UsageError, match=r"files\.name_template"):
        NameTemplate(text)


@given(st.text(max_size=400) | st.text(st.sampled_from("./\\ \x00a~-:é\ud800"), max_size=400))
def test_no_name_leads_out_or_is_refused_by_a_file_system(text):
    """Whatever is asked for: relative, no dots that lead, no control characters, no part that is too long."""
    name = safe_name(text, lambda: "hash")
    parts = name.split("/")
    assert len(name.encode()) <= MAX_NAME
    for part in parts:
        assert part
        assert part not in {".", ".."}
        assert part[0] not in ".-~ "
        assert part[-1] not in ". "
        assert len(part.encode()) <= MAX_PART
        assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in part)
        assert not set(part) & set('<>:"\\|?*')


def test_long_names_stay_two():
    """What is cut carries the hash, and the extension survives."""
    long = "x" * 300 + ".html"
    assert safe_name(long, lambda: "one") != safe_name(long, lambda: "two")
    assert safe_name(long, lambda: "one").endswith("-one.html")
    deep = "/".join(["folder"] * 300) + "/page.html"
    assert safe_name(deep, lambda: "one") == "folder/one-page.html"


@pytest.mark.parametrize(
    "name",
    [
        "CON", "nul.txt", "com1.html", "Aux", "con .txt", "AUX  .tar.gz", "LPT¹", "com².log", "COM³ .x", "conin$",
        "CONOUT$.txt", "clock$",
    ],
)  # fmt: skip
def test_names_that_windows_keeps_for_devices_get_an_underscore(name):
    """A folder may be copied to a machine where they cannot be opened."""
    assert safe_name(name, lambda: "hash") == f"_{name}"


@pytest.mark.parametrize("name", ["console.txt", "com10", "lpt", "nullable", "con-1", "aux_.txt", "conin", "comⁿ"])
def test_names_that_only_begin_as_a_devices_stay(name):
    """They can be opened on Windows."""
    assert safe_name(name, lambda: "hash") == name


@pytest.mark.parametrize(
    "name",
    ["scrapepool.toml", "pyproject.toml", "PyProject.TOML", "a/scrapepool.toml", "scrapepool.toml ", "scrapepool.toml.",
     "scrape\u200dpool.toml", "\uff50yproject.toml", "scrapepool.toml/x"],
)  # fmt: skip
def test_no_body_becomes_a_configuration_file(name):
    """A site cannot plant options for the next run where bodies go into the current folder."""
    made = safe_name(name, lambda: "hash").casefold().split("/")
    assert any(part.startswith("_") for part in made)
    assert not {"scrapepool.toml", "pyproject.toml"} & set(made)


def test_what_counts_as_an_extension():
    """Short, of letters and digits, and not the whole name."""
    assert [extension_of(text) for text in ("a.html", "a.tar.gz", ".bashrc", "a.b c", "v1.2/x", "a.")] == [
        ".html", ".tar.gz", "", "", "", "",
    ]  # fmt: skip


def test_hosts_are_folders():
    """A port that is not the usual one is part of the name."""
    host = HostKey("https", "example.org", 444)
    assert NameTemplate("{host}/{hash}").name(fetched(target=target(host=host))).startswith("example.org_444/")
