"""Header blocks as they are really sent: folded, repeated, misspelt, 8-bit, cut off."""

import pytest

from postroom.mail import limits
from postroom.mail.headers import Headers
from postroom.mail.letter import read
from tests.mail.letters import letter


def test_a_folded_field_is_one_line():
    assert letter("X-Note: one\r\n two\r\n\tthree").headers.get("x-note") == "one two three"


def test_names_are_found_in_any_case_and_listed_in_order():
    headers = Headers(b"B: 1\nA: 2\nb: 3")
    assert headers.get("b") == "1"
    assert headers.all("B") == ["1", "3"]
    assert headers.names == ["b", "a"]
    assert list(headers.items()) == [("B", "1"), ("A", "2"), ("b", "3")]
    assert "a" in headers
    assert "c" not in headers
    assert headers.get("c") == ""
    assert headers.raw("c") is None


def test_a_space_before_the_colon_is_forgiven_and_the_later_fields_are_found():
    found = read(b"From : Ana <ana@customer.example>\nSubject : x\nTo: desk@desk.example\n\nHello")
    assert (found.from_.address, found.subject, found.to[0].address) == (
        "ana@customer.example",
        "x",
        "desk@desk.example",
    )
    assert "header-defect" in found.defects


def test_junk_between_fields_is_skipped():
    found = read(b"From: a@b.example\nthis line is junk\nSubject: later\n\nbody\n")
    assert found.subject == "later"
    assert found.text == "body\n"


def test_a_forgotten_blank_line_does_not_swallow_the_text():
    found = read(b"From: a@b.example\nSubject: x\nDear desk, my order\nhas not arrived.\n\nAna\n")
    assert found.subject == "x"
    assert found.text.startswith("Dear desk")
    assert "Ana" in found.text


def test_a_forgotten_blank_line_before_the_first_part_is_seen():
    found = read(
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\nThis is a multi-part message.\n"
        b"--x\nContent-Type: text/plain\n\nHello\n--x--\n"
    )
    assert found.text == "Hello"


def test_a_parameter_whose_fold_was_lost_still_belongs_to_its_field():
    found = read(b'From: a@b.example\nContent-Type: multipart/mixed;\nboundary="x"\n\n--x\n\nHello\n--x--\n')
    assert found.text == "Hello"


def test_a_first_line_that_begins_with_a_space_is_ignored():
    assert read(b" lost\nSubject: x\n\nbody").subject == "x"


@pytest.mark.parametrize(
    "mark",
    [b"From ana@b.example Mon Jan  1 10:00:00 2024\n", b">From ana Mon\n", b"\xef\xbb\xbf", b"\r\n\r\n"],
)
def test_marks_before_the_first_field_are_skipped(mark):
    found = read(mark + b"Subject: x\n\nbody")
    assert (found.subject, found.text) == ("x", "body")


def test_a_letter_in_utf16_is_read():
    assert read("Subject: Grüße\n\nHallo".encode("utf-16")).subject == "Grüße"


def test_raw_utf8_and_latin1_in_a_field_are_read():
    assert read("Subject: Grüße".encode() + b"\n\n").subject == "Grüße"
    assert read("Subject: Grüße".encode("latin-1") + b"\n\n").subject == "Grüße"


def test_raw_bytes_are_read_in_the_charset_the_body_declares():
    raw = "Subject: привет".encode("koi8-r") + b"\nContent-Type: text/plain; charset=koi8-r\n\nbody"
    assert read(raw).subject == "привет"


def test_controls_become_spaces():
    assert read(b"Subject: a\x00b\x07c\n\n").subject == "a b c"


def test_lone_carriage_returns_end_lines_only_where_all_lines_do():
    assert read(b"Subject: x\rBcc: y@z.example\r\rbody\rtwo").text == "body\ntwo"
    mixed = read(b"From: a@b.example\rBcc: y@z.example\nSubject: s\n\nbody")
    assert mixed.bcc == ()
    assert mixed.subject == "s"
    assert "line-endings" in mixed.defects


def test_doubled_carriage_returns_are_one_line_end():
    found = read(b"Subject: x\r\r\nTo: a@b.example\r\r\n\r\r\nbody\r\r\ntwo")
    assert (found.subject, found.to[0].address, found.text) == ("x", "a@b.example", "body\ntwo")


def test_ordinary_line_ends_raise_no_flag():
    assert letter().defects == ()


def test_too_much_header_is_cut_and_flagged():
    for raw in (
        b"Subject: " + b"x" * (limits.HEADER_BYTES + 50) + b"\n\nbody",
        b"X: y\n" * (limits.HEADER_LINES + 5) + b"Subject: x\n\nbody",
        b"Subject: x\n" + b"X: " + b"y" * (limits.HEADERS_BYTES + 50) + b"\n\nbody",
    ):
        found = read(raw)
        assert "header-limit" in found.defects
        assert found.text == "body"
        assert len(found.subject) <= limits.HEADER_BYTES


def test_a_letter_without_any_field_is_all_body():
    assert read(b"Just some text\nin two lines\n").text == "Just some text\nin two lines\n"
