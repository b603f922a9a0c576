"""The letters of strangers in our pages: nothing of them runs, nothing loads unasked, every file is only a download."""

from __future__ import annotations

import pytest
from django.test import Client

from postroom.actions import work
from postroom.models import Case, Message, MessageKind
from postroom.reports.thread import badges
from tests.web.seed import HTML, PIXEL, Desk, letter, receive

pytestmark = pytest.mark.django_db


def open_case(client: Client, office: Desk, **more: object) -> tuple[Case, Message]:
    case = receive(office, letter(**more))  # type: ignore[arg-type]
    client.force_login(office.maya)
    work.pull(by=office.maya, interaction=case.interactions.get())
    return case, case.messages.get(kind=MessageKind.IN)


@pytest.mark.requirement("AG-01")
def test_html_is_shown_in_a_document_that_can_run_and_load_nothing(client: Client, office: Desk) -> None:
    case, message = open_case(client, office, html=HTML)
    answer = client.get(f"/messages/{message.pk}/body")
    policy, page = answer["Content-Security-Policy"], answer.content.decode()
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:;" in policy
    assert "script" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox allow-same-origin" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in page
    assert "images.example" not in page
    assert "my invoice" in page
    frame = client.get(f"/case/{case.pk}").content.decode()
    assert f'<iframe src="/messages/{message.pk}/body"' in frame
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox allow-same-origin"' in frame
    assert "2 images blocked, 1 is a tracker" in frame


def test_images_of_other_servers_load_only_when_asked_for(client: Client, office: Desk) -> None:
    _, message = open_case(client, office, html=HTML)
    answer = client.get(f"/messages/{message.pk}/body?images=1")
    assert "img-src 'self' data: https: http:" in answer["Content-Security-Policy"]
    assert "https://images.example/banner.png" in answer.content.decode()
    assert "images.example" not in client.get(f"/messages/{message.pk}/body").content.decode()


def test_a_trusted_sender_is_remembered_for_this_person_only(client: Client, office: Desk) -> None:
    case, message = open_case(client, office, html=HTML)
    assert client.post(f"/messages/{message.pk}/trust").status_code == 302
    assert "images.example" in client.get(f"/messages/{message.pk}/body").content.decode()
    assert "blocked" not in client.get(f"/case/{case.pk}").content.decode()
    client.force_login(office.sam)
    assert "images.example" not in client.get(f"/messages/{message.pk}/body").content.decode()


def test_attached_images_are_shown_inside_the_letter(client: Client, office: Desk) -> None:
    case, message = open_case(client, office, html=HTML)
    inline = message.attachments.get(content_id__contains="logo")
    assert f'src="/files/{inline.pk}/inline"' in client.get(f"/messages/{message.pk}/body").content.decode()
    picture = client.get(f"/files/{inline.pk}/inline")
    assert (picture["Content-Type"], picture.content) == ("image/png", PIXEL)
    # It is part of the letter, so there is no card for it.
    assert f'href="/files/{inline.pk}"' not in client.get(f"/case/{case.pk}").content.decode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evil.html", b"<script>alert(1)</script>"),
        ("evil.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("evil.png", b"<html><script>alert(1)</script></html>"),
        ("evil.pdf", b"%PDF-1.4"),
        ('na\u00efve \u2603 "quote".txt', b"text"),
        ("line\r\nbreak.txt", b"text"),
    ],
)
def test_every_file_is_a_download_that_cannot_become_a_page(
    client: Client, office: Desk, name: str, content: bytes
) -> None:
    case, message = open_case(client, office, files={"x.pdf": content})
    file = message.attachments.get()
    type(file).objects.filter(pk=file.pk).update(name=name, type="text/html")
    answer = client.get(f"/files/{file.pk}")
    assert answer.content == content
    assert answer["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert client.get(f"/files/{file.pk}/inline").status_code == 404
    assert client.get(f"/case/{case.pk}").status_code == 200


def test_the_original_is_there_byte_for_byte(client: Client, office: Desk) -> None:
    raw = letter(html=HTML).as_bytes()
    case, message = open_case(client, office, html=HTML)
    answer = client.get(f"/messages/{message.pk}/raw")
    assert answer["Content-Disposition"] == f'attachment; filename="message-{message.pk}.eml"'
    assert len(answer.content) == message.letter.size  # type: ignore[union-attr]
    assert answer.content.startswith(b"From: Jonas Weber <jonas.weber@mailbox.example>")
    assert len(raw) > 100
    assert case.messages.count() == 1


def test_files_of_cases_out_of_sight_are_not_there(client: Client, office: Desk) -> None:
    case = receive(office, letter(files={"a.pdf": b"%PDF"}), queue=office.returns)
    file = case.messages.get().attachments.get()
    client.force_login(office.maya)
    for address in (f"/files/{file.pk}", f"/files/{file.pk}/inline"):
        assert client.get(address).status_code == 404
    assert client.post(f"/files/{file.pk}/remove").status_code == 404
    client.force_login(office.ben)
    assert client.get(f"/files/{file.pk}").status_code == 200
    assert client.post(f"/files/{file.pk}/remove").status_code == 409


def test_plain_text_is_escaped_linked_and_its_quotes_are_folded(client: Client, office: Desk) -> None:
    case, _ = open_case(
        client,
        office,
        text="See <b>https://shop.example/a</b>\n\nOn 12 Nov 2026 at 10:00 we wrote:\n> Old words\n> of ours\n",
    )
    page = client.get(f"/case/{case.pk}").content.decode()
    assert "&lt;b&gt;" in page
    assert 'href="https://shop.example/a' in page
    head, _, folded = page.partition('<details class="quoted">')
    assert "Old words" in folded
    assert "Old words" not in head.partition('class="msg-b"')[2]


def test_quoted_html_stands_behind_a_button(client: Client, office: Desk) -> None:
    html = '<p>New words</p><div class="gmail_quote"><div class="gmail_attr">On 12 Nov 2026 we wrote:</div><blockquote class="gmail_quote"><p>Old words</p></blockquote></div>'
    _, message = open_case(client, office, html=html)
    said, _, quoted = client.get(f"/messages/{message.pk}/body").content.decode().partition("<details>")
    assert "New words" in said
    assert "Old words" in quoted


def test_a_letter_without_colours_follows_the_theme_and_one_with_colours_lies_on_white(
    client: Client, office: Desk
) -> None:
    plain, coloured = (
        open_case(client, office, html="<p>Hello</p>")[1],
        open_case(client, office, html='<p style="color:#c00">Hello</p>')[1],
    )
    assert '<html class="theme">' in client.get(f"/messages/{plain.pk}/body").content.decode()
    assert '<html class="white">' in client.get(f"/messages/{coloured.pk}/body").content.decode()


def test_a_damaged_store_is_a_404_and_not_a_crash(client: Client, office: Desk) -> None:
    case, message = open_case(client, office, html=HTML, files={"a.pdf": b"%PDF"})
    letter_row = message.letter
    assert letter_row is not None
    type(letter_row).objects.filter(pk=letter_row.pk).update(blob="gone:1:2")
    file = message.attachments.first()
    assert file is not None
    assert client.get(f"/messages/{message.pk}/body").status_code == 404
    assert client.get(f"/files/{file.pk}").status_code == 404
    assert client.get(f"/case/{case.pk}").status_code == 200


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("message/delivery-status", "Delivery report"),
        ("text/rfc822-headers", "Head of the returned letter"),
        ("application/x-unheard-of", "file"),
    ],
)
def test_a_file_without_a_name_is_called_what_it_is(
    client: Client, office: Desk, type_: str, name: str
) -> None:
    case, message = open_case(client, office, files={"x.pdf": b"%PDF"})
    message.attachments.update(name="file", type=type_)
    assert f'<span dir="auto">{name}</span>' in client.get(f"/case/{case.pk}").content.decode()
    assert name in client.get(f"/files/{message.attachments.get().pk}")["Content-Disposition"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["automatic:auto-reply"], ["Automatic reply"]),
        (["automatic:list"], ["Mailing list"]),
        (["automatic:bulk"], ["Bulk mail"]),
        (["automatic:auto-generated"], ["Written by a program"]),
        (["automatic:auto-reply", "bounce"], ["Returned mail"]),
    ],
)
def test_what_is_odd_about_a_letter_is_said_once_in_words(flags: list[str], said: list[str]) -> None:
    assert badges(Message(flags=flags)) == said
