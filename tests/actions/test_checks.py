"""Validate, against real servers: exactly the given values, saved or not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from postroom.actions.channels import change_channel, create_channel
from postroom.actions.checks import (
    check_channel,
    check_saved_channel,
    check_saved_sender,
    check_sender,
    probe_channel,
    within,
)
from postroom.actions.refusals import NotAllowed, Refused
from postroom.actions.senders import create_sender
from postroom.connectors.base import Step
from tests.actions.desk import agent, channel_values, sender_values
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import MailServer

pytestmark = [pytest.mark.django_db, pytest.mark.server]
LETTER = b"From: Eva <eva@world.test>\r\nSubject: Lamp\r\n\r\nHello\r\n"
EVA = "eva@example.test"


@pytest.fixture
def mailbox(dovecot: Dovecot) -> dict[str, Any]:
    """The values of a channel that collects Eva's mailbox, in which two letters lie."""
    dovecot.add_user(EVA, "eva-pw")
    dovecot.erase(EVA)
    for _ in range(2):
        dovecot.deliver(EVA, LETTER)
    settings = {
        "host": "localhost",
        "port": dovecot.imaps_port,
        "login": EVA,
        "ca": dovecot.certificates.ca_pem,
    }
    return channel_values(settings=settings, password="eva-pw")


@pytest.mark.requirement("CH-16")
def test_values_that_are_not_saved_are_checked_step_by_step(mailbox: dict[str, Any]) -> None:
    steps = list(check_channel(mailbox, by=None))
    assert len(steps) >= 4
    assert {step.state for step in steps} <= {"ok", "warn", "skipped"}


@pytest.mark.requirement("CH-16")
def test_a_pasted_blank_does_not_fail_the_check(mailbox: dict[str, Any]) -> None:
    mailbox["settings"].update(host="\u00a0localhost ", login=f" {EVA}\n")
    mailbox["password"] = "eva-pw\r\n"
    assert "fail" not in {step.state for step in check_channel(mailbox, by=None)}


@pytest.mark.requirement("CH-16")
def test_a_wrong_password_ends_the_check_at_signing_in(mailbox: dict[str, Any]) -> None:
    steps = list(check_channel({**mailbox, "password": "wrong"}, by=None))
    assert steps[-1].state == "fail"
    assert steps[-1].fix


def test_values_that_cannot_be_tried_are_told_by_field() -> None:
    steps = list(check_channel({"settings": {"host": "", "port": 0}, "after_collect": "move"}, by=None))
    assert {step.field for step in steps} >= {"host", "port"}
    assert {step.state for step in steps} == {"fail"}


@pytest.mark.requirement("CH-19")
def test_the_stored_password_is_not_sent_to_another_server(mailbox: dict[str, Any]) -> None:
    channel = create_channel(by=None, values=mailbox)
    [step] = check_channel({"settings.host": "evil.test"}, by=None, channel=channel)
    assert (step.state, step.field) == ("fail", "password")


@pytest.mark.requirement("CH-16", "CH-17")
def test_a_saved_channel_remembers_that_it_was_validated(mailbox: dict[str, Any]) -> None:
    channel = create_channel(by=None, values=mailbox)
    assert "fail" not in {step.state for step in check_saved_channel(channel, by=None)}
    channel.refresh_from_db()
    assert channel.validated is not None
    channel = change_channel(channel, by=None, values={"password": "wrong"})
    assert "fail" in {step.state for step in check_saved_channel(channel, by=None)}
    channel.refresh_from_db()
    assert channel.validated is None


@pytest.mark.requirement("CH-12")
def test_the_letters_of_a_mailbox_are_counted_before_anything_is_collected(
    mailbox: dict[str, Any], dovecot: Dovecot
) -> None:
    probe = probe_channel(mailbox, by=None)
    assert (probe.letters, probe.size) == (2, 2 * len(LETTER))
    assert "INBOX" in probe.folders
    assert dovecot.flags(EVA) == ["", ""]


@pytest.mark.requirement("CH-12", "CH-23")
def test_the_letters_of_a_pop3_mailbox_are_counted(mailbox: dict[str, Any], dovecot: Dovecot) -> None:
    settings = {**mailbox["settings"], "port": dovecot.pop3s_port}
    probe = probe_channel({**mailbox, "connector": "pop3", "settings": settings}, by=None)
    assert (probe.letters, probe.size) == (2, 2 * len(LETTER))


def test_a_mailbox_that_cannot_be_counted_is_refused_with_the_reason(mailbox: dict[str, Any]) -> None:
    with pytest.raises(Refused) as no:
        probe_channel({**mailbox, "password": "wrong"}, by=None)
    assert no.value.text
    with pytest.raises(Refused) as no:
        probe_channel({**mailbox, "folder": "Nowhere"}, by=None)
    assert no.value.text


@pytest.mark.requirement("SE-07")
def test_a_sender_is_checked_as_it_is_stored_and_as_it_is_typed(
    dovecot: Dovecot, postfix: MailServer
) -> None:
    dovecot.add_user(EVA, "eva-pw")
    settings = {
        "host": "localhost",
        "port": postfix.submission_port,
        "login": EVA,
        "ca": dovecot.certificates.ca_pem,
    }
    values = sender_values(address=EVA, settings=settings, password="eva-pw")
    assert "fail" not in {step.state for step in check_sender(values, by=None)}
    sender = create_sender(by=None, values=values)
    assert "fail" not in {step.state for step in check_saved_sender(sender, by=None)}
    sender.refresh_from_db()
    assert sender.validated is not None
    assert list(check_sender({"password": "wrong"}, by=None, sender=sender))[-1].state == "fail"


def test_an_agent_may_not_check() -> None:
    for act in (check_channel, check_sender, probe_channel):
        with pytest.raises(NotAllowed):
            act({}, by=agent(act.__name__))


@pytest.mark.requirement("CH-16")
def test_a_check_ends_in_time_though_a_server_never_answers() -> None:
    never = threading.Event()

    def steps() -> Iterator[Step]:
        yield Step("name", "Name", "ok")
        never.wait(30)

    start = time.monotonic()
    found = list(within(steps(), seconds=0.2))
    never.set()
    assert [step.state for step in found] == ["ok", "fail"]
    assert time.monotonic() - start < 5


@pytest.mark.requirement("CH-13")
def test_a_silent_server_is_given_up_after_the_connection_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"host": "127.0.0.1", "port": silent.getsockname()[1], "login": "x", "connect_timeout": 1}
        start = time.monotonic()
        steps = list(check_channel(channel_values(settings=settings), by=None))
    assert steps[-1].state == "fail"
    assert time.monotonic() - start < 10


def test_a_mailbox_that_another_channel_collects_is_warned_about(
    mailbox: dict[str, Any], dovecot: Dovecot
) -> None:
    create_channel(by=None, values={**mailbox, "name": "First"})
    same = {**mailbox, "settings": {**mailbox["settings"], "host": "LOCALHOST", "login": EVA.upper()}}
    first = next(check_channel(same, by=None))
    assert (first.state, first.field) == ("warn", "login")
    assert "The channel First collects this mailbox already" in first.detail
    dovecot.deliver(EVA, LETTER, "Other")
    assert next(check_channel({**mailbox, "folder": "Other"}, by=None)).state == "ok"
