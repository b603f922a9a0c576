"""The set-up pages as plain forms, without script: what they show, who may open them, what they refuse and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from postroom.models import (
    Channel,
    Disposition,
    Health,
    LetterState,
    Message,
    OutState,
    Queue,
    RawMessage,
    Sender,
    User,
)
from postroom.models.secret import verify_key
from postroom.reports.setup import checklist
from tests.web.seed_setup import PASSWORD, RAW, Desk, seed

pytestmark = pytest.mark.django_db
ADMINISTRATORS_PAGES = (
    "/setup/mailboxes",
    "/setup/mailboxes/channels/new",
    "/setup/mailboxes/senders/new",
    "/setup/queues",
    "/setup/queues/new",
    "/setup/dispositions",
    "/setup/people",
    "/setup/people/new",
)


@pytest.fixture
def desk() -> Desk:
    """A seeded desk."""
    verify_key()
    return seed()


def as_(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(desk: Desk) -> Client:
    """The administrator's browser."""
    return as_(desk.administrator)


def channel_form(**more: Any) -> dict[str, Any]:
    """What the form of a new channel sends."""
    return {
        "name": "Claims",
        "address": "claims@nordlys.example",
        "preset": "custom",
        "connector": "imap",
        "settings.host": "imap.nordlys.example",
        "settings.port": "993",
        "settings.security": "tls",
        "settings.sign_in": "password",
        "settings.login": "claims@nordlys.example",
        "password": "app password",
        "start": "none",
        "folder": "INBOX",
        "after_collect": "mark-read",
        **more,
    }


@pytest.mark.parametrize("page", ADMINISTRATORS_PAGES)
def test_only_administrators_open_the_set_up_pages(desk: Desk, page: str) -> None:
    assert as_(desk.administrator).get(page).status_code == 200
    assert as_(desk.supervisor).get(page).status_code == 403
    assert as_(desk.agent).get(page).status_code == 403
    assert Client().get(page).status_code == 302


def test_the_ledger_is_for_supervisors_and_the_outbox_for_everybody(desk: Desk) -> None:
    assert as_(desk.supervisor).get("/letters").status_code == 200
    assert as_(desk.agent).get("/letters").status_code == 403
    assert as_(desk.agent).get("/outbox").status_code == 200


@pytest.mark.requirement("CH-18")
def test_channels_and_senders_are_one_table_with_state_reason_and_since_when(admin: Client) -> None:
    page = admin.get("/setup/mailboxes").content.decode()
    assert "Support EU" in page
    assert "Nordlys help" in page
    assert "Needs sign-in" in page
    assert "46 tries" in page
    assert "23 emails wait in the mailbox" in page
    assert '<path class="spark' in page


@pytest.mark.requirement("CH-18")
@pytest.mark.parametrize(
    ("query", "there", "missing"),
    [
        ("way=in", "Support EU", "Newsletter"),
        ("way=out", "Newsletter", "Support EU"),
        ("q=fakt", "line-channel", "Wholesale"),
        ("q=b2b@nordlys", "Wholesale", "Support EU"),
        ("status=active", "Support EU", "Summer campaign"),
        ("status=inactive", "Summer campaign", "Wholesale"),
    ],
)
def test_the_table_is_filtered(admin: Client, query: str, there: str, missing: str) -> None:
    table = admin.get(f"/setup/mailboxes?{query}").content.decode().partition("<tbody>")[2]
    assert there in table
    assert missing not in table


@pytest.mark.requirement("CH-18")
def test_the_table_is_filtered_by_default_queue(desk: Desk, admin: Client) -> None:
    table = (
        admin.get(f"/setup/mailboxes?queue={desk.queues['Billing'].pk}")
        .content.decode()
        .partition("<tbody>")[2]
    )
    assert "Faktury CZ" in table
    assert "Wholesale" not in table
    assert "Newsletter" not in table


@pytest.mark.requirement("CH-18", "CH-17")
def test_selecting_a_row_shows_its_details_without_secrets(desk: Desk, admin: Client) -> None:
    page = admin.get(f"/setup/mailboxes?show=channel-{desk.channels['Faktury CZ'].pk}").content.decode()
    assert "AUTHENTICATIONFAILED" in page
    assert "Stored, encrypted" in page
    assert "Switched on" in page
    assert "app password" not in page.replace("Make an app password", "")
    assert desk.channels["Faktury CZ"].secret_sealed not in page


@pytest.mark.requirement("RX-05")
def test_the_details_say_how_many_letters_are_accounted_for_and_can_ask_anew(
    desk: Desk, admin: Client
) -> None:
    channel = desk.channels["Support EU"]
    where = f"/setup/mailboxes?show=channel-{channel.pk}"
    assert "Not compared yet" in admin.get(where).content.decode()
    channel.folders.create(
        name="INBOX", validity="1", listed=12418, accounted=12416, reconciled=timezone.now()
    )
    page = admin.get(where).content.decode()
    assert "12416 of 12418" in page
    assert "The other 2 had been missed" in page
    admin.post(f"/setup/mailboxes/channels/{channel.pk}/reconcile")
    channel.refresh_from_db()
    assert channel.reconcile_due is not None
    assert channel.reconcile_due <= timezone.now()


def test_an_empty_desk_shows_one_button(db: None) -> None:
    verify_key()
    user = User.objects.create_user("ada@desk.example", "Ada", role="administrator", password=PASSWORD)
    page = as_(user).get("/setup/mailboxes").content.decode().partition('id="main"')[2]
    assert page.count('class="btn') - page.count("btn g") == 1
    assert "Connect a mailbox" in page


@pytest.mark.requirement("CH-04")
def test_a_new_channel_is_saved_off_or_on_as_the_button_says(desk: Desk, admin: Client) -> None:
    admin.post("/setup/mailboxes/channels/new", channel_form(save=""))
    channel = Channel.objects.get(name="Claims")
    assert not channel.enabled
    assert channel.secret == "app password"
    answer = admin.post(f"/setup/mailboxes/channels/{channel.pk}", channel_form(password="", save="on"))
    assert answer.status_code == 422
    assert "Choose a default queue first" in answer.content.decode()
    queue = desk.queues["Orders"].pk
    admin.post(
        f"/setup/mailboxes/channels/{channel.pk}", channel_form(password="", default_queue=queue, save="on")
    )
    channel.refresh_from_db()
    assert channel.enabled
    assert channel.secret == "app password"


@pytest.mark.requirement("CH-19")
def test_the_stored_password_is_never_shown_and_another_server_asks_for_it_again(
    desk: Desk, admin: Client
) -> None:
    channel = desk.channels["Support EU"]
    url = f"/setup/mailboxes/channels/{channel.pk}"
    page = admin.get(url).content.decode()
    assert "app password" not in page
    form = channel_form(
        name=channel.name, address=channel.address, default_queue=channel.default_queue_id, password=""
    )
    answer = admin.post(url, {**form, "settings.host": "elsewhere.example"})
    assert answer.status_code == 422
    assert "type the password again" in answer.content.decode()


def test_every_wrong_field_is_named_beside_it_and_on_top(admin: Client) -> None:
    answer = admin.post(
        "/setup/mailboxes/channels/new",
        channel_form(**{"settings.port": "99300", "address": "nonsense", "name": ""}),
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    for field in ("f-settings-port", "f-address", "f-name"):
        assert f'href="#{field}"' in page
        assert f'id="{field}-error"' in page
    assert "the most is 65535" in page
    assert 'value="99300"' in page
    assert "app password" not in page


@pytest.mark.requirement("CH-03")
def test_a_preset_fills_and_hides_what_it_fixes_without_script(admin: Client) -> None:
    answer = admin.post("/setup/mailboxes/channels/new", channel_form(preset="gmail", refresh="1"))
    page = answer.content.decode()
    assert "imap.gmail.com:993, TLS" in page
    assert 'name="settings.host"' not in page
    admin.post("/setup/mailboxes/channels/new", channel_form(preset="gmail", save=""))
    assert Channel.objects.get(name="Claims").settings["host"] == "imap.gmail.com"


@pytest.mark.requirement("CH-23")
def test_pop3_leaves_out_what_it_cannot_do_and_warns(admin: Client) -> None:
    page = admin.post(
        "/setup/mailboxes/channels/new", channel_form(connector="pop3", refresh="1")
    ).content.decode()
    assert 'name="folder"' not in page
    assert 'value="mark-read"' not in page
    assert "UIDL" in page
    assert 'value="995"' in page


@pytest.mark.requirement("CH-05")
def test_switches_and_bulk_acts_work_without_script(desk: Desk, admin: Client) -> None:
    support, summer, news = (
        desk.channels["Support EU"],
        desk.channels["Summer campaign"],
        desk.senders["Newsletter"],
    )
    admin.post("/setup/mailboxes/switch", {"switch": f"channel-{support.pk}:off", "next": "/setup/mailboxes"})
    support.refresh_from_db()
    assert not support.enabled
    refs = [f"channel-{support.pk}", f"channel-{summer.pk}", f"sender-{news.pk}"]
    answer = admin.post("/setup/mailboxes/bulk", {"pick": refs, "act": "on"}, follow=True).content.decode()
    assert "Summer campaign: Choose a default queue first" in answer
    assert Sender.objects.get(pk=news.pk).enabled
    assert not Channel.objects.get(pk=summer.pk).enabled


@pytest.mark.requirement("CH-05")
def test_deleting_asks_first_and_refuses_what_is_on(desk: Desk, admin: Client) -> None:
    support, summer = desk.channels["Support EU"], desk.channels["Summer campaign"]
    refs = [f"channel-{support.pk}", f"channel-{summer.pk}"]
    answer = admin.post("/setup/mailboxes/bulk", {"pick": refs, "act": "delete"}, follow=True)
    assert "gone for ever" in answer.content.decode()
    assert Channel.objects.filter(pk=summer.pk).exists()
    done = admin.post("/setup/mailboxes/delete", {"pick": refs}, follow=True).content.decode()
    assert "Switch it off first" in done
    assert not Channel.objects.filter(pk=summer.pk).exists()
    assert Channel.objects.filter(pk=support.pk).exists()


def test_a_stranger_cannot_post_without_the_token(desk: Desk) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk.administrator)
    answer = client.post(
        "/setup/mailboxes/switch", {"switch": f"channel-{desk.channels['Support EU'].pk}:off"}
    )
    assert answer.status_code == 403
    assert Channel.objects.get(pk=desk.channels["Support EU"].pk).enabled


@pytest.mark.requirement("CH-17")
def test_the_sidebar_counts_what_waits_for_a_person(desk: Desk, admin: Client) -> None:
    assert '<span class="cnt hot">1</span>' in admin.get("/setup/queues").content.decode()
    Channel.objects.update(health=Health.LIVE)
    assert "cnt hot" not in admin.get("/setup/queues").content.decode()


def test_a_form_never_leads_to_another_site(desk: Desk, admin: Client) -> None:
    ref = f"sender-{desk.senders['Newsletter'].pk}"
    answer = admin.post("/setup/mailboxes/switch", {"switch": f"{ref}:on", "next": "https://evil.example/"})
    assert answer["Location"] == "/setup/mailboxes"


@pytest.mark.requirement("CH-16")
def test_a_check_of_impossible_values_names_the_field(admin: Client) -> None:
    answer = admin.post(
        "/setup/mailboxes/channels/check",
        channel_form(**{"settings.port": "0"}),
        headers={"accept": "application/x-ndjson"},
    )
    steps = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert steps[0]["state"] == "bad"
    assert "too small" in steps[0]["detail"]
    assert steps[-1] == {"done": True, "ok": False}


@pytest.mark.requirement("CH-16")
def test_without_script_the_check_is_a_page(admin: Client) -> None:
    page = admin.post(
        "/setup/mailboxes/channels/check", channel_form(**{"settings.port": "0"})
    ).content.decode()
    assert "too small" in page
    assert "A step failed" in page


@pytest.mark.requirement("SE-01", "SE-02")
def test_a_sender_is_added_with_its_signature(admin: Client) -> None:
    form = {
        "name": "Claims out",
        "address": "claims@nordlys.example",
        "display_name": "Nordlys claims",
        "signature": "{{ agent.name }}\nNordlys",
        "preset": "custom",
        "connector": "smtp",
        "settings.host": "smtp.nordlys.example",
        "settings.port": "465",
        "settings.security": "tls",
        "settings.sign_in": "password",
        "settings.login": "claims@nordlys.example",
        "password": "app password",
        "size_limit_mb": "20",
    }
    admin.post("/setup/mailboxes/senders/new", {**form, "save": "off"})
    sender = Sender.objects.get(name="Claims out")
    assert not sender.enabled
    assert sender.signature == "{{ agent.name }}\nNordlys"
    admin.post(
        f"/setup/mailboxes/senders/{sender.pk}",
        {**form, "password": "", "display_name": "Claims", "save": ""},
    )
    sender.refresh_from_db()
    assert sender.display_name == "Claims"
    assert sender.secret == "app password"


def test_a_queue_is_made_with_its_members_and_its_switches(desk: Desk, admin: Client) -> None:
    form = {
        "name": "Complaints",
        "colour": "red",
        "is_open": ["false", "true"],
        "push": "false",
        "pull": ["false", "true"],
        "priority": "1",
        "offer_seconds": "30",
        "target_minutes": "60",
        "reopen_days": "30",
        "disposition_required": "false",
        "members": [desk.agent.pk, desk.supervisor.pk],
    }
    admin.post("/setup/queues/new", form)
    queue = Queue.objects.get(name="Complaints")
    assert (queue.is_open, queue.push, queue.pull, queue.priority) == (True, False, True, 1)
    assert set(queue.members.all()) == {desk.agent, desk.supervisor}
    answer = admin.post(f"/setup/queues/{queue.pk}", {**form, "name": "Orders", "members": []})
    assert answer.status_code == 422
    assert "already a queue named Orders" in answer.content.decode()
    assert queue.members.count() == 2


def test_the_list_of_queues_counts_what_waits_and_who_serves(admin: Client) -> None:
    page = admin.get("/setup/queues").content.decode()
    assert "Support EU, Wholesale" in page
    assert 'data-label="In work">6' in page


def test_a_queue_that_is_fed_is_not_deleted(desk: Desk, admin: Client) -> None:
    answer = admin.post(f"/setup/queues/{desk.queues['Billing'].pk}/delete", follow=True)
    assert "Give them another default queue first" in answer.content.decode()
    assert Queue.objects.filter(name="Billing").exists()


def test_the_tree_of_dispositions_is_edited(admin: Client) -> None:
    solved = Disposition.objects.get(name="Solved")
    admin.post("/setup/dispositions", {"name": "By phone", "parent": solved.pk, "queue": ""})
    phone = Disposition.objects.get(name="By phone")
    assert phone.parent == solved
    admin.post(f"/setup/dispositions/{phone.pk}", {"name": "On the phone", "act": "rename"})
    admin.post(f"/setup/dispositions/{phone.pk}", {"name": "On the phone", "act": "retire"})
    phone.refresh_from_db()
    assert (phone.name, phone.active) == ("On the phone", False)
    assert (
        "below it"
        in admin.post(f"/setup/dispositions/{solved.pk}", {"act": "delete"}, follow=True).content.decode()
    )
    admin.post(f"/setup/dispositions/{phone.pk}", {"act": "delete"})
    assert not Disposition.objects.filter(pk=phone.pk).exists()
    refused = admin.post("/setup/dispositions", {"name": "Solved", "parent": "", "queue": ""})
    assert refused.status_code == 422
    assert "already Solved" in refused.content.decode()


def test_somebody_is_invited_by_a_link_and_chooses_a_password(desk: Desk, admin: Client) -> None:
    form = {
        "name": "Ida Berg",
        "email": "ida@nordlys.example",
        "role": "agent",
        "capacity": "3",
        "language": "",
        "queues": [desk.queues["Orders"].pk],
    }
    page = admin.post("/setup/people/new", form).content.decode()
    path = page.partition('id="link" value="')[2].partition('"')[0]
    path = path[path.index("/password/") :]
    ida = User.objects.get(email="ida@nordlys.example")
    assert list(ida.queues.all()) == [desk.queues["Orders"]]
    assert not ida.has_usable_password()
    stranger = Client()
    assert stranger.get(path).status_code == 200
    stranger.post(path, {"password": "correct horse battery", "again": "correct horse battery"})
    ida.refresh_from_db()
    assert ida.check_password("correct horse battery")
    assert stranger.get(path).status_code == 404


def test_the_last_administrator_stays_one(desk: Desk, admin: Client) -> None:
    form = {
        "name": "Maya Lindqvist",
        "email": desk.administrator.email,
        "role": "agent",
        "capacity": "5",
        "language": "",
    }
    answer = admin.post(f"/setup/people/{desk.administrator.pk}", form)
    assert answer.status_code == 422
    assert "last active administrator" in answer.content.decode()


def test_a_person_is_switched_off_and_on(desk: Desk, admin: Client) -> None:
    admin.post(f"/setup/people/{desk.agent.pk}/switch", {"on": "0"})
    desk.agent.refresh_from_db()
    assert not desk.agent.is_active
    admin.post(f"/setup/people/{desk.agent.pk}/switch", {"on": "1"})
    desk.agent.refresh_from_db()
    assert desk.agent.is_active


@pytest.mark.requirement("SE-09")
def test_the_outbox_shows_each_recipient_with_the_servers_line(desk: Desk) -> None:
    page = as_(desk.supervisor).get("/outbox").content.decode()
    assert "550 5.1.1 No such user here" in page
    assert "Sent, returned" in page
    assert "Perhaps sent" in page
    trouble = as_(desk.supervisor).get("/outbox?state=trouble").content.decode().partition("<tbody>")[2]
    assert "Parcel 4" in trouble
    assert "Parcel 1<" not in trouble


@pytest.mark.requirement("SE-09")
def test_the_outbox_retries_cancels_changes_sender_and_confirms(desk: Desk) -> None:
    client = as_(desk.agent)
    by_state = {message.state: message for message in Message.objects.exclude(state=OutState.SENT)}
    other = Sender.objects.create(
        name="Other", address="other@nordlys.example", connector="smtp", enabled=True
    )
    client.post(f"/outbox/{by_state['failed'].pk}", {"act": "sender", "sender": other.pk})
    for state, act in (("failed", "retry"), ("queued", "cancel"), ("unknown", "arrived")):
        client.post(f"/outbox/{by_state[state].pk}", {"act": act, "next": "/outbox"})
    after = {state: Message.objects.get(pk=message.pk) for state, message in by_state.items()}
    assert after["failed"].state == OutState.QUEUED
    assert after["failed"].sender == other
    assert after["queued"].state == OutState.CANCELLED
    assert after["unknown"].state == OutState.SENT


def test_agents_see_and_touch_only_their_own_messages(desk: Desk) -> None:
    stranger = as_(User.objects.create_user("leo@nordlys.example", "Leo", password=PASSWORD))
    assert "Parcel" not in stranger.get("/outbox").content.decode().partition('id="main"')[2]
    failed = Message.objects.get(state=OutState.FAILED)
    assert stranger.post(f"/outbox/{failed.pk}", {"act": "retry"}).status_code == 404


@pytest.mark.requirement("RX-03")
def test_a_letter_is_found_by_what_is_remembered_of_it(desk: Desk) -> None:
    client = as_(desk.supervisor)
    letter = RawMessage.objects.filter(state=LetterState.IGNORED).first()
    assert letter is not None
    for query in (
        f"q={letter.sender}",
        f"message_id={letter.message_id}",
        f"subject={letter.subject}&state=ignored",
    ):
        page = client.get(f"/letters?{query}").content.decode().partition("<tbody>")[2]
        assert f'href="/letters/{letter.pk}"' in page
    assert "No letter matches" in client.get("/letters?q=nobody@nowhere.example").content.decode()
    assert "No letter matches" in client.get("/letters?last=2001-01-01").content.decode()


@pytest.mark.requirement("RX-03")
def test_a_letters_page_shows_its_trail_and_files_it_again(desk: Desk) -> None:
    client = as_(desk.supervisor)
    letter = RawMessage.objects.filter(state=LetterState.STUCK).first()
    assert letter is not None
    page = client.get(f"/letters/{letter.pk}").content.decode()
    assert "The database was full" in page
    assert "From a customer whom we know" in page
    client.post(f"/letters/{letter.pk}/act", {"act": "retry"})
    letter.refresh_from_db()
    assert letter.state == LetterState.RECEIVED
    assert letter.trail[-1][0] == "retry"


def test_the_original_is_saved_and_never_shown(desk: Desk) -> None:
    answer = as_(desk.supervisor).get(f"/letters/{RawMessage.objects.earliest('id').pk}/raw")
    assert answer.content == RAW
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_letter_of_which_only_the_head_was_kept_is_fetched_on_demand(desk: Desk) -> None:
    letter = RawMessage.objects.filter(partial=True).first()
    assert letter is not None
    as_(desk.supervisor).post(f"/letters/{letter.pk}/act", {"act": "fetch"})
    letter.refresh_from_db()
    assert letter.wanted


def test_hostile_text_is_shown_as_text(desk: Desk, admin: Client) -> None:
    evil = "<script>alert(1)</script>"
    RawMessage.objects.filter(state=LetterState.STUCK).update(
        subject=evil, sender=evil, reason=evil, trail=[["file", "stuck", evil]]
    )
    Channel.objects.filter(pk=desk.channels["Faktury CZ"].pk).update(
        health_reason=evil, health_line=evil, name=evil
    )
    letter = RawMessage.objects.filter(state=LetterState.STUCK).first()
    assert letter is not None
    for url in (
        "/letters?state=stuck",
        f"/letters/{letter.pk}",
        f"/setup/mailboxes?show=channel-{desk.channels['Faktury CZ'].pk}",
    ):
        assert evil not in admin.get(url).content.decode()


def test_nonsense_in_the_address_is_no_error(admin: Client) -> None:
    for url in (
        "/setup/mailboxes?way=x&status=x&queue=x&page=x",
        "/outbox?state=x&sender=x&before=x",
        "/letters?first=x&channel=x&state=x&before=-1",
    ):
        assert admin.get(url).status_code == 200
    assert admin.get("/setup/mailboxes?show=channel-999999").status_code == 404
    assert admin.post("/setup/mailboxes/switch", {"switch": "nonsense"}).status_code == 404


def test_the_checklist_leads_from_an_empty_desk_to_an_answer(db: None) -> None:
    verify_key()
    ada = User.objects.create_user("ada@desk.example", "Ada", role="administrator")
    assert [step.done for step in checklist(ada)] == [False] * 7
    Queue.objects.create(name="Support")
    assert [step.title for step in checklist(ada) if step.done] == ["Make a queue"]
    assert checklist(User.objects.create_user("bo@desk.example", "Bo")) == []


def test_the_checklist_of_a_working_desk_is_done(desk: Desk) -> None:
    assert all(step.done for step in checklist(desk.administrator))


def test_the_summary_counts_today(desk: Desk, admin: Client) -> None:
    page = admin.get("/setup/mailboxes").content.decode()
    assert "3 of 5" in page
    Channel.objects.filter(enabled=True).update(health=Health.LIVE)
    assert "5 of 5" in admin.get("/setup/mailboxes").content.decode()


@pytest.mark.parametrize(("preset", "warned"), [("outlook365", True), ("outlook", True), ("gmail", False)])
def test_a_provider_that_takes_no_password_is_not_pretended_to_work(
    admin: Client, preset: str, warned: bool
) -> None:
    page = admin.post(
        "/setup/mailboxes/channels/new", channel_form(preset=preset, refresh="1")
    ).content.decode()
    assert ("Postroom cannot sign in with Microsoft yet" in page) is warned


@pytest.mark.requirement("CH-12")
def test_what_happens_to_letters_already_there_is_asked_beside_the_switch(admin: Client) -> None:
    page = admin.get("/setup/mailboxes/channels/new").content.decode()
    question, button = page.index('id="already"'), page.index("Save and switch on")
    assert question < button
    between = page[question:button]
    assert between.count('name="start"') == 3
    assert "data-letters" in between
