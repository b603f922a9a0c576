"""The workspace as pages: what each person sees, what they do not, and how much the database is asked."""

from __future__ import annotations

import pytest
from django.test import Client

from postroom.actions import work
from postroom.actions.drafts import Written, open_draft, save_draft
from postroom.actions.presence import set_presence
from postroom.models import Interaction, InteractionState, Message, Queue
from postroom.reports.workspace import listing
from tests.web.seed import Desk, letter, receive, seed

pytestmark = pytest.mark.django_db
QUERIES = 30


def sign_in(client: Client, user: object) -> Client:
    client.force_login(user)  # type: ignore[arg-type]
    return client


def take(office: Desk, **more: object):
    case = receive(office, letter(**more))  # type: ignore[arg-type]
    return work.pull(by=office.maya, interaction=case.interactions.get()).case


def test_a_stranger_is_sent_to_the_sign_in_page_and_a_script_is_told_so(client: Client, office: Desk) -> None:
    case = take(office)
    answer = client.get(f"/case/{case.pk}?in=mine")
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next=/case/{case.pk}%3Fin%3Dmine")
    assert client.get(f"/case/{case.pk}/thread", headers={"HX-Request": "true"}).status_code == 401
    assert client.post(f"/case/{case.pk}/save", headers={"X-Requested-With": "fetch"}).status_code == 401


def test_every_list_of_the_sidebar_shows_its_cases_and_its_count(client: Client) -> None:
    office = seed()
    sign_in(client, office.maya)
    shown = {
        name: [row.case.subject for row in listing(office.maya, name).rows]  # type: ignore[union-attr]
        for name in ("mine", "waiting", "snoozed", "drafts", f"queue-{office.orders.pk}")
    }
    assert shown == {
        "mine": ["Charged twice for order 48213", "Invoice 2026-1107: wrong VAT ID"],
        "waiting": ["Discount code not accepted"],
        "snoozed": ["Where is my parcel?"],
        "drafts": [],
        f"queue-{office.orders.pk}": ["Damaged zip on Trek 45 backpack"],
    }
    for name, subjects in shown.items():
        page = client.get("/" if name == "mine" else f"/in/{name}").content.decode()
        assert all(subject in page for subject in subjects)
    assert "Nothing is waiting" not in client.get("/").content.decode()
    assert "No unfinished texts" in client.get("/in/drafts").content.decode()


def test_the_queue_that_waits_stands_below_ones_own_work(client: Client) -> None:
    office = seed()
    found = listing(office.maya, "mine")
    assert found
    assert found.next_queue
    assert found.next_queue.title == "Billing"
    assert len(found.next_rows) == 3


def test_a_case_of_another_queue_is_not_there(client: Client, office: Desk) -> None:
    case = receive(office, letter(), queue=office.returns)
    message = case.messages.get()
    sign_in(client, office.maya)
    for address in (
        f"/case/{case.pk}",
        f"/case/{case.pk}/thread",
        f"/messages/{message.pk}/body",
        f"/messages/{message.pk}/raw",
        f"/in/queue-{office.returns.pk}",
    ):
        assert client.get(address).status_code == 404, address
    for act in (
        "take",
        "reopen",
        "send",
        "save",
        "note",
        "finish",
        "snooze",
        "transfer",
        "give-back",
        "seen",
        "discard",
        "files",
        "wake",
    ):
        assert client.post(f"/case/{case.pk}/{act}").status_code == 404, act
    sign_in(client, office.ben)
    assert client.get(f"/case/{case.pk}").status_code == 200
    sign_in(client, office.sam)
    assert client.get(f"/case/{case.pk}").status_code == 200


def test_a_case_goes_out_of_sight_with_its_queue_but_finished_work_keeps_it_in_sight(
    client: Client, office: Desk
) -> None:
    case = take(office)
    sign_in(client, office.maya)
    work.transfer(case.interactions.get(), by=office.maya, queue=office.returns)
    work.pull(by=office.ben, interaction=case.interactions.get())
    assert client.get(f"/case/{case.pk}").status_code == 404
    done = take(office, subject="Another")
    work.finish(done.interactions.get(), by=office.maya)
    type(done).objects.filter(pk=done.pk).update(queue=office.returns)
    assert client.get(f"/case/{done.pk}").status_code == 200


def test_every_effect_needs_post_and_a_token(office: Desk) -> None:
    case = take(office)
    strict = sign_in(Client(enforce_csrf_checks=True), office.maya)
    for act in (
        "take",
        "send",
        "save",
        "note",
        "finish",
        "snooze",
        "transfer",
        "give-back",
        "seen",
        "discard",
        "files",
        "reopen",
        "wake",
    ):
        assert strict.get(f"/case/{case.pk}/{act}").status_code == 405, act
        assert strict.post(f"/case/{case.pk}/{act}").status_code == 403, act
    for address in ("/pull", "/presence", "/sign-out"):
        assert strict.get(address).status_code == 405
        assert strict.post(address).status_code == 403


def test_looking_marks_nothing_as_seen_until_the_page_says_so(client: Client, office: Desk) -> None:
    case = take(office)
    Interaction.objects.update(unread=True)
    sign_in(client, office.maya)
    client.get(f"/case/{case.pk}")
    client.get(f"/case/{case.pk}/thread")
    assert Interaction.objects.get().unread
    assert client.post(f"/case/{case.pk}/seen").status_code == 204
    assert not Interaction.objects.get().unread


def test_the_case_page_asks_the_database_little_however_long_the_thread(
    client: Client, django_assert_max_num_queries
) -> None:
    office = seed()
    case = Interaction.objects.filter(agent=office.maya, state=InteractionState.HANDLING).earliest("pk").case
    first = case.messages.earliest("pk")
    for n in range(24):
        receive(
            office,
            letter(
                f"Re: {case.subject}",
                f"And another thing, number {n}.",
                answers=f"<{first.message_id}>",
                files={"a.pdf": b"%PDF-1.4"},
            ),
        )
    assert case.messages.count() == 26
    sign_in(client, office.maya)
    client.get(f"/case/{case.pk}")
    with django_assert_max_num_queries(QUERIES):
        page = client.get(f"/case/{case.pk}?in=mine").content.decode()
    assert "6 earlier messages" in page
    assert page.count('<article class="msg') == 20
    with django_assert_max_num_queries(QUERIES):
        client.get(f"/case/{case.pk}/thread")


def test_the_list_asks_the_same_number_of_questions_for_many_rows(
    client: Client, office: Desk, django_assert_max_num_queries
) -> None:
    for n in range(12):
        take(office, subject=f"Question {n}", address=f"c{n}@mailbox.example")
    sign_in(client, office.maya)
    with django_assert_max_num_queries(20):
        page = client.get("/").content.decode()
    assert page.count("data-row") == 12


def test_earlier_messages_come_in_steps_and_none_is_missing_or_shown_twice(
    client: Client, office: Desk
) -> None:
    case = take(office)
    first = case.messages.get()
    for n in range(45):
        receive(office, letter("Re: it", f"Number {n} of many.", answers=f"<{first.message_id}>"))
    sign_in(client, office.maya)
    page, seen = client.get(f"/case/{case.pk}").content.decode(), set()
    for _ in range(5):
        found = {int(part.split('"')[0]) for part in page.split('id="message-')[1:]}
        assert not found & seen
        seen |= found
        if "?before=" not in page:
            break
        page = client.get(
            f"/case/{case.pk}/earlier?before={page.split('?before=')[1].split(chr(34))[0]}"
        ).content.decode()
    assert seen == set(case.messages.values_list("pk", flat=True))


def test_a_fragment_that_has_not_changed_is_not_sent_again(client: Client, office: Desk) -> None:
    case = take(office)
    sign_in(client, office.maya)
    first = client.get(f"/case/{case.pk}/thread")
    again = client.get(f"/case/{case.pk}/thread", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    work.park(case.interactions.get(), by=office.maya, until=Interaction.objects.get().due)  # type: ignore[arg-type]
    assert client.get(f"/case/{case.pk}/thread", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_events_stand_between_the_messages_in_words(client: Client, office: Desk) -> None:
    case = take(office)
    work.give_back(case.interactions.get(), by=office.maya)
    work.pull(by=office.maya, interaction=case.interactions.get())
    work.finish(case.interactions.get(), by=office.maya, disposition=office.solved)
    page = sign_in(client, office.maya).get(f"/case/{case.pk}").content.decode()
    for line in ("You took it from Billing", "You gave it back to Billing", "You closed it as Solved"):
        assert line in page
    assert "Reopen" in page


def test_the_draft_of_a_colleague_is_visible_to_the_next_agent_but_not_editable(
    client: Client, office: Desk
) -> None:
    case = take(office)
    draft = open_draft(case, by=office.maya, purpose="reply")
    save_draft(draft, by=office.maya, written=Written(text="I have asked the bank already"))
    work.transfer(case.interactions.get(), by=office.maya, queue=office.returns)
    work.pull(by=office.ben, interaction=case.interactions.get())
    page = sign_in(client, office.ben).get(f"/case/{case.pk}").content.decode()
    assert "I have asked the bank already" in page
    assert "is writing; not sent" in page


@pytest.mark.parametrize(
    "query", ["reservation", "BIL-{pk}", "jonas.weber@mailbox.example", "{pk}", "charged tw"]
)
def test_search_finds_by_words_reference_and_address(client: Client, office: Desk, query: str) -> None:
    case = take(office, text="It is only a reservation, says my bank.")
    other = take(
        office,
        subject="Something else",
        text="Nothing in common.",
        address="other@mailbox.example",
        name="Olga Other",
    )
    sign_in(client, office.maya)
    page = client.get("/search", {"q": query.format(pk=case.pk)}).content.decode()
    assert f'id="row-{case.pk}"' in page
    assert f'id="row-{other.pk}"' not in page


def test_search_finds_nothing_of_other_queues(client: Client, office: Desk) -> None:
    case = receive(office, letter(text="A secret word: xylophone."), queue=office.returns)
    for query in ("xylophone", f"BIL-{case.pk}", "jonas.weber@mailbox.example"):
        assert (
            f'id="row-{case.pk}"'
            not in sign_in(client, office.maya).get("/search", {"q": query}).content.decode()
        )
        assert (
            f'id="row-{case.pk}"' in sign_in(client, office.ben).get("/search", {"q": query}).content.decode()
        )


def test_the_palette_and_the_address_field_find_only_what_one_may_see(client: Client, office: Desk) -> None:
    mine = take(office)
    receive(
        office,
        letter("Hidden case", address="hidden@mailbox.example", name="Hilda Hidden"),
        queue=office.returns,
    )
    sign_in(client, office.maya)
    assert [entry["label"] for entry in client.get("/palette", {"q": "charged"}).json()] == [
        mine.subject,
        "Search for “charged”",
    ]
    assert [entry["label"] for entry in client.get("/palette", {"q": "hidden"}).json()] == [
        "Search for “hidden”"
    ]
    assert client.get("/contacts", {"q": "jon"}).json() == [
        {"name": "Jonas Weber", "address": "jonas.weber@mailbox.example"}
    ]
    assert client.get("/contacts", {"q": "hil"}).json() == []


def test_odd_addresses_of_pages_are_answered_calmly(client: Client, office: Desk) -> None:
    sign_in(client, office.maya)
    for address in (
        "/in/nonsense",
        "/in/queue-abc",
        "/in/queue-",
        "/in/queue-999999",
        "/case/999999",
        "/in/nope/rows",
    ):
        assert client.get(address).status_code == 404, address
    for address in (
        "/search?q=%00",
        "/search?q=" + "x" * 5000,
        "/search?q=%22%27%3B--",
        "/search?q=-99999999999999999999",
        "/palette?q=%00%00",
    ):
        assert client.get(address).status_code == 200, address
    case = take(office)
    for before in ("", "abc", "-1", "9" * 40, "0"):
        assert client.get(f"/case/{case.pk}/earlier?before={before}").status_code == 200, before
    assert client.get(f"/case/{case.pk}?in=nonsense").status_code == 200


def test_the_side_shows_presence_and_it_can_be_changed_by_a_plain_form(client: Client, office: Desk) -> None:
    sign_in(client, office.maya)
    answer = client.post(
        "/presence", {"state": "paused:Lunch"}, headers={"Referer": "http://testserver/in/drafts"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/in/drafts")
    office.maya.refresh_from_db()
    assert (office.maya.presence, office.maya.presence_reason) == ("paused", "Lunch")
    assert "Paused: Lunch" in client.get("/").content.decode()
    client.post("/presence", {"state": "dancing"}, headers={"Referer": "https://evil.example/"})
    assert "Choose one of" in client.get("/").content.decode()


def test_administrators_are_led_through_the_set_up_and_agents_are_not(client: Client, office: Desk) -> None:
    assert "Set up your desk" in sign_in(client, office.ada).get("/").content.decode()
    page = sign_in(client, office.maya).get("/").content.decode()
    assert "Set up your desk" not in page
    assert ">Channels<" not in page


def test_a_bounced_answer_is_marked_in_its_thread(client: Client, office: Desk) -> None:
    case = take(office)
    sent = Message.objects.create(
        case=case,
        kind="out",
        author=office.maya,
        state="sent",
        text="Hello",
        to=[{"name": "", "address": "gone@mailbox.example"}],
    )
    sent.recipients.create(
        address="gone@mailbox.example", state="bounced", status="5.1.1", line="550 5.1.1 no such user"
    )
    page = sign_in(client, office.maya).get(f"/case/{case.pk}").content.decode()
    assert "gone@mailbox.example: returned (5.1.1)" in page


def test_a_queue_has_the_colour_that_was_chosen_for_it(client: Client, office: Desk) -> None:
    Queue.objects.filter(pk=office.billing.pk).update(colour="pink")
    receive(office, letter())
    client.force_login(office.maya)
    page = client.get(f"/in/queue-{office.billing.pk}").content.decode()
    assert page.count('class="pip q-pink"') == 2  # the sidebar and the row


def test_who_is_paused_is_told_so_where_work_would_be(client: Client, office: Desk) -> None:
    set_presence(office.maya, "paused", reason="Lunch")
    client.force_login(office.maya)
    page = client.get("/").content.decode()
    assert "Nothing is offered to you until you are available." in page
    set_presence(office.maya, "available")
    client.force_login(office.maya)
    assert "Nothing is offered to you" not in client.get("/").content.decode()
