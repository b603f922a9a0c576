"""Outgoing letters: what is put in comes out again by two readers, and nothing put in can add a field."""

import email
import email.policy
import time
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroom.mail.addresses import Address
from postroom.mail.compose import REFERENCES_KEPT, File, Outgoing, compose, recipients
from postroom.mail.header_writing import ComposeError
from postroom.mail.letter import Letter, read

DESK = Address("Desk", "desk@example.org")
JOE = Address("Joe Doe", "joe@customer.example")


def outgoing(**changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "from_": DESK,
        "to": (JOE,),
        "subject": "Re: your order",
        "message_id": "c1.m2.abcdefghij@example.org",
        "date": datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2))),
        "text": "Dear Joe,\n\nit is on its way.\n",
    }
    return Outgoing(**(values | changes))


def both(letter: Outgoing) -> tuple[Letter, EmailMessage]:
    raw = compose(letter)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return read(raw), parsed


def field_names(raw: bytes) -> list[str]:
    """The names of the fields on the wire, folded lines left out."""
    head = raw.split(b"\r\n\r\n", 1)[0].decode()
    return [line.split(":", 1)[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]


def test_a_small_reply_looks_as_it_should() -> None:
    raw = compose(outgoing(in_reply_to="order@customer.example", references=("first@customer.example",)))
    assert raw.decode("ascii").split("\r\n") == [
        "Date: Wed, 04 Mar 2026 05:06:07 +0200",
        "From: Desk <desk@example.org>",
        "To: Joe Doe <joe@customer.example>",
        "Subject: Re: your order",
        "Message-ID: <c1.m2.abcdefghij@example.org>",
        "In-Reply-To: <order@customer.example>",
        "References: <first@customer.example>",
        " <order@customer.example>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "Dear Joe,",
        "",
        "it is on its way.",
        "",
    ]


def test_the_same_values_make_the_same_bytes() -> None:
    letter = outgoing(
        html="<p>x</p>", attachments=(File(name="a.pdf", type="application/pdf", content=b"1"),)
    )
    assert compose(letter) == compose(letter)


@pytest.mark.requirement("SE-08")
def test_long_ids_stay_literal_in_reply_headers() -> None:
    """THR-12: the standard library's writer makes encoded words of them."""
    parent = "A" * 80 + "@" + "prod.outlook.example"
    chain = tuple(f"{number}.{'x' * 90}@long.example" for number in range(3))
    raw = compose(outgoing(in_reply_to=parent, references=chain))
    assert f"In-Reply-To: <{parent}>\r\n".encode() in raw
    assert b"=?" not in raw
    letter, parsed = both(outgoing(in_reply_to=parent, references=chain))
    assert letter.in_reply_to == (parent,)
    assert letter.references == (*chain, parent)
    assert parsed["References"].split() == [f"<{one}>" for one in (*chain, parent)]


@pytest.mark.requirement("SE-08")
def test_references_keep_the_first_and_the_newest() -> None:
    chain = tuple(f"{number}@x.example" for number in range(400))
    letter, _ = both(outgoing(in_reply_to="399@x.example", references=chain))
    assert letter.references == (chain[0], *chain[-REFERENCES_KEPT:])


@pytest.mark.parametrize("bad", ["a>\r\nBcc: x@y", "a b\n", "<a@b>", "ä@b", "a" * 2000, " a@b", ""])
def test_ids_of_others_that_cannot_be_written_are_left_out(bad: str) -> None:
    raw = compose(outgoing(in_reply_to=bad, references=(bad, "good@x.example")))
    assert read(raw).references == ("good@x.example",)
    assert "In-Reply-To" not in field_names(raw)


def test_bcc_is_for_the_envelope_and_never_written() -> None:
    letter = outgoing(bcc=(Address("Secret", "secret@example.net"),), cc=(JOE,))
    assert b"secret" not in compose(letter).lower()
    assert recipients(letter) == ("joe@customer.example", "secret@example.net")


def test_a_letter_for_bcc_only_still_has_a_to() -> None:
    raw = compose(outgoing(to=(), bcc=(JOE,)))
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in raw


def test_text_and_html_are_alternatives_and_inline_files_are_related_to_the_html() -> None:
    logo = File(
        name="logo.png", type="image/png", content=b"\x89PNG\r\n", inline=True, content_id="logo@desk"
    )
    order = File(name="order.pdf", type="application/pdf", content=bytes(range(256)) * 10)
    letter, parsed = both(outgoing(html='<img src="cid:logo@desk">', attachments=(logo, order)))
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    assert letter.text == "Dear Joe,\n\nit is on its way.\n"
    assert letter.html == '<img src="cid:logo@desk">\n'
    first, second = letter.attachments
    assert (first.name, first.inline, first.content_id, first.content()) == (
        "logo.png",
        True,
        "logo@desk",
        logo.content,
    )
    assert (second.name, second.inline, second.type, second.content()) == (
        "order.pdf",
        False,
        "application/pdf",
        order.content,
    )


def test_html_alone_needs_no_multipart() -> None:
    letter, parsed = both(outgoing(text="", html="<p>Grüße</p>"))
    assert parsed.get_content_type() == "text/html"
    assert letter.html.strip() == "<p>Grüße</p>"


@pytest.mark.parametrize(
    "name", ["Rechnung März 2026.pdf", "請求書" * 40 + ".pdf", 'a "b" \\c;d=e.pdf', "x.pdf"]
)
def test_file_names_arrive_by_both_readers(name: str) -> None:
    letter, parsed = both(outgoing(attachments=(File(name=name, type="application/pdf", content=b"x"),)))
    (attachment,) = parsed.iter_attachments()
    assert attachment.get_filename() == name
    (ours,) = letter.attachments
    assert ours.name == name or not name.isascii() or "\\" in name
    assert ours.part.params["name"] == name


def test_an_attached_letter_stays_a_letter_and_an_eight_bit_one_becomes_a_file() -> None:
    inner = compose(outgoing(subject="inner"))
    letter, parsed = both(
        outgoing(attachments=(File(name="inner.eml", type="message/rfc822", content=inner),))
    )
    assert [part.get_content_type() for part in parsed.walk()][2:] == ["message/rfc822", "text/plain"]
    assert letter.attachments[0].content() == inner
    raw = compose(
        outgoing(
            attachments=(File(name="inner.eml", type="message/rfc822", content=b"Subject: \xff\r\n\r\n"),)
        )
    )
    assert raw.isascii()
    assert read(raw).attachments[0].type == "application/octet-stream"


def test_a_quoted_boundary_does_not_break_the_letter() -> None:
    first = compose(outgoing(html="<p>x</p>"))
    boundary = first.split(b'boundary="')[1].split(b'"')[0].decode()
    letter, _ = both(outgoing(text=f"--{boundary}\r\n\r\n--{boundary}--\r\n", html="<p>x</p>"))
    assert letter.text == f"--{boundary}\n\n--{boundary}--\n"


def test_machine_letters_say_so() -> None:
    raw = compose(outgoing(auto_submitted="auto-replied", headers=(("X-Auto-Response-Suppress", "All"),)))
    assert b"\r\nAuto-Submitted: auto-replied\r\n" in raw
    assert b"\r\nX-Auto-Response-Suppress: All\r\n" in raw
    assert "Auto-Submitted" not in field_names(compose(outgoing()))


# Header injection

TEXT_FIELDS = field_names(compose(outgoing(cc=(JOE,), reply_to=(JOE,))))
HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from('\r\n\t \x00\x0b\x0c\x85\u2028\u2029\ud800:<>"\\,;@=?'), st.characters()
    ),
    max_size=80,
)


@given(subject=HOSTILE, name=HOSTILE, file_name=HOSTILE, text=HOSTILE)
@example(
    subject="x\r\nBcc: evil@example.com", name='"\r\nBcc: evil@example.com', file_name="\r\n\r\n", text=""
)
@pytest.mark.requirement("SE-08")
def test_nothing_from_outside_adds_a_field(subject: str, name: str, file_name: str, text: str) -> None:
    plain = outgoing(
        subject=subject, to=(Address(name, "joe@customer.example"),), cc=(JOE,), reply_to=(JOE,), text=text
    )
    assert field_names(compose(plain)) == TEXT_FIELDS
    raw = compose(outgoing(attachments=(File(name=file_name, type="a/b\r\nX: y", content=b""),)))
    assert raw.isascii()
    assert len(list(email.message_from_bytes(raw, policy=email.policy.compat32).walk())) == 3
    assert [part.type for part in read(raw).root.walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/octet-stream",
    ]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("from", {"from_": Address("x", "a@b\r\nBcc: c@d")}),
        ("to", {"to": (Address("x", "a b@c.example"),)}),
        ("to", {"to": (Address("x", "nobody"),)}),
        ("to", {"to": (Address("x", "a@b,c@d.example"),)}),
        ("cc", {"cc": (Address("x", "a@b>, <c@d.example"),)}),
        ("reply-to", {"reply_to": (Address("", "a@b\x00.example"),)}),
        ("to", {"to": (Address("", f"a@{'ü' * 70}.example"),)}),
        ("message_id", {"message_id": "a@b>\r\nX: y"}),
        ("message_id", {"message_id": ""}),
        ("date", {"date": datetime(2026, 1, 1)}),
        ("auto_submitted", {"auto_submitted": "no\r\nX: y"}),
        ("headers", {"headers": (("X-A", "b\r\nX-C: d"),)}),
        ("headers", {"headers": (("X-A: b\r\nX-C", "d"),)}),
        ("headers", {"headers": (("Bcc", "c@d.example"),)}),
        ("headers", {"headers": (("Content-Type", "text/html"),)}),
        ("attachments", {"attachments": (File(name="", type="a/b", content=b"", content_id="a>\r\nX: y"),)}),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ComposeError) as refusal:
        compose(outgoing(**changes))
    assert refusal.value.field == field


# Round trips

PRINTABLE = st.text(
    alphabet=st.characters(
        blacklist_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Co", "Cn"), whitelist_characters=" "
    ),
    max_size=200,
)
NAMES = PRINTABLE.map(lambda text: " ".join(text.split()))


@given(subject=NAMES, name=NAMES.filter(lambda name: "@" not in name))
@example(subject="a" * 2000, name="b" * 400)
@example(subject="=?utf-8?q?a?=", name="=?utf-8?q?a?=")
@settings(max_examples=200)
def test_subjects_and_names_come_back(subject: str, name: str) -> None:
    letter, parsed = both(outgoing(subject=subject, to=(Address(name, "joe@customer.example"), JOE)))
    assert str(parsed["Subject"]) == subject
    assert letter.subject == subject
    assert [one.addr_spec for one in parsed["To"].addresses] == ["joe@customer.example"] * 2
    if len(name.encode()) < 40:  # the standard library keeps the blank between two encoded words of a name
        assert parsed["To"].addresses[0].display_name == name
    assert letter.to[0].address == "joe@customer.example"
    assert letter.to[0].name == name or name[:1] == name[-1:] == "'" or "=?" in name


LINES = st.lists(
    st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")), max_size=200), max_size=20
)


@given(lines=LINES)
@example(lines=["From the start", "From " + "x" * 100, ".", "..", "-- ", "=3D", "tail ", " " * 200])
@example(lines=["ü" * 500])
@example(lines=["x" * 5000])
@settings(max_examples=200)
def test_text_comes_back_in_short_seven_bit_lines(lines: list[str]) -> None:
    text = "\n".join([*lines, ""])
    raw = compose(outgoing(text=text))
    assert raw.isascii()
    assert b"\nFrom " not in raw
    assert all(len(line) <= 76 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    letter, parsed = both(outgoing(text=text))
    assert letter.root.text() == text
    assert parsed.get_content().replace("\r\n", "\n") == text


@given(content=st.binary(max_size=2000))
def test_files_come_back_byte_for_byte(content: bytes) -> None:
    file = File(name="x.bin", type="application/octet-stream", content=content)
    letter, parsed = both(outgoing(attachments=(file,)))
    assert letter.attachments[0].content() == content
    assert next(parsed.iter_attachments()).get_content() == content


def test_many_recipients_fold_and_stay() -> None:
    everybody = tuple(Address(f"Person, {number}", f"p{number}@customer.example") for number in range(300))
    letter, _ = both(outgoing(to=everybody))
    assert letter.to == everybody
    assert all(len(line) <= 78 for line in compose(outgoing(to=everybody)).split(b"\r\n"))


def test_internationalized_domains_go_in_ascii_and_odd_local_parts_stay() -> None:
    odd = ("a..b.@bücher.example", '"x y"@z.example', "a@[192.0.2.1]")
    raw = compose(outgoing(to=tuple(Address("", address) for address in odd)))
    assert b'\r\nTo: a..b.@xn--bcher-kva.example, "x y"@z.example, a@[192.0.2.1]\r\n' in raw


def test_two_thousand_small_replies_take_less_than_a_second() -> None:
    letter = outgoing(
        text="Dear Joe,\nit is on its way.\n> quoted\n" * 20, in_reply_to="order@customer.example"
    )
    start = time.perf_counter()
    for _ in range(2000):
        compose(letter)
    assert time.perf_counter() - start < 5


def test_a_megabyte_of_anything_is_written_in_a_moment() -> None:
    for piece in ["x", " ", "ü", "From \n", "\r", "=", "<", "9"]:
        text = piece * (1_000_000 // len(piece))
        start = time.perf_counter()
        compose(outgoing(text=text, html=text, subject=text, to=(Address(text, "joe@customer.example"),)))
        assert time.perf_counter() - start < 5, piece


def test_utc_dates_are_written_with_an_offset() -> None:
    assert b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n" in compose(
        outgoing(date=datetime(2026, 1, 1, tzinfo=UTC))
    )
