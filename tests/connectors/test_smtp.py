"""Sending by SMTP to a real Postfix that delivers into Dovecot: what was said about each recipient, and what arrived."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from postroom.connectors.base import AnswerLost, ConnectorError, Envelope, Kind, Secret
from postroom.connectors.smtp import Outbox, SmtpSettings
from tests.connectors.conftest import Person
from tests.servers.certificates import Certificates
from tests.servers.fakes import FakeSmtp
from tests.servers.faults import FaultProxy
from tests.servers.ports import wait_until
from tests.servers.postfix import MailServer

pytestmark = pytest.mark.server


def message(anna: Person, text: bytes = b"hello") -> bytes:
    return b"From: " + anna.address.encode() + b"\r\nSubject: test\r\n\r\n" + text + b"\r\n"


def arrived(anna: Person, count: int) -> list[bytes]:
    wait_until(lambda: len(anna.server.letters(anna.address)) >= count, what="the letters")
    return anna.server.letters(anna.address)


@pytest.mark.requirement("SE-06")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_message_arrives_as_it_was_sent(
    smtp_settings: SmtpSettings, anna: Person, postfix: MailServer, security: str
) -> None:
    port = postfix.smtps_port if security == "tls" else postfix.submission_port
    text = b".dot\r\n..two\r\n.\r\nend"
    with Outbox(replace(smtp_settings, security=security, port=port), anna.secret) as outbox:
        receipt = outbox.send(Envelope(anna.address, (anna.address,)), message(anna, text))
    assert [v.state for v in receipt.verdicts] == ["accepted"]
    assert receipt.line.startswith("250 ")
    assert arrived(anna, 1)[0].endswith(b"\r\n\r\n" + text + b"\r\n")


@pytest.mark.requirement("SE-09")
def test_one_connection_sends_many_messages_and_marks_each_before_its_dot(
    smtp_settings: SmtpSettings, anna: Person
) -> None:
    marks = []
    with Outbox(smtp_settings, anna.secret) as outbox:
        for number in range(5):
            marked = len(marks)
            receipt = outbox.send(
                Envelope(anna.address, (anna.address,)),
                message(anna, b"number %d" % number),
                before_final=lambda: marks.append(1),
            )
            assert receipt.verdicts[0].state == "accepted"
            assert len(marks) == marked + 1
    assert len(arrived(anna, 5)) == 5


@pytest.mark.requirement("SE-09")
def test_an_unknown_recipient_is_told_apart_from_the_others(
    smtp_settings: SmtpSettings, anna: Person
) -> None:
    to = Envelope(anna.address, (anna.address, "not-an-address"))
    with pytest.raises(ConnectorError) as wrong, Outbox(smtp_settings, anna.secret) as outbox:
        outbox.send(to, message(anna))
    assert wrong.value.kind is Kind.MESSAGE
    with FakeSmtp(answers={"RCPT gone@example.test": b"550 5.1.1 gone\r\n"}) as server:
        settings = replace(smtp_settings, host="127.0.0.1", port=server.port, security="none")
        with Outbox(settings, anna.secret) as outbox:
            receipt = outbox.send(
                Envelope(anna.address, ("gone@example.test", "here@example.test")), message(anna)
            )
    assert [(v.state, v.status) for v in receipt.verdicts] == [("refused", "5.1.1"), ("accepted", "2.0.0")]


@pytest.mark.requirement("SE-01")
def test_sending_as_somebody_else_is_refused_in_words(smtp_settings: SmtpSettings, anna: Person) -> None:
    with Outbox(smtp_settings, anna.secret) as outbox:
        receipt = outbox.send(Envelope("boss@example.test", (anna.address,)), message(anna))
    (verdict,) = receipt.verdicts  # Postfix judges the sender at RCPT
    assert (verdict.state, verdict.status) == ("refused", "5.7.1")
    assert "not owned by user" in verdict.line


@pytest.mark.requirement("SE-09")
def test_the_answer_lost_after_the_dot_is_unknown_although_postfix_took_the_message(
    smtp_settings: SmtpSettings, anna: Person, postfix: MailServer
) -> None:
    with FaultProxy(postfix.mx_port) as proxy:
        settings = replace(smtp_settings, port=proxy.port, security="none", sign_in="none")
        outbox = Outbox(settings, None)
        outbox.connect()

        def lose_what_follows() -> None:
            proxy.how, proxy.cut_after = "reset", 0

        with pytest.raises(AnswerLost):
            outbox.send(
                Envelope(anna.address, (anna.address,)),
                message(anna, b"maybe"),
                before_final=lose_what_follows,
            )
        proxy.heal()
    assert b"maybe" in arrived(anna, 1)[0]


@pytest.mark.requirement("SE-09")
def test_a_failing_mark_stops_the_message_before_the_server_can_take_it(
    smtp_settings: SmtpSettings, anna: Person
) -> None:
    class NoRoom(Exception):
        pass

    def fail() -> None:
        raise NoRoom

    with Outbox(smtp_settings, anna.secret) as outbox:
        with pytest.raises(NoRoom):
            outbox.send(Envelope(anna.address, (anna.address,)), message(anna, b"first"), before_final=fail)
        outbox.send(Envelope(anna.address, (anna.address,)), message(anna, b"second"))
    (only,) = arrived(anna, 1)
    assert b"second" in only


def test_a_connection_that_died_between_two_messages_is_made_anew(
    smtp_settings: SmtpSettings, anna: Person, postfix: MailServer
) -> None:
    with FaultProxy(postfix.submission_port) as proxy:
        with Outbox(replace(smtp_settings, port=proxy.port), anna.secret) as outbox:
            outbox.send(Envelope(anna.address, (anna.address,)), message(anna))
            proxy.drop_all()
            wait_until(outbox.talk.wire.readable, what="the end of the connection")
            outbox.send(Envelope(anna.address, (anna.address,)), message(anna))
        assert proxy.connections == 2
    assert len(arrived(anna, 2)) == 2


@pytest.mark.requirement("SE-07", "CH-16")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_check_goes_up_to_the_recipient_and_sends_nothing(
    smtp_settings: SmtpSettings, anna: Person, postfix: MailServer, security: str
) -> None:
    port = postfix.smtps_port if security == "tls" else postfix.submission_port
    outbox = Outbox(replace(smtp_settings, security=security, port=port), anna.secret)
    steps = list(outbox.check(sender=anna.address, recipient=anna.address))
    assert {s.name for s in steps} == {
        "name",
        "tcp",
        "tls",
        "greeting",
        "sign-in",
        "size",
        "send-as",
        "recipient",
    }
    assert {s.state for s in steps} == {"ok"}
    assert "certificate valid until" in next(s.detail for s in steps if s.name == "tls")
    last = list(outbox.check(sender="boss@example.test"))[-1]
    assert (last.name, last.state) == ("send-as", "fail")
    assert anna.server.letters(anna.address) == []


@pytest.mark.requirement("RX-07")
def test_a_wrong_password_is_a_sign_in_error(smtp_settings: SmtpSettings) -> None:
    with pytest.raises(ConnectorError) as wrong:
        Outbox(smtp_settings, Secret("wrong")).connect()
    assert wrong.value.kind is Kind.SIGN_IN
    assert wrong.value.server_line.startswith("535")


@pytest.mark.requirement("CH-14")
def test_security_and_port_that_do_not_fit_are_recognised(
    smtp_settings: SmtpSettings, anna: Person, postfix: MailServer
) -> None:
    def last(**changes: object) -> tuple[str, str, str]:
        step = list(Outbox(replace(smtp_settings, connect_timeout=1, **changes), anna.secret).check())[-1]
        return step.name, step.field, step.fix

    assert last(security="tls") == ("tls", "security", "Choose STARTTLS, or port 465 for TLS.")
    name, field, fix = last(port=postfix.smtps_port)
    assert (name, field) == ("greeting", "security")
    assert "Choose TLS" in fix
    name, field, fix = last(port=anna.server.imap_port)
    assert (name, field) == ("greeting", "port")
    assert "587" in fix


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("PLAIN LOGIN CRAM-MD5", b"AUTH PLAIN "),
        ("LOGIN CRAM-MD5", b"AUTH LOGIN"),
        ("CRAM-MD5", b"AUTH CRAM-MD5"),
    ],
)
@pytest.mark.requirement("SE-06")
def test_the_first_mechanism_that_both_know_is_used(
    smtp_settings: SmtpSettings, anna: Person, offered: str, expected: bytes
) -> None:
    def auth(talk: object, tag: str, line: bytes) -> None:
        if b"LOGIN" in line:
            for word in (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"):
                talk.say(word)  # type: ignore[attr-defined]
                talk.hear()  # type: ignore[attr-defined]
        elif b"CRAM" in line:
            talk.say(b"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n")  # type: ignore[attr-defined]
            talk.hear()  # type: ignore[attr-defined]
        talk.say(b"235 2.7.0 ok\r\n")  # type: ignore[attr-defined]

    with FakeSmtp(extensions=f"AUTH {offered}", answers={"AUTH": auth}) as server:
        settings = replace(smtp_settings, host="127.0.0.1", port=server.port, security="none", login="tim")
        with Outbox(settings, Secret("tanstaaftanstaaf")):
            pass
        assert any(line.startswith(expected) for line in server.heard)
        if offered == "CRAM-MD5":  # the example of RFC 2195
            assert b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw" in server.heard


def test_a_server_without_sign_in_needs_none(
    smtp_settings: SmtpSettings, anna: Person, postfix: MailServer
) -> None:
    settings = replace(smtp_settings, port=postfix.mx_port, security="none", sign_in="none", login="")
    with Outbox(settings, None) as outbox:
        assert outbox.send(Envelope("", (anna.address,)), message(anna)).verdicts[0].state == "accepted"
    assert b"Return-Path: <>" in arrived(anna, 1)[0]


@pytest.mark.parametrize("name", ["expired", "wrong_host", "self_signed"])
@pytest.mark.requirement("CH-14", "CH-16")
def test_each_way_for_a_certificate_to_be_wrong_has_its_words_and_its_pin(
    smtp_settings: SmtpSettings, anna: Person, certificates: Certificates, name: str
) -> None:
    words = {"expired": "expired", "wrong_host": "another server name", "self_signed": "self-signed"}[name]
    with FakeSmtp(
        certificates=certificates,
        extensions="STARTTLS\nAUTH PLAIN",
        answers={"STARTTLS": lambda talk, tag, line: (talk.say(b"220 go\r\n"), talk.encrypt(name))},
    ) as server:
        settings = replace(smtp_settings, port=server.port)
        step = list(Outbox(settings, anna.secret).check())[-1]
        assert (step.name, step.state) == ("tls", "fail")
        assert words in step.detail
        assert certificates.fingerprint(name) in step.fix
        assert not server.said("AUTH")
        pinned = replace(settings, pin=certificates.fingerprint(name))
        with Outbox(pinned, anna.secret):
            pass
        assert server.said("AUTH")


def test_postfix_offers_no_sign_in_before_STARTTLS_and_we_say_which_setting_helps(
    smtp_settings: SmtpSettings, anna: Person
) -> None:
    with pytest.raises(ConnectorError) as wrong:
        Outbox(replace(smtp_settings, security="none"), anna.secret).connect()
    assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "security")


def test_our_contexts_verify_unlike_the_standard_librarys(certificates: Certificates) -> None:
    # the trap that this guards against: smtplib's default context accepts anybody
    assert ssl._create_stdlib_context().verify_mode is ssl.CERT_NONE  # type: ignore[attr-defined]
    from_us = SmtpSettings(host="localhost", ca=certificates.ca_pem).trust
    assert from_us.accept_any is False
