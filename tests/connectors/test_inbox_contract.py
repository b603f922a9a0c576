"""What every inbox promises, shown for each connector against a real Dovecot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from postroom.connectors.base import ConnectorError, Inbox, Kind, Ref, Secret, Settle
from postroom.connectors.registry import inboxes
from tests.connectors.conftest import Person
from tests.servers.certificates import Certificates
from tests.servers.fakes import FakeServer, Talk

LETTERS = [
    b"Subject: plain\r\n\r\nhello\r\n",
    b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\n...\r\nend\r\n",
    b"Subject: long line\r\n\r\n" + b"x" * 100_000 + b"\r\n",
    b"Subject: 8-bit\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
    b"Subject: no body\r\n\r\n",
    b"Subject: braces\r\n\r\nliteral {12}\r\n* 1 FETCH (UID 1)\r\n+OK\r\n",
]


@dataclass(frozen=True)
class Door:
    """A way into Anna's mailbox: the connector's class and how its settings are made."""

    kind: type[Inbox]
    settings: Callable[..., Any]
    secret: Secret

    def open(self, **changes: Any) -> Inbox:
        return self.kind(self.settings(**changes), self.secret)


@pytest.fixture(params=["imap", "pop3"])
def door(request: pytest.FixtureRequest, anna: Person, certificates: Certificates) -> Door:
    kind = inboxes()[request.param]
    ports = {
        ("imap", "tls"): anna.server.imaps_port,
        ("imap", "starttls"): anna.server.imap_port,
        ("imap", "none"): anna.server.imap_port,
        ("pop3", "tls"): anna.server.pop3s_port,
        ("pop3", "starttls"): anna.server.pop3_port,
        ("pop3", "none"): anna.server.pop3_port,
    }

    def settings(**changes: Any) -> Any:
        security = changes.get("security", "tls")
        first = {
            "host": "localhost",
            "port": ports[request.param, security],
            "login": anna.address,
            "ca": certificates.ca_pem,
        }
        return kind.Settings(**{**first, **changes})

    return Door(kind, settings, anna.secret)


def names(steps: Any) -> dict[str, str]:
    return {step.name: step.state for step in steps}


@pytest.mark.server
@pytest.mark.requirement("RX-01", "CH-14")
@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_reads_every_byte_as_it_was_delivered(door: Door, anna: Person, security: str) -> None:
    anna.deliver(*LETTERS)
    with door.open(security=security) as inbox:
        assert inbox.open("INBOX").total == len(LETTERS)
        got = list(inbox.read(inbox.list()))
    assert [letter.raw for letter in got] == LETTERS


@pytest.mark.server
@pytest.mark.requirement("RX-04")
def test_names_of_letters_last_over_sessions_and_differ(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        validity = inbox.open("INBOX").validity
        first = inbox.list()
    anna.deliver(LETTERS[0])
    with door.open() as inbox:
        assert inbox.open("INBOX").validity == validity
        second = inbox.list()
    assert [ref.uid for ref in second[: len(first)]] == [ref.uid for ref in first]
    assert len({ref.uid for ref in second}) == len(LETTERS) + 1


@pytest.mark.server
@pytest.mark.requirement("CH-07")
def test_sizes_are_known_before_download(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        inbox.open("INBOX")
        assert [ref.size for ref in inbox.list()] == [len(raw) for raw in LETTERS]


@pytest.mark.server
def test_list_takes_the_oldest_up_to_a_limit(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        inbox.open("INBOX")
        every = inbox.list()
        assert inbox.list(limit=2) == every[:2]


@pytest.mark.server
def test_reads_in_the_order_asked_for(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        inbox.open("INBOX")
        refs = inbox.list()[::-1]
        assert [letter.raw for letter in inbox.read(refs)] == LETTERS[::-1]


@pytest.mark.server
def test_reads_a_letter_of_several_megabytes(door: Door, anna: Person) -> None:
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 330_000 + b"\r\n"
    anna.deliver(LETTERS[0], large, LETTERS[1])
    with door.open() as inbox:
        inbox.open("INBOX")
        assert [letter.raw for letter in inbox.read(inbox.list())] == [LETTERS[0], large, LETTERS[1]]


@pytest.mark.server
@pytest.mark.requirement("CH-07")
def test_head_gives_the_header_of_a_letter_too_large_to_collect(door: Door, anna: Person) -> None:
    raw = b"Subject: big\r\nX-Long: " + b"y" * 5_000 + b"\r\n\r\n" + b"body\r\n" * 100_000
    anna.deliver(raw)
    with door.open() as inbox:
        inbox.open("INBOX")
        ref = inbox.list()[0]
        head = inbox.head(ref, 20_000)
        short = inbox.head(ref, 100)
    assert raw.startswith(head)
    assert 10_000 < len(head) <= 20_000
    assert short.endswith(b"y\r\n\r\n")
    assert raw.startswith(short)


@pytest.mark.server
@pytest.mark.requirement("RX-03")
def test_a_letter_that_is_not_there_comes_back_without_bytes(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS[:2])
    with door.open() as inbox:
        inbox.open("INBOX")
        refs = inbox.list()
        gone = Ref("4000000", 100)
        got = list(inbox.read([refs[0], gone, refs[1]]))
    assert [letter.raw for letter in got] == [LETTERS[0], None, LETTERS[1]]


@pytest.mark.server
@pytest.mark.requirement("RX-03")
def test_reading_changes_nothing_on_the_server(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        inbox.open("INBOX")
        refs = inbox.list()
        list(inbox.read(refs))
        inbox.head(refs[0], 10)
        inbox.settle(refs, Settle.LEAVE)
    assert anna.server.letters(anna.address) == LETTERS
    if (
        door.kind.can_mark
    ):  # by POP3 the server itself may mark what it hands out, and nobody can ask it not to
        assert not any("S" in flags for flags in anna.server.flags(anna.address))


@pytest.mark.server
@pytest.mark.requirement("CH-11")
def test_deletes_only_the_letters_given(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        inbox.open("INBOX")
        inbox.settle(inbox.list()[1:3], Settle.DELETE)
    assert anna.server.letters(anna.address) == [LETTERS[0], *LETTERS[3:]]


@pytest.mark.server
def test_settling_between_two_letters_of_one_reading_works(door: Door, anna: Person) -> None:
    anna.deliver(*LETTERS)
    with door.open() as inbox:
        inbox.open("INBOX")
        for letter in inbox.read(inbox.list()):
            inbox.settle([letter.ref], Settle.DELETE)
    assert anna.server.letters(anna.address) == []


@pytest.mark.server
@pytest.mark.requirement("CH-16", "CH-12")
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_check_names_every_step_and_counts_the_letters(door: Door, anna: Person, security: str) -> None:
    anna.deliver(*LETTERS)
    steps = list(door.open(security=security).check(how=Settle.DELETE))
    assert [step.name for step in steps if step.state == "fail"] == []
    assert {"name", "tcp", "tls", "greeting", "sign-in", "folder", "rights", "push", "count"} == {
        s.name for s in steps
    }
    assert "6 letters" in steps[-1].detail
    assert all(step.ms >= 0 and step.title for step in steps)
    assert anna.server.letters(anna.address) == LETTERS


@pytest.mark.server
@pytest.mark.requirement("RX-07")
def test_a_wrong_password_is_a_sign_in_error_in_the_servers_words(door: Door) -> None:
    inbox = door.kind(door.settings(), Secret("wrong"))
    with pytest.raises(ConnectorError) as wrong:
        inbox.connect()
    assert wrong.value.kind is Kind.SIGN_IN
    assert "Authentication failed" in wrong.value.server_line
    assert wrong.value.advice
    step = list(inbox.check())[-1]
    assert (step.name, step.state, step.field) == ("sign-in", "fail", "login")


@pytest.mark.server
@pytest.mark.parametrize(
    "password", ['quo"te', "back\\slash", "per%cent", " spa ce ", "pässwörd-日本", "x" * 200, "a{3}"]
)
def test_any_password_works(door: Door, anna: Person, password: str) -> None:
    anna.server.add_user(anna.address, password)
    with door.kind(door.settings(), Secret(password)) as inbox:
        assert inbox.open("INBOX").total == 0


@pytest.mark.server
@pytest.mark.parametrize("what", ["login", "password"])
def test_a_line_break_in_login_or_password_never_reaches_the_socket(door: Door, what: str) -> None:
    settings = door.settings(login="anna\r\nA1 DELETE INBOX") if what == "login" else door.settings()
    secret = Secret("pw\r\nA1 LOGOUT") if what == "password" else door.secret
    if what == "password" and door.kind.__module__.endswith("imap"):
        # AUTHENTICATE PLAIN carries it in base64: it can do no harm, and is simply wrong
        with pytest.raises(ConnectorError) as wrong:
            door.kind(settings, secret).connect()
        assert wrong.value.kind is Kind.SIGN_IN
        return
    with pytest.raises(ConnectorError) as wrong:
        door.kind(settings, secret).connect()
    assert wrong.value.kind is Kind.CONFIGURATION
    assert wrong.value.field == what


@pytest.mark.server
@pytest.mark.requirement("CH-14")
def test_an_unverified_certificate_is_refused_with_its_fingerprint(
    door: Door, certificates: Certificates
) -> None:
    settings = door.settings(ca="")
    with pytest.raises(ConnectorError) as wrong:
        door.kind(settings, door.secret).connect()
    assert wrong.value.kind is Kind.CONFIGURATION
    assert certificates.fingerprint() in wrong.value.text
    assert certificates.fingerprint() in wrong.value.advice
    pinned = replace(settings, pin=certificates.fingerprint().upper())
    with door.kind(pinned, door.secret) as inbox:
        assert inbox.open("INBOX").total == 0


@pytest.mark.server
@pytest.mark.requirement("CH-14")
def test_another_certificate_than_the_pinned_one_is_refused(door: Door, certificates: Certificates) -> None:
    with pytest.raises(ConnectorError) as wrong:
        door.open(pin="0" * 64).connect()
    assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "pin")
    assert certificates.fingerprint() in wrong.value.advice


@pytest.mark.server
@pytest.mark.requirement("CH-14")
def test_accepting_any_certificate_is_a_warning_in_the_check(door: Door) -> None:
    steps = {s.name: s for s in door.open(ca="", accept_any_certificate=True).check()}
    assert steps["tls"].state == "warn"
    assert "Pin this certificate" in steps["tls"].fix
    assert names(steps.values())["count"] == "ok"


@pytest.mark.server
@pytest.mark.requirement("CH-16")
def test_no_advice_ever_blames_the_internet_connection(door: Door) -> None:
    for changes in ({"host": "nowhere.invalid"}, {"port": 1}, {"ca": ""}, {"login": "nobody@example.test"}):
        steps = list(door.open(**changes, connect_timeout=2).check())
        last = steps[-1]
        assert last.state == "fail"
        assert last.fix
        assert "internet" not in (last.fix + last.detail).lower()


def _web(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@pytest.mark.requirement("CH-14", "CH-16")
@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_web_server_on_the_port_is_recognised(door: Door, security: str) -> None:
    with FakeServer(_web) as server:
        step = list(door.open(port=server.port, security=security, connect_timeout=1).check())[-1]
    assert (step.state, step.field) == ("fail", "port")
    assert "speaks HTTP" in step.detail


@pytest.mark.server
@pytest.mark.requirement("CH-14", "CH-16")
def test_ports_and_security_that_do_not_fit_together_are_recognised(door: Door, anna: Person) -> None:
    def last(security: str, port: int) -> tuple[str, str]:
        step = list(door.open(port=port, security=security, connect_timeout=1).check())[-1]
        assert step.state == "fail"
        return step.field, step.fix + step.detail

    imap_there = door.kind.__module__.endswith("imap")
    clear, tls = (
        (anna.server.imap_port, anna.server.imaps_port)
        if imap_there
        else (anna.server.pop3_port, anna.server.pop3s_port)
    )
    other = anna.server.pop3_port if imap_there else anna.server.imap_port
    for security, port, field, words in (
        ("tls", clear, "security", "Choose STARTTLS"),
        ("starttls", tls, "security", "Choose TLS"),
        ("none", tls, "security", "Choose TLS"),
        ("none", other, "port", "speaks"),
        ("tls", other, "port", "speaks"),
        ("starttls", anna.server.lmtp_port, "port", "speaks SMTP"),
    ):
        got = last(security, port)
        assert got[0] == field, (security, port, got)
        assert words in got[1]
