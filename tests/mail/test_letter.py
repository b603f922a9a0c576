"""What a letter says: fields, the text to show, what it carries."""

import hashlib
from datetime import UTC, datetime

import pytest

from postroom.mail.letter import read
from tests.mail.letters import bound, letter, multipart


def test_the_fields_of_a_letter():
    found = letter(
        "Sender: bot@customer.example",
        "Reply-To: Ana <reply@customer.example>",
        "Cc: a@b.example, c@d.example",
        "Date: Tue, 18 Nov 2025 10:12:33 +0100",
        "Message-ID: <1@customer.example>",
        "In-Reply-To: <0@desk.example>",
        "References: <r1@desk.example>\r\n <r2@desk.example>",
    )
    assert found.from_.address == "ana@customer.example"
    assert found.from_.name == "Ana Lima"
    assert found.sender.address == "bot@customer.example"
    assert [one.address for one in found.reply_to] == ["reply@customer.example"]
    assert [one.address for one in found.to] == ["desk@desk.example"]
    assert [one.address for one in found.cc] == ["a@b.example", "c@d.example"]
    assert found.date == datetime(2025, 11, 18, 9, 12, 33, tzinfo=UTC)
    assert found.message_id == "1@customer.example"
    assert found.in_reply_to == ("0@desk.example",)
    assert found.references == ("r1@desk.example", "r2@desk.example")
    assert found.text == "Hello"
    assert found.html == ""
    assert found.attachments == ()
    assert found.defects == ()


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n\r\n", b" \t "])
def test_an_empty_letter_is_said_to_be_empty(raw):
    found = read(raw)
    assert found.defects == ("empty",)
    assert (found.subject, found.from_, found.date, found.text.strip(), found.attachments) == (
        "",
        None,
        None,
        "",
        (),
    )


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("<a b c>>>", "a b c"),
        ("<[", "["),
        ("no-brackets@x", "no-brackets@x"),
        ("<é@x>", "é@x"),
        ("<" + "x" * 2_000 + ">", "x" * 998),
    ],
)
def test_message_ids_are_opaque(written, read_as):
    assert letter(f"Message-ID: {written}").message_id == read_as


def test_ids_are_found_among_words():
    found = letter("In-Reply-To: Your letter of Monday <a@b>", "References: <a@b> <c@d> <a@b>")
    assert found.in_reply_to == ("a@b",)
    assert found.references == ("a@b", "c@d")


def test_repeated_fields_the_first_counts_and_cc_adds_up():
    found = letter("From: other@x.example", "To: second@x.example", "Cc: a@x.example", "Cc: b@x.example")
    assert found.from_.address == "ana@customer.example"
    assert [one.address for one in found.to] == ["desk@desk.example"]
    assert [one.address for one in found.cc] == ["a@x.example", "b@x.example"]
    assert "dup-header" in found.defects


def test_an_alternative_gives_both_texts():
    found = multipart(
        "Content-Type: text/html\n\n<p>Hello</p>", "Content-Type: text/plain\n\nHello", "Content-Type: text/calendar\n\nBEGIN:VCALENDAR",
        kind="alternative",
    )  # fmt: skip
    assert found.text == "Hello"
    assert found.html == "<p>Hello</p>"
    assert [one.type for one in found.attachments] == ["text/calendar"]


def test_text_between_pictures_is_shown_in_order():
    picture = "Content-Type: image/jpeg; name=a.jpg\nContent-Disposition: inline\n\nxx"
    text = "Content-Type: text/plain\n\n"
    found = multipart(text + "one", picture, text + "two", picture, text + "three")
    assert found.text == "one\ntwo\nthree"
    assert [one.inline for one in found.attachments] == [True, True]


def test_a_text_file_is_an_attachment():
    found = multipart(
        "Content-Type: text/plain\n\nHello",
        "Content-Type: text/plain; name=log.txt\n\nlog",
        "Content-Type: text/plain\nContent-Disposition: attachment\n\nmore",
    )
    assert found.text == "Hello"
    assert [one.name for one in found.attachments] == ["log.txt", ""]


def test_pictures_of_the_html_are_inline_attachments():
    inner = bound(
        "Content-Type: text/html\n\n<img src=cid:p1>",
        "Content-Type: image/png; name=p.png\nContent-ID: <p1>\n\nxx",
        boundary="rel",
    ).decode()
    found = multipart(
        f"Content-Type: multipart/related; boundary=rel\n\n{inner}",
        "Content-Type: application/pdf; name=a.pdf\n\nxx",
    )
    assert found.html == "<img src=cid:p1>"
    assert [(one.name, one.inline, one.content_id) for one in found.attachments] == [
        ("p.png", True, "p1"),
        ("a.pdf", False, ""),
    ]


def test_a_letter_that_is_only_a_file_is_an_attachment():
    found = letter("Content-Type: application/pdf; name=a.pdf", body="%PDF")
    assert found.text == ""
    assert found.attachments[0].name == "a.pdf"
    assert found.attachments[0].sha256() == hashlib.sha256(b"%PDF").hexdigest()
    assert found.attachments[0].size == 4


def test_a_letter_that_is_only_an_invitation_carries_it():
    found = letter("Content-Type: text/calendar; method=REQUEST", body="BEGIN:VCALENDAR")
    assert [one.type for one in found.attachments] == ["text/calendar"]


@pytest.mark.parametrize("written", [";;;===", "text", "*/*", "", "plain"])
def test_a_nonsense_type_is_shown_as_text(written):
    assert letter(f"Content-Type: {written}").text == "Hello"


def test_a_uuencoded_block_stays_text():
    body = "See\r\nbegin 644 x.exe\r\n#0V%T\r\n`\r\nend\r\n"
    found = letter(body=body)
    assert "begin 644 x.exe" in found.text
    assert found.attachments == ()


def test_flowed_paragraphs_are_one_line():
    found = letter(
        "Content-Type: text/plain; format=flowed",
        body="One \r\nlong \r\nline\r\n\r\n> kept \r\n> apart\r\n-- \r\nAna\r\n",
    )
    assert found.text == "One long line\n\n> kept \n> apart\n-- \nAna\n"


def test_text_is_free_of_nul_and_carriage_returns():
    assert letter(body=b"a\0b\r\nc\rd").text == "ab\nc\nd"


def test_a_name_without_an_address_is_still_who_wrote():
    found = read(b"From: MAILER-DAEMON <>\n\n")
    assert (found.from_.name, found.from_.address) == ("MAILER-DAEMON", "")
    assert "no-sender" in found.defects


def test_defects_come_sorted_and_once():
    found = letter("From: b@c.example", "Content-Type: text/plain; charset=foo-bar", body="é")
    assert found.defects == ("charset-guess", "dup-header")
