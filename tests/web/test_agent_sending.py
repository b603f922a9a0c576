"""Writing and sending from the workspace: drafts, files, collisions, double presses, taking back; with scripts and without."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from postroom.actions import work
from postroom.actions.notes import add_note
from postroom.models import (
    Attachment,
    Case,
    CaseState,
    Interaction,
    InteractionState,
    Message,
    MessageKind,
    OutState,
)
from tests.web.seed import Desk, letter, receive

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture
def case(office: Desk, client: Client) -> Case:
    """A case in Maya's hands, who is signed in."""
    found = receive(
        office, letter(files={"statement.pdf": b"%PDF-1.4 made up"}, cc="Ana <ana@mailbox.example>")
    )
    client.force_login(office.maya)
    return work.pull(by=office.maya, interaction=found.interactions.get()).case


def form(case: Case, **more: str) -> dict[str, str]:
    """What the composer posts."""
    newest = case.messages.exclude(state=OutState.DRAFT).latest("pk").pk
    return {
        "mode": "reply",
        "to": "Jonas Weber <jonas.weber@mailbox.example>",
        "subject": "Re: it",
        "body": "Dear Jonas",
        "seen": str(newest),
        **more,
    }


def out(case: Case) -> list[Message]:
    return list(case.messages.filter(kind=MessageKind.OUT).order_by("pk"))


@pytest.mark.requirement("AG-02")
def test_a_reply_is_sent_by_a_plain_form_and_held_for_undo(client: Client, case: Case, office: Desk) -> None:
    answer = client.post(f"/case/{case.pk}/send", form(case, after=""))
    assert (answer.status_code, answer["Location"]) == (302, f"/case/{case.pk}?in=mine")
    (sent,) = out(case)
    assert (sent.state, sent.text, sent.subject, sent.sender) == (
        OutState.HELD,
        "Dear Jonas",
        "Re: it",
        office.sender,
    )
    assert [r.address for r in sent.recipients.all()] == ["jonas.weber@mailbox.example"]
    page = client.get(answer["Location"]).content.decode()
    assert "data-undo" in page
    assert "Sending soon" in page


def test_sending_by_script_answers_with_the_parts_that_changed(client: Client, case: Case) -> None:
    answer = client.post(f"/case/{case.pk}/send", form(case, after=""), headers=HX)
    page = answer.content.decode()
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Push-Url"]) == (
        200,
        "#thread",
        f"/case/{case.pk}?in=mine",
    )
    assert page.index('id="thread"') < page.index('id="context"') < page.index('id="list"')
    assert page.count('hx-swap-oob="') == 3
    assert "Dear Jonas" in page


def test_autosave_keeps_half_finished_things_and_an_emptied_text_leaves_nothing(
    client: Client, case: Case, office: Desk
) -> None:
    assert client.post(f"/case/{case.pk}/save", form(case, to="half@", body="Half a sent")).status_code == 204
    draft = Message.objects.get(state=OutState.DRAFT)
    assert (draft.text, draft.author, draft.case) == ("Half a sent", office.maya, case)
    assert "Half a sent" in client.get(f"/case/{case.pk}").content.decode()
    assert client.post(f"/case/{case.pk}/save", form(case, body="  ")).status_code == 204
    assert not Message.objects.filter(state=OutState.DRAFT).exists()


def test_a_draft_changes_its_kind_and_a_forward_carries_the_files(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/save", form(case))
    client.post(
        f"/case/{case.pk}/save", form(case, mode="forward", to="bank@bank.example", subject="Fwd: it")
    )
    draft = Message.objects.get(state=OutState.DRAFT)
    assert (draft.purpose, [f.name for f in draft.attachments.all()]) == ("forward", ["statement.pdf"])
    assert client.get(f"/files/{draft.attachments.get().pk}").content == b"%PDF-1.4 made up"
    client.post(f"/case/{case.pk}/save", form(case, mode="all"))
    draft.refresh_from_db()
    assert (draft.purpose, draft.attachments.count()) == ("reply-all", 0)


def test_the_modes_say_whom_each_would_go_to(client: Client, case: Case) -> None:
    page = client.get(f"/case/{case.pk}").content.decode()
    assert 'value="reply" data-to="Jonas Weber &lt;jonas.weber@mailbox.example&gt;" data-cc=""' in page
    assert (
        'value="all" data-to="Jonas Weber &lt;jonas.weber@mailbox.example&gt;" data-cc="Ana &lt;ana@mailbox.example&gt;"'
        in page
    )
    assert 'value="forward" data-to="" data-cc="" data-subject="Fwd: Charged twice' in page
    assert "Maya Lindqvist · Nordlys Billing" in page


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"to": ""}, "Add at least one recipient."),
        ({"to": "no-address"}, "is not a complete address"),
        ({"cc": "two words"}, "is not an email address"),
        ({"body": " "}, "Write something first."),
        ({"mode": "shout"}, ""),
    ],
)
def test_every_fault_of_a_reply_is_said_and_the_text_is_kept(
    client: Client, case: Case, more: dict, words: str
) -> None:
    answer = client.post(f"/case/{case.pk}/send", form(case, **more), headers=HX)
    if not words:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert [m.state for m in out(case)] == [OutState.DRAFT]
    plain = client.post(f"/case/{case.pk}/send", form(case, **more))
    assert plain.status_code == 302
    assert words in client.get(plain["Location"]).content.decode().replace("&#x27;", "'")


def test_a_reply_without_a_sender_says_what_to_do(client: Client, case: Case, office: Desk) -> None:
    type(office.sender).objects.update(enabled=False)
    answer = client.post(f"/case/{case.pk}/send", form(case), headers=HX)
    assert answer.status_code == 422
    assert "is off. Choose another" in answer.content.decode()


def test_sending_stops_once_when_something_new_has_arrived(client: Client, case: Case, office: Desk) -> None:
    posted = form(case)
    note = add_note(case, by=office.sam, text="Wait, ask the bank first")
    answer = client.post(f"/case/{case.pk}/send", posted, headers=HX)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Wait, ask the bank first" in page
    assert "Send anyway" in page
    assert [m.state for m in out(case)] == [OutState.DRAFT]
    # The warning carries the number of what it shows: pressing Send again sends.
    assert f'name="seen" value="{note.pk}"' in page
    assert (
        client.post(
            f"/case/{case.pk}/send", {**posted, "seen": [posted["seen"], str(note.pk)]}, headers=HX
        ).status_code
        == 200
    )
    assert [m.state for m in out(case)] == [OutState.HELD]


def test_the_collision_page_without_scripts_sends_the_same_form_again(
    client: Client, case: Case, office: Desk
) -> None:
    posted = form(case)
    add_note(case, by=office.sam, text="Wait")
    answer = client.post(f"/case/{case.pk}/send", posted)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert 'name="body" value="Dear Jonas"' in page
    assert client.post(f"/case/{case.pk}/send", {**posted, "anyway": "1"}).status_code == 302
    assert [m.state for m in out(case)] == [OutState.HELD]


def test_pressing_twice_sends_once(client: Client, case: Case) -> None:
    posted = form(case)
    assert client.post(f"/case/{case.pk}/send", posted, headers=HX).status_code == 200
    again = client.post(f"/case/{case.pk}/send", posted, headers=HX)
    assert again.status_code == 200
    assert "on its way already" in again.content.decode()
    assert [m.state for m in out(case)] == [OutState.HELD]


@pytest.mark.django_db(transaction=True)
def test_pressing_many_times_at_once_sends_once(client: Client, case: Case) -> None:
    posted, cookies = form(case), client.cookies

    def press(_: int) -> int:
        own = Client()
        own.cookies = cookies
        try:
            return own.post(f"/case/{case.pk}/send", posted, headers=HX).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(press, range(6)))
    assert set(answers) <= {200, 422}
    assert [m.state for m in out(case)] == [OutState.HELD]


def test_the_same_words_may_be_sent_again_later_on_purpose(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/send", form(case), headers=HX)
    assert client.post(f"/case/{case.pk}/send", form(case), headers=HX).status_code == 200
    assert len(out(case)) == 2


def test_send_and_close_ends_the_work_and_opens_the_next(client: Client, case: Case, office: Desk) -> None:
    other = work.pull(
        by=office.maya,
        interaction=receive(office, letter("Next one", address="n@mailbox.example")).interactions.get(),
    ).case
    answer = client.post(f"/case/{case.pk}/send", form(case, after="close"), headers=HX)
    assert answer["HX-Push-Url"] == f"/case/{other.pk}?in=mine"
    assert "Next one" in answer.content.decode()
    case.refresh_from_db()
    assert (case.state, case.interactions.get().state) == (CaseState.CLOSED, InteractionState.FINISHED)


def test_a_required_disposition_stops_both_and_can_be_chosen_in_place(
    client: Client, case: Case, office: Desk
) -> None:
    type(office.billing).objects.update(disposition_required=True)
    answer = client.post(f"/case/{case.pk}/send", form(case, after="close"), headers=HX)
    assert answer.status_code == 422
    assert 'name="disposition"' in answer.content.decode()
    assert "Solved › Refund" in answer.content.decode()
    assert [m.state for m in out(case)] == [OutState.DRAFT]
    assert Interaction.objects.get().state == InteractionState.HANDLING
    assert (
        client.post(
            f"/case/{case.pk}/send", form(case, after="close", disposition=str(office.solved.pk)), headers=HX
        ).status_code
        == 200
    )
    assert Interaction.objects.get().disposition == office.solved


def test_taking_back_makes_it_a_draft_again_and_takes_the_work_up(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/send", form(case, after="close"))
    (sent,) = out(case)
    answer = client.post(f"/messages/{sent.pk}/undo")
    assert answer["Location"] == f"/case/{case.pk}?in=mine"
    sent.refresh_from_db()
    assert sent.state == OutState.DRAFT
    assert Interaction.objects.get().state == InteractionState.HANDLING
    assert "Dear Jonas" in client.get(answer["Location"]).content.decode()


def test_what_has_left_cannot_be_taken_back_and_that_is_said(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/send", form(case))
    Message.objects.filter(kind=MessageKind.OUT).update(
        state=OutState.SENT, held_until=timezone.now() - timedelta(minutes=1)
    )
    (sent,) = out(case)
    page = client.post(f"/messages/{sent.pk}/undo", follow=True).content.decode()
    assert "It has left already" in page


def test_only_the_author_takes_a_message_back(client: Client, case: Case, office: Desk) -> None:
    client.post(f"/case/{case.pk}/send", form(case))
    (sent,) = out(case)
    client.force_login(office.ben)
    assert client.post(f"/messages/{sent.pk}/undo").status_code == 404
    sent.refresh_from_db()
    assert sent.state == OutState.HELD


def test_files_are_uploaded_listed_sent_and_taken_off(client: Client, case: Case) -> None:
    first = client.post(
        f"/case/{case.pk}/files",
        {"file": io.BytesIO(b"one"), "mode": "reply"},
        headers={"X-Requested-With": "fetch"},
    ).json()
    second = client.post(f"/case/{case.pk}/files", {"file": io.BytesIO(b"two")}).json()
    assert second["size"] == 3
    assert client.post(f"/files/{second['id']}/remove").status_code == 204
    assert Attachment.objects.filter(message__state=OutState.DRAFT).count() == 1
    assert (
        client.post(f"/case/{case.pk}/send", form(case, attachment=first["id"]), headers=HX).status_code
        == 200
    )
    (sent,) = out(case)
    assert [client.get(f"/files/{f.pk}").content for f in sent.attachments.all()] == [b"one"]
    assert client.post(f"/files/{first['id']}/remove").status_code == 409


def test_a_file_the_composer_no_longer_shows_is_not_sent(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/files", {"file": io.BytesIO(b"one")})
    client.post(f"/case/{case.pk}/send", form(case), headers=HX)
    assert out(case)[0].attachments.count() == 0


def test_a_plain_form_brings_its_files_along(client: Client, case: Case) -> None:
    file = io.BytesIO(b"column one,column two\n")
    file.name = "table.csv"
    client.post(f"/case/{case.pk}/send", {**form(case), "files": file})
    (sent,) = out(case)
    assert [(f.name, f.size) for f in sent.attachments.all()] == [("table.csv", 22)]


def test_a_file_that_is_too_large_is_refused_with_the_limit(client: Client, case: Case, office: Desk) -> None:
    type(office.sender).objects.update(size_limit_mb=1)
    answer = client.post(f"/case/{case.pk}/files", {"file": io.BytesIO(b"x" * 900_000)})
    assert answer.status_code == 422
    assert "the limit is 1 MB" in answer.json()["error"]
    assert client.post(f"/case/{case.pk}/files", {}).status_code == 422


def test_rich_text_is_cleaned_and_plain_text_stays_plain(client: Client, case: Case) -> None:
    client.post(
        f"/case/{case.pk}/save",
        form(
            case,
            body_html="<div>Dear <b>Jonas</b><script>alert(1)</script><img src=x onerror=alert(1)></div>",
        ),
    )
    assert Message.objects.get(state=OutState.DRAFT).html == "<div>Dear <b>Jonas</b><img></div>"
    client.post(f"/case/{case.pk}/save", form(case, body_html="<div>Dear Jonas</div><div><br></div>"))
    assert Message.objects.get(state=OutState.DRAFT).html == ""


def test_notes_are_saved_added_and_never_sent(client: Client, case: Case, office: Desk) -> None:
    assert client.post(f"/case/{case.pk}/note/save", {"body": "Half a no"}).status_code == 204
    assert "Half a no" in client.get(f"/case/{case.pk}").content.decode()
    assert client.post(f"/case/{case.pk}/note", {"body": ""}, headers=HX).status_code == 422
    assert client.post(f"/case/{case.pk}/note", {"body": "Half a note <b>only</b>"}).status_code == 302
    note = case.messages.get(kind=MessageKind.NOTE)
    assert (note.text, note.author, note.state) == ("Half a note <b>only</b>", office.maya, "")
    assert "&lt;b&gt;only&lt;/b&gt;" in client.get(f"/case/{case.pk}").content.decode()


def test_a_colleague_may_note_but_not_answer_what_somebody_else_has(
    client: Client, case: Case, office: Desk
) -> None:
    office.ben.queues.add(office.billing)
    client.force_login(office.ben)
    page = client.get(f"/case/{case.pk}").content.decode()
    assert "Maya Lindqvist has this email" in page
    assert 'data-kind="reply"' not in page
    assert client.post(f"/case/{case.pk}/save", form(case)).status_code == 409
    assert client.post(f"/case/{case.pk}/send", form(case), headers=HX).status_code == 422
    assert out(case) == []
    assert client.post(f"/case/{case.pk}/note", {"body": "I know this one"}).status_code == 302


def test_a_discarded_draft_is_gone(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/save", form(case))
    assert client.post(f"/case/{case.pk}/discard", {"in": "mine"}).status_code == 302
    assert out(case) == []


@pytest.mark.parametrize(
    "body",
    [
        "\x00nul",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "a" * 300_000,
        "{{ x }} {% y %}",
    ],
)
def test_odd_characters_survive_or_are_left_out(client: Client, case: Case, body: str) -> None:
    assert client.post(f"/case/{case.pk}/save", form(case, body=body)).status_code == 204
    assert client.get(f"/case/{case.pk}").status_code == 200


def test_a_text_that_was_taken_back_is_not_shown_in_the_list(client: Client, case: Case) -> None:
    before = case.preview
    client.post(f"/case/{case.pk}/send", form(case, body="Never said"))
    case.refresh_from_db()
    assert case.preview == "Never said"
    client.post(f"/messages/{out(case)[0].pk}/undo")
    case.refresh_from_db()
    assert case.preview == before


def test_a_recipient_that_is_no_address_is_kept_and_sending_names_it(client: Client, case: Case) -> None:
    mixed = "Jonas Weber <jonas.weber@mailbox.example>, two words"
    assert client.post(f"/case/{case.pk}/save", form(case, to=mixed)).status_code == 204
    page = client.get(f"/case/{case.pk}").content.decode()
    assert "jonas.weber@mailbox.example&gt;, two words" in page
    answer = client.post(f"/case/{case.pk}/send", form(case, to=mixed), headers=HX)
    assert answer.status_code == 422
    assert "two words" in answer.content.decode()
    assert [m.state for m in out(case)] == [OutState.DRAFT]


def test_what_the_server_said_is_shown_with_trouble_only(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/send", form(case))
    (sent,) = out(case)
    Message.objects.filter(pk=sent.pk).update(state=OutState.SENT, server_line="250 2.0.0 Ok: queued")
    page = client.get(f"/case/{case.pk}").content.decode()
    assert 'title="Accepted by the server: 250 2.0.0 Ok: queued"' in page
    assert '<details class="said' not in page
    Message.objects.filter(pk=sent.pk).update(state=OutState.FAILED, server_line="550 5.7.1 No", error="No")
    page = client.get(f"/case/{case.pk}").content.decode()
    assert '<details class="said' in page
    assert "550 5.7.1 No" in page


def test_a_returned_answer_is_called_returned(client: Client, case: Case) -> None:
    client.post(f"/case/{case.pk}/send", form(case))
    (sent,) = out(case)
    Message.objects.filter(pk=sent.pk).update(state=OutState.FAILED)
    assert "Not sent" in client.get("/").content.decode()
    Message.objects.filter(pk=sent.pk).update(flags=["bounced"])
    page = client.get("/").content.decode()
    assert "Returned" in page
    assert "Not sent" not in page
