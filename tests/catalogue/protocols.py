"""Tools for the protocol rows of the catalogue: inboxes and outboxes that lead to a scripted server or a fault proxy, and are impatient."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from postroom.connectors import imap, pop3, smtp
from postroom.connectors.base import ConnectorError, Envelope, Inbox, Outbox, Secret

QUICK = {"connect_timeout": 1, "sign_in_timeout": 1, "answer_timeout": 1}
SECRET = Secret("s3cret-canary")
MESSAGE = b"From: a@example.test\r\nSubject: hello\r\n\r\nhello\r\n"
TO_BOB = Envelope("a@example.test", ("bob@example.test",))


def by_imap(port: int, **changes: Any) -> imap.Inbox:
    first: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": "none", "login": "anna", **QUICK}
    return imap.Inbox(imap.ImapSettings(**{**first, **changes}), SECRET)


def by_pop3(port: int, **changes: Any) -> pop3.Inbox:
    first: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": "none", "login": "anna", **QUICK}
    return pop3.Inbox(pop3.Pop3Settings(**{**first, **changes}), SECRET)


def by_smtp(port: int, **changes: Any) -> smtp.Outbox:
    first: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "login": "anna",
        "final_timeout": 1,
    }
    return smtp.Outbox(smtp.SmtpSettings(**{**first, **QUICK, **changes}), SECRET)


def fails(box: Inbox | Outbox) -> ConnectorError:
    """The error that connecting ends in."""
    with pytest.raises(ConnectorError) as wrong:
        box.connect()
    box.close()
    assert wrong.value.advice, wrong.value
    return wrong.value


def read_all(inbox: Inbox) -> list[bytes | None]:
    """Connect, list and read everything."""
    with inbox:
        inbox.open("INBOX")
        return [letter.raw for letter in inbox.read(inbox.list())]


def reading_fails(inbox: Inbox) -> ConnectorError:
    with pytest.raises(ConnectorError) as wrong:
        read_all(inbox)
    return wrong.value


def outcome(inbox: Inbox) -> ConnectorError | None:
    """The error that reading ends in, None when it succeeds; any other exception is a failure of the test."""
    try:
        read_all(inbox)
    except ConnectorError as wrong:
        return wrong
    return None


ANNA = "anna.catalogue@example.test"
RAWS = [b"Subject: %d\r\n\r\nletter %d\r\n" % (n, n) for n in range(1, 6)]


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds
