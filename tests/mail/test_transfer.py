"""Transfer encodings, whole and broken."""

from binascii import b2a_base64

import pytest

from postroom.mail.transfer import decode, is_clean_base64


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"SGVsbG8=", b"Hello"),
        (b"SGVs\r\nbG8=\r\n", b"Hello"),
        (b"SGVsbG8", b"Hello"),
        (b"SGVs!bG8=", b"Hello"),
        (b"SGVsbG8gV29ybGQhA", b"Hello World!"),
        (b"SGVs\nbG8=\nSGVsbG8=", b"HelloHello"),
        (b"SGVsbG8=\n-- \nA list, with a footer of words.\n", b"Hello"),
        (
            b"This text only claims to be base64, it is not.",
            b"This text only claims to be base64, it is not.",
        ),
        (b"", b""),
        (b"====", b""),
    ],
)
def test_base64(written, meant):
    assert decode(written, "base64") == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"Gr=C3=BC=\r\nn", "Grün".encode()),
        (b"soft=  \r\nbreak", b"softbreak"),
        (b"100% =ZZ =", b"100% =ZZ "),
        (b"=e9", b"\xe9"),
        (b"under_score", b"under_score"),
    ],
)
def test_quoted_printable(written, meant):
    assert decode(written, "quoted-printable") == meant


def test_uuencode_with_short_and_long_lines():
    assert decode(b"begin 644 x\n#0V%T\n`\nend\n", "x-uuencode") == b"Cat"
    assert decode(b"begin 644 x\n#0V%T  \n`\nend\n", "x-uuencode") == b"Cat"


def test_unknown_encodings_leave_the_bytes():
    assert decode(b"a=20b", "x-strange") == b"a=20b"


def test_dirty_base64_is_told_from_clean():
    assert is_clean_base64(b2a_base64(b"Hello" * 50))
    assert not is_clean_base64(b"SGVs!G8=")
    assert not is_clean_base64(b"SGVsb")
