"""Content-Type and Content-Disposition parameters (RFC 2045, RFC 2231), well and badly written."""

import pytest

from postroom.mail.parameters import clean_filename, read, read_type


def filename(written: str | bytes) -> str:
    if isinstance(written, bytes):
        written = written.decode("latin-1")
    return read(written).params.get("filename", "")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("attachment; filename=report.pdf", "report.pdf"),
        ('attachment; filename="a \\"b\\" c.pdf"', 'a "b" c.pdf'),
        ("attachment; filename=two words.pdf", "two words.pdf"),
        ("attachment; filename=two words.pdf; size=10", "two words.pdf"),
        ('attachment; filename="open.pdf', "open.pdf"),
        ('attachment filename="no semicolon.pdf"', "no semicolon.pdf"),
        ("attachment; filename*=utf-8''na%C3%AFve%20file.txt", "naïve file.txt"),
        ("attachment; filename*=iso-8859-1'de'%FCber.txt", "über.txt"),
        ("attachment; filename*0=long; filename*1=name.txt", "longname.txt"),
        ("attachment; filename*0*=utf-8''%C3; filename*1*=%A9t%C3%A9; filename*2=.txt", "été.txt"),
        ("attachment; filename*1=b; filename*0=a", "ab"),
        ('attachment; filename="=?utf-8?Q?=C3=A9t=C3=A9.txt?="', "été.txt"),
        ("attachment; filename=latin.txt; filename*=utf-8''%C3%A9.txt", "é.txt"),
        ("attachment; filename*=bogus''%C3%A9.txt", "é.txt"),
        ("attachment; filename*=utf-8''bad%ZZ.txt", "bad%ZZ.txt"),
        ('attachment; filename="a;b.txt"', "a;b.txt"),
        ("attachment; FILENAME = spaced.txt", "spaced.txt"),
    ],
)
def test_file_names(written, meant):
    assert filename(written) == meant


def test_raw_bytes_in_a_file_name():
    assert filename('attachment; filename="été.txt"'.encode()) == "été.txt"
    assert filename('attachment; filename="été.txt"'.encode("latin-1")) == "été.txt"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TEXT/Plain; charset=utf-8", "text/plain"),
        ("text / html", "text/html"),
        (";;;===", ""),
        ("text", ""),
        ("*/*", ""),
        ("text/plain charset=utf-8", "text/plain"),
        ('image/png"><script>', "image/png"),
        ("", ""),
    ],
)
def test_types(written, meant):
    assert read_type(written).value == meant


def test_charsets_are_freed_of_comments_and_quotes():
    assert read("text/plain; charset=us-ascii (Plain text)").params["charset"] == "us-ascii"
    assert read("text/plain; charset='utf-8'").params["charset"] == "utf-8"
    assert read("text/plain charset=utf-8").params["charset"] == "utf-8"


@pytest.mark.parametrize(
    "written",
    [
        "multipart/mixed; boundary=a; boundary=b",
        "multipart/mixed; boundary*0=a; boundary*1=b",
        "multipart/mixed; boundary*0=a; boundary*0=b",
        'multipart/mixed; boundary="=?utf-8?q?a?="',
    ],
)
def test_a_boundary_that_readers_may_read_differently_is_ambiguous(written):
    assert read(written).ambiguous


def test_an_ordinary_boundary_is_not_ambiguous():
    assert not read('multipart/mixed; boundary="a"').ambiguous


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\TEMP\\photo.png", "photo.png"),
        ("/abs/file.txt", "file.txt"),
        ("~/x", "x"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("nul\x00byte.txt", "nulbyte.txt"),
        ("...", ""),
        ("..", ""),
        ("trailing. ", "trailing"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        (".htaccess", ".htaccess"),
        ("", ""),
        ("日本語.txt", "日本語.txt"),
    ],
)
def test_names_are_safe_to_show(written, shown):
    assert clean_filename(written) == shown


def test_long_names_keep_their_extension():
    shown = clean_filename("x" * 400 + ".pdf")
    assert len(shown) == 255
    assert shown.endswith(".pdf")
