"""Senders as administrators change them."""

from __future__ import annotations

import pytest

from postroom.actions.channels import create_channel
from postroom.actions.refusals import NotAllowed, Refused
from postroom.actions.senders import (
    change_sender,
    create_sender,
    delete_sender,
    delete_senders,
    switch_sender,
    switch_senders,
)
from postroom.models import Case, Event, Message, MessageKind, OutState, Queue, Sender
from tests.actions.desk import agent, channel_values, sender_values

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("SE-01", "SE-02")
def test_there_may_be_many_senders_and_they_need_no_channel() -> None:
    for name in ("smtp-client", "billing", "no-reply"):
        create_sender(by=None, values=sender_values(name=name))
    assert Sender.objects.filter(enabled=True).count() == 3


@pytest.mark.requirement("SE-02")
@pytest.mark.parametrize(
    ("values", "field", "word"),
    [
        ({"name": ""}, "name", "missing"),
        ({"address": "nobody"}, "address", "name@example.com"),
        ({"address": ""}, "address", "missing"),
        ({"display_name": "Desk\r\nBcc: all@world.test"}, "display_name", "line break"),
        ({"size_limit_mb": 0}, "size_limit_mb", "1 to 150"),
        ({"size_limit_mb": 151}, "size_limit_mb", "1 to 150"),
        ({"connector": "imap"}, "connector", "smtp"),
        ({"settings": {}}, "settings.host", "missing"),
    ],
)
def test_every_refusal_names_the_field(values: dict[str, object], field: str, word: str) -> None:
    with pytest.raises(Refused) as no:
        create_sender(by=None, values=sender_values(**values))
    assert word in no.value.errors[field]
    assert not Sender.objects.exists()


def test_an_agent_may_not_change_senders() -> None:
    with pytest.raises(NotAllowed):
        create_sender(by=agent(), values=sender_values())


@pytest.mark.requirement("CH-19")
def test_the_password_is_kept_and_asked_for_again_on_another_server() -> None:
    sender = create_sender(by=None, values=sender_values(signature="{{ agent.name }}\nDesk"))
    assert change_sender(sender, by=None, values={"display_name": "Desk"}).secret == "mailbox-secret"
    with pytest.raises(Refused) as no:
        change_sender(sender, by=None, values={"settings.host": "evil.test"})
    assert set(no.value.errors) == {"password"}


def test_names_of_senders_are_unique() -> None:
    create_sender(by=None, values=sender_values())
    with pytest.raises(Refused) as no:
        create_sender(by=None, values=sender_values(name="support"))
    assert "already a sender" in no.value.errors["name"]


def test_a_sender_is_deleted_only_when_nothing_needs_it() -> None:
    sender = create_sender(by=None, values=sender_values())
    with pytest.raises(Refused, match="Switch it off"):
        delete_sender(sender, by=None)
    sender = switch_sender(sender, by=None, on=False)
    channel = create_channel(by=None, values=channel_values(default_sender=sender.name))
    queue = Queue.objects.create(name="Help", default_sender=sender)
    with pytest.raises(Refused, match="Support, Help"):
        delete_sender(sender, by=None)
    channel.delete()
    queue.delete()
    message = Message.objects.create(
        case=Case.objects.create(), kind=MessageKind.OUT, sender=sender, state=OutState.QUEUED
    )
    with pytest.raises(Refused, match="1 messages wait"):
        delete_sender(sender, by=None)
    Message.objects.filter(pk=message.pk).update(state=OutState.SENT)
    delete_sender(sender, by=None)
    assert not Sender.objects.exists()
    message.refresh_from_db()
    assert message.sender is None


@pytest.mark.requirement("CH-18")
def test_senders_are_switched_and_deleted_in_bulk() -> None:
    one, two = (create_sender(by=None, values=sender_values(name=name)) for name in ("one", "two"))
    assert switch_senders([one], by=None, on=False).done == [one]
    outcome = delete_senders([one, two], by=None)
    assert [row for row, _ in outcome.refused] == [two]
    assert list(Sender.objects.all()) == [two]


@pytest.mark.requirement("PE-01")
def test_every_change_leaves_an_event() -> None:
    sender = create_sender(by=None, values=sender_values())
    change_sender(sender, by=None, values={"size_limit_mb": 30})
    switch_sender(sender, by=None, on=False)
    delete_sender(sender, by=None)
    assert [event.kind for event in Event.objects.all()] == [
        "sender.created",
        "sender.changed",
        "sender.switched",
        "sender.deleted",
    ]
    assert Event.objects.get(kind="sender.changed").data["after"] == {"size_limit_mb": 30}
