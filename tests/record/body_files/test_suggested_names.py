import pytest

from scrapepool.model import Fetched, HostKey, Target
from scrapepool.record.body_files.file_names import NameTemplate, unknown_fields
from scrapepool.record.body_files.suggested_names import disposition_name, page_title

TARGET = Target("http://a/dir/x.bin", HostKey("http", "a", 80), "/dir/x.bin")


def response(disposition=None, **fields):
    headers = None if disposition is None else [("content-disposition", disposition)]
    return Fetched(target=TARGET, status=200, headers=headers, **fields)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="report 1.pdf"', "report 1.pdf"),
        ("attachment; filename=report.pdf; size=3", "report.pdf"),
        ("attachment; filename=\"a.pdf\"; filename*=UTF-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        ("attachment; filename*=iso-8859-1'en'%A3.txt", "£.txt"),
        ("attachment; filename*=utf-8''%ff.txt; filename=b.txt", "b.txt"),
        ("attachment; filename*=klingon''x", None),
        ('attachment; filename="\xc3\xa4.txt"', "ä.txt"),
        ('attachment; filename="\xe4.txt"', "ä.txt"),
        ('inline; filename="a\\"b.txt"', 'a"b.txt'),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\x.doc"', "x.doc"),
        ('attachment; filename=".."', None),
        ("inline", None),
        (None, None),
    ],
)
def test_a_name_by_content_disposition(disposition, name):
    """filename* first; no folder of it stays."""
    assert disposition_name(response(disposition)) == name


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"<TITLE id=t>\n Pens &amp; more\t</Title>", "Pens & more"),
        ("<title>Ä</title>".encode("latin-1"), "Ä"),
        (b"<title> </title>", None),
        (b"<h1>x</h1>", None),
        (b"", None),
        (None, None),
    ],
)
def test_the_title_of_a_page(body, title):
    """With collapsed white space and without references."""
    assert page_title(response(body=body)) == title


def test_names_are_made_safe():
    """Whatever a server suggests; without a suggestion the name is that of the path."""
    template = NameTemplate("{host}/{disposition}")
    assert template.name(response('attachment; filename="CON.txt"')) == "a/_CON.txt"
    assert template.name(response('attachment; filename="a\x1b:b"')) == "a/a_b"
    assert template.name(response()) == "a/x.bin"
    assert NameTemplate("{title}{ext}").name(response(body=b"<title>a/b: c?</title>")) == "a_b_ c_.bin"
    assert NameTemplate("{title}{ext}").name(response()) == "x.bin"


def test_fields_that_nothing_fills_in():
    """The message names the field that was meant; columns of the lists are fields."""
    assert unknown_fields("{hots}/{hash}", ()) == (
        "{hots} is neither a field nor a column of the lists; did you mean {host}?"
    )
    assert (unknown_fields("{zzz}", ()) or "").startswith(
        "{zzz} is neither a field nor a column of the lists; fields are host"
    )
    assert unknown_fields("{sku}/{hash}", ("sku",)) is None
    template = NameTemplate("{sku}-{hash:.3}")
    template.name(response())
    assert template.missing == {"sku"}
