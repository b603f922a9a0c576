"""A mailbox of one's own for each test, and settings that lead to it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import pytest

from postroom.connectors import imap, pop3, smtp
from postroom.connectors.base import Secret
from postroom.connectors.server import ServerSettings
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import MailServer

COUNT = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody with a mailbox on the test server."""

    address: str
    password: str
    server: Dovecot

    @property
    def secret(self) -> Secret:
        return Secret(self.password)

    def deliver(self, *raws: bytes, folder: str = "INBOX") -> None:
        for raw in raws:
            self.server.deliver(self.address, raw, folder)


@pytest.fixture
def anna(dovecot: Dovecot) -> Person:
    """Anna has an empty mailbox that nobody else uses."""
    person = Person(f"anna{next(COUNT)}@example.test", "correct horse", dovecot)
    dovecot.add_user(person.address, person.password)
    return person


@pytest.fixture
def imap_settings(anna: Person, certificates: Certificates) -> imap.ImapSettings:
    return imap.ImapSettings(
        host="localhost", port=anna.server.imaps_port, login=anna.address, ca=certificates.ca_pem
    )


@pytest.fixture
def pop3_settings(anna: Person, certificates: Certificates) -> pop3.Pop3Settings:
    return pop3.Pop3Settings(
        host="localhost", port=anna.server.pop3s_port, login=anna.address, ca=certificates.ca_pem
    )


@pytest.fixture
def smtp_settings(anna: Person, postfix: MailServer, certificates: Certificates) -> smtp.SmtpSettings:
    return smtp.SmtpSettings(
        host="localhost", port=postfix.submission_port, login=anna.address, ca=certificates.ca_pem
    )


def plain(settings: Any, port: int, **changes: Any) -> Any:
    """The same settings without encryption at another port, and impatient, for proxies and scripted servers."""
    assert isinstance(settings, ServerSettings)
    quick = {"connect_timeout": 1, "sign_in_timeout": 1, "answer_timeout": 1}
    return replace(settings, port=port, security="none", **{**quick, **changes})
