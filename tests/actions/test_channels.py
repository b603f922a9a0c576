"""Channels as administrators change them."""

from __future__ import annotations

import json

import pytest

from postroom.actions.channels import (
    change_channel,
    create_channel,
    delete_channel,
    delete_channels,
    switch_channel,
    switch_channels,
    why_not_on,
)
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Case, Channel, ChannelFolder, Event, Health, RawMessage
from tests.actions.desk import administrator, agent, channel_values, queue

pytestmark = pytest.mark.django_db


def refused(**values: object) -> dict[str, str]:
    with pytest.raises(Refused) as no:
        create_channel(by=None, values=channel_values(**values))
    assert not Channel.objects.exists()
    return no.value.errors


@pytest.mark.requirement("CH-02", "CH-04")
def test_a_new_channel_is_off_and_tells_why_it_cannot_be_switched_on() -> None:
    channel = create_channel(by=administrator(), values=channel_values())
    assert not channel.enabled
    assert channel.health == Health.OFF
    assert "default queue" in why_not_on(channel)
    with pytest.raises(Refused) as no:
        switch_channel(channel, by=None, on=True)
    assert "default queue" in no.value.errors["default_queue"]


@pytest.mark.requirement("CH-04")
def test_with_a_default_queue_it_is_switched_on() -> None:
    channel = create_channel(by=None, values=channel_values(default_queue=queue().name))
    channel = switch_channel(channel, by=None, on=True)
    assert channel.enabled
    assert channel.health == Health.UNKNOWN


@pytest.mark.requirement("CH-04")
def test_a_channel_that_is_on_keeps_its_queue() -> None:
    channel = create_channel(by=None, values=channel_values(default_queue=queue()))
    channel = switch_channel(channel, by=None, on=True)
    with pytest.raises(Refused) as no:
        change_channel(channel, by=None, values={"default_queue": ""})
    assert "switch the channel off" in no.value.errors["default_queue"]


def test_an_agent_may_not_change_channels() -> None:
    with pytest.raises(NotAllowed):
        create_channel(by=agent(), values=channel_values())
    channel = create_channel(by=None, values=channel_values())
    for act in (
        lambda: change_channel(channel, by=agent("Eve"), values={"name": "x"}),
        lambda: switch_channel(channel, by=agent("Bob"), on=True),
        lambda: delete_channel(channel, by=agent("Kim")),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_a_deactivated_administrator_may_not_change_channels() -> None:
    with pytest.raises(NotAllowed):
        create_channel(by=administrator(is_active=False), values=channel_values())


@pytest.mark.requirement("CH-02")
@pytest.mark.parametrize(
    ("values", "field", "word"),
    [
        ({"name": ""}, "name", "missing"),
        ({"name": " \u200b\u00a0 "}, "name", "missing"),
        ({"name": "x" * 121}, "name", "120"),
        ({"name": "two\nlines"}, "name", "line break"),
        ({"key": "TOOLONG"}, "key", "5"),
        ({"key": "A B"}, "key", "letters or digits"),
        ({"address": ""}, "address", "missing"),
        ({"address": "support"}, "address", "name@example.com"),
        ({"address": "a@b.test\r\nRCPT TO:<x@y>"}, "address", "name@example.com"),
        ({"aliases": "one@desk.test, two"}, "aliases", "name@example.com"),
        ({"default_queue": "Nowhere"}, "default_queue", "There is no queue"),
        ({"max_size_mb": 4}, "max_size_mb", "5 to 20"),
        ({"max_size_mb": 21}, "max_size_mb", "5 to 20"),
        ({"max_size_mb": "much"}, "max_size_mb", "whole number"),
        ({"poll_seconds": 0}, "poll_seconds", "5 to 86400"),
        ({"poll_seconds": 10**9}, "poll_seconds", "5 to 86400"),
        ({"after_collect": "burn"}, "after_collect", "mark-read"),
        ({"after_collect": "move"}, "move_to", "folder"),
        ({"after_collect": "move", "move_to": "INBOX"}, "move_to", "another"),
        ({"start": "since"}, "start_since", "date"),
        ({"start": "since", "start_since": "soon"}, "start_since", "2026-01-31"),
        ({"start": "since", "start_since": "2999-01-01"}, "start_since", "still to come"),
        ({"recipient_only": "perhaps"}, "recipient_only", "yes or no"),
        ({"connector": "smoke"}, "connector", "imap"),
        ({"preset": "acme"}, "preset", "gmail"),
        ({"settings.host": ""}, "settings.host", "missing"),
        ({"settings.host": "imap://desk.test/"}, "settings.host", "only the server's name"),
        ({"settings.host": "me@desk.test"}, "settings.host", "only the server's name"),
        ({"settings.host": "desk.test:993"}, "settings.host", "only the server's name"),
        ({"settings.port": 0}, "settings.port", "least"),
        ({"settings.port": 65536}, "settings.port", "most"),
        ({"settings.security": "maybe"}, "settings.security", "starttls"),
        ({"settings.nonsense": 1}, "settings.nonsense", "Known are"),
        ({"enabled": True}, "enabled", "There is no field"),
        ({"secret_sealed": "x"}, "secret_sealed", "There is no field"),
    ],
)
def test_every_refusal_names_the_field_and_the_fix(values: dict[str, object], field: str, word: str) -> None:
    assert word in refused(**values)[field]


def test_all_faults_are_told_at_once() -> None:
    assert set(refused(name="", key="TOOLONG", max_size_mb=1)) >= {"name", "key", "max_size_mb"}


@pytest.mark.requirement("CH-02", "CH-21")
def test_names_hold_letters_of_any_script_and_signs() -> None:
    name = "Žákaznický_servis @ Brno. <b>& Söhne</b> 日本語 x 0123456789"
    assert len(name) > 40
    assert create_channel(by=None, values=channel_values(name=name)).name == name


@pytest.mark.requirement("CH-02")
def test_name_key_and_address_belong_to_one_channel_whatever_their_case() -> None:
    create_channel(by=None, values=channel_values(aliases=["help@desk.test"]))
    with pytest.raises(Refused) as no:
        create_channel(by=None, values=channel_values(name="SUPPORT", key="sup", address="Support@Desk.Test"))
    assert set(no.value.errors) == {"name", "key", "address"}
    with pytest.raises(Refused) as no:
        create_channel(by=None, values=channel_values(name="Other", key="OTH", address="Help@desk.test"))
    assert "Support has the address" in no.value.errors["address"]


def test_a_missing_key_is_made_from_the_name() -> None:
    keys = [
        create_channel(
            by=None, values=channel_values(name=f"Sales {n}", key="", address=f"s{n}@desk.test")
        ).key
        for n in ("east", "west")
    ]
    assert keys == ["SALES", "SALE2"]


def test_pasted_blanks_are_trimmed() -> None:
    values = channel_values(
        name="\u00a0Support \u200b", address=" support@Desk.test\n", password="secret\r\n"
    )
    values["settings"] = {"host": "\ufeff imap.desk.test ", "port": " 993 ", "login": "\tsupport "}
    channel = create_channel(by=None, values=values)
    assert (channel.name, channel.address, channel.secret) == ("Support", "support@desk.test", "secret")
    assert (channel.settings["host"], channel.settings["port"], channel.settings["login"]) == (
        "imap.desk.test",
        993,
        "support",
    )


@pytest.mark.requirement("CH-19")
def test_an_empty_password_keeps_the_stored_one() -> None:
    channel = create_channel(by=None, values=channel_values())
    channel = change_channel(channel, by=None, values={"name": "Help", "password": ""})
    assert channel.secret == "mailbox-secret"


@pytest.mark.requirement("CH-19")
@pytest.mark.parametrize(
    "values",
    [
        {"settings.host": "evil.test"},
        {"settings.port": 994},
        {"settings.login": "other"},
        {"connector": "pop3", "after_collect": "leave"},
    ],
)
def test_another_server_or_login_asks_for_the_password_again(values: dict[str, object]) -> None:
    channel = create_channel(by=None, values=channel_values())
    with pytest.raises(Refused) as no:
        change_channel(channel, by=None, values=values)
    assert "type the password again" in no.value.errors["password"]
    changed = change_channel(channel, by=None, values={**values, "password": "new-secret"})
    assert changed.secret == "new-secret"


@pytest.mark.requirement("CH-15")
def test_a_server_without_sign_in_needs_no_password() -> None:
    channel = create_channel(by=None, values=channel_values())
    channel = change_channel(
        channel, by=None, values={"settings.sign_in": "none", "settings.host": "other.test"}
    )
    assert channel.secret == ""


@pytest.mark.requirement("CH-03")
def test_a_provider_fixes_server_port_and_security() -> None:
    channel = create_channel(by=None, values=channel_values(preset="gmail"))
    assert channel.settings["host"] == "imap.gmail.com"
    assert channel.settings["port"] == 993
    assert channel.settings["login"] == "support"


@pytest.mark.requirement("CH-23")
def test_pop3_can_leave_and_delete_only() -> None:
    channel = create_channel(
        by=None, values=channel_values(connector="pop3", settings={"host": "pop.desk.test"})
    )
    assert channel.after_collect == "leave"
    assert channel.settings["port"] == 995
    for values, field in (
        ({"after_collect": "mark-read"}, "after_collect"),
        ({"after_collect": "move", "move_to": "Done"}, "after_collect"),
        ({"all_folders": True}, "all_folders"),
        ({"folder": "Archive"}, "folder"),
    ):
        with pytest.raises(Refused) as no:
            change_channel(channel, by=None, values=values)
        assert field in no.value.errors
    assert (
        change_channel(
            channel, by=None, values={"after_collect": "delete-later", "delete_days": 14}
        ).delete_days
        == 14
    )


def listed(channel: Channel) -> None:
    ChannelFolder.objects.create(channel=channel, name="INBOX", validity="1", cursor=5)
    Channel.objects.filter(pk=channel.pk).update(health=Health.SIGN_IN, failures=3, health_reason="Refused")


def test_a_new_password_is_tried_at_once_and_the_cursor_stays() -> None:
    channel = create_channel(by=None, values=channel_values(default_queue=queue()))
    switch_channel(channel, by=None, on=True)
    listed(channel)
    channel = change_channel(channel, by=None, values={"password": "right"})
    assert (channel.health, channel.failures, channel.next_try, channel.health_reason) == (
        Health.UNKNOWN,
        0,
        None,
        "",
    )
    assert channel.folders.count() == 1


def test_a_new_name_changes_nothing_of_the_connection() -> None:
    channel = create_channel(by=None, values=channel_values(default_queue=queue()))
    listed(channel)
    channel = change_channel(channel, by=None, values={"name": "Help"})
    assert (channel.health, channel.failures) == (Health.SIGN_IN, 3)


def test_another_mailbox_is_read_from_its_beginning() -> None:
    channel = create_channel(by=None, values=channel_values())
    listed(channel)
    channel = change_channel(channel, by=None, values={"settings.login": "sales", "password": "x"})
    assert channel.folders.count() == 0


@pytest.mark.requirement("CH-12")
def test_what_to_do_with_old_letters_is_chosen_when_a_mailbox_is_connected() -> None:
    channel = create_channel(by=None, values=channel_values())
    assert change_channel(channel, by=None, values={"start": "archive"}).start == "archive"
    listed(channel)
    with pytest.raises(Refused) as no:
        change_channel(channel, by=None, values={"start": "none"})
    assert "when a mailbox is connected" in no.value.errors["start"]
    moved = {"start": "none", "settings.host": "other.test", "password": "x"}
    assert change_channel(channel, by=None, values=moved).start == "none"


@pytest.mark.requirement("CH-05")
def test_a_channel_that_is_on_is_not_deleted_and_deleting_keeps_cases_and_letters() -> None:
    channel = create_channel(by=None, values=channel_values(default_queue=queue()))
    channel = switch_channel(channel, by=None, on=True)
    case = Case.objects.create(subject="Lamp", channel=channel)
    letter = RawMessage.objects.create(channel=channel, uid="1")
    with pytest.raises(Refused, match="Switch it off first"):
        delete_channel(channel, by=None)
    delete_channel(switch_channel(channel, by=None, on=False), by=None)
    assert not Channel.objects.exists()
    case.refresh_from_db()
    letter.refresh_from_db()
    assert case.channel is None
    assert letter.channel is None


@pytest.mark.requirement("CH-18")
def test_in_bulk_each_channel_stands_for_itself() -> None:
    good = create_channel(by=None, values=channel_values(default_queue=queue()))
    bad = create_channel(by=None, values=channel_values(name="Sales", key="SAL", address="sales@desk.test"))
    outcome = switch_channels([bad, good], by=None, on=True)
    assert outcome.done == [good]
    assert [row for row, _ in outcome.refused] == [bad]
    assert "Sales: Choose a default queue" in outcome.sentence
    good.refresh_from_db()
    assert good.enabled
    assert delete_channels([good, bad], by=None).done == [bad]


@pytest.mark.requirement("PE-01", "CH-19")
def test_every_change_leaves_an_event_without_the_secret() -> None:
    ada = administrator()
    channel = create_channel(by=ada, values=channel_values())
    change_channel(channel, by=ada, values={"name": "Help", "password": "another-secret"})
    change_channel(channel, by=ada, values={"name": "Help"})
    events = list(Event.objects.all())
    assert [event.kind for event in events] == ["channel.created", "channel.changed"]
    assert events[1].actor == ada
    assert events[1].data["before"] == {"name": "Support", "password": "(secret)"}
    assert events[1].data["after"] == {"name": "Help", "password": "(secret)"}
    everything = json.dumps([event.data for event in events])
    assert 'secret"' not in everything.replace('"(secret)"', "")
    assert "v1." not in everything
