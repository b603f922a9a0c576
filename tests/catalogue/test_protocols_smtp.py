"""The catalogue of bad input, rows about SMTP, as far as the connector answers for them. Each test carries its row in its name."""

from __future__ import annotations

import re
import socket

import pytest

from postroom.connectors.base import (
    AnswerLost,
    ConnectorError,
    Envelope,
    Kind,
    Receipt,
)
from tests.catalogue.protocols import (
    MESSAGE,
    TO_BOB,
    by_smtp,
    fails,
    in_time,
)
from tests.servers.certificates import Certificates
from tests.servers.fakes import HANG, Answer, FakeSmtp, Talk
from tests.servers.faults import FaultProxy
from tests.servers.ports import free_port, wait_until

pytestmark = pytest.mark.requirement("RX-06", "RX-07")


def sending_fails(
    envelope: Envelope = TO_BOB, raw: bytes = MESSAGE, *, extensions: str = "", **answers: Answer
) -> ConnectorError:
    chosen = {"extensions": extensions} if extensions else {}
    with FakeSmtp(answers={k.replace("_", " "): v for k, v in answers.items()}, **chosen) as server:  # type: ignore[arg-type]
        with pytest.raises(ConnectorError) as wrong, by_smtp(server.port) as outbox:
            outbox.send(envelope, raw)
        assert server.letters == []
    assert not isinstance(wrong.value, AnswerLost)
    return wrong.value


def send(envelope: Envelope = TO_BOB, raw: bytes = MESSAGE, **answers: Answer) -> Receipt:
    with (
        FakeSmtp(answers={k.replace("_", " "): v for k, v in answers.items()}) as server,
        by_smtp(server.port) as outbox,
    ):
        return outbox.send(envelope, raw)


def test_SMTP_01_what_cannot_be_reached_is_tried_again() -> None:
    for changes in ({"host": "nowhere.invalid"}, {"port": free_port()}):
        wrong = fails(by_smtp(**{"port": 1, **changes}))
        assert wrong.kind is Kind.TRANSIENT
        assert wrong.advice


@pytest.mark.parametrize("how", ["missing", "refused", "injected"])
def test_SMTP_03_without_STARTTLS_nothing_is_sent(how: str) -> None:
    answer = {"refused": b"454 TLS not available\r\n", "injected": b"220 go on\r\n250 injected\r\n"}.get(
        how, b""
    )
    extensions = "AUTH PLAIN" if how == "missing" else "AUTH PLAIN\nSTARTTLS"
    with FakeSmtp(extensions=extensions, answers={"STARTTLS": answer} if answer else {}) as server:
        assert fails(by_smtp(server.port, security="starttls")).field == "security"
        assert not server.said("AUTH")
        assert not server.said("MAIL")


@pytest.mark.parametrize("name", ["expired", "wrong_host", "self_signed"])
def test_SMTP_03_a_bad_certificate_is_refused_before_the_password(
    certificates: Certificates, name: str
) -> None:
    def run(talk: Talk) -> None:
        FakeSmtp.talk(server, talk)  # type: ignore[arg-type]

    server = FakeSmtp(certificates=certificates, tls=name)
    server.run = run
    with server:
        wrong = fails(by_smtp(server.port, security="tls", ca=certificates.ca_pem))
        assert wrong.kind is Kind.CONFIGURATION
        assert certificates.fingerprint(name) in wrong.advice
        assert not server.said("AUTH")


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        (b"535 5.7.8 Error: authentication failed", Kind.SIGN_IN, "password"),
        (b"534 5.7.9 Application-specific password required", Kind.SIGN_IN, "app password"),
        (b"454 4.7.0 Temporary authentication failure", Kind.TRANSIENT, "again"),
        (
            b"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant",
            Kind.CONFIGURATION,
            "administrator",
        ),
        (
            b"550 5.7.30 Basic authentication is not supported for Client Submission.",
            Kind.CONFIGURATION,
            "Microsoft",
        ),
        (b"530 5.7.0 Must issue a STARTTLS command first", Kind.CONFIGURATION, "STARTTLS"),
    ],
)
def test_SMTP_04_each_refusal_of_the_sign_in_says_what_to_do(line: bytes, kind: Kind, words: str) -> None:
    with FakeSmtp(answers={"AUTH": line + b"\r\n"}) as server:
        wrong = fails(by_smtp(server.port))
        assert len(server.said("AUTH")) == 1  # a second try could lock the account
    assert wrong.kind is kind
    assert words in wrong.advice
    assert wrong.server_line == line.decode()


def test_SMTP_04_a_server_that_wants_a_sign_in_says_so_at_MAIL() -> None:
    with FakeSmtp(answers={"MAIL": b"530 5.7.1 Authentication required\r\n"}) as server:
        outbox = by_smtp(server.port, sign_in="none")
        with pytest.raises(ConnectorError) as wrong, outbox:
            outbox.send(TO_BOB, MESSAGE)
    assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "sign_in")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"450 4.2.0 try later", Kind.TRANSIENT),
        (b"452 4.3.1 Insufficient system storage", Kind.TRANSIENT),
        (b"550 5.1.8 bad sender", Kind.MESSAGE),
        (b"553 5.7.1 <a@example.test>: Sender address rejected: not owned by user b", Kind.MESSAGE),
        (
            b"554 5.7.60 SMTP; Client does not have permissions to send as this sender. SendAsDenied",
            Kind.MESSAGE,
        ),
        (b"552 5.3.4 Message size exceeds fixed limit", Kind.MESSAGE),
    ],
)
def test_SMTP_05_a_refused_sender_ends_this_message_only(line: bytes, kind: Kind) -> None:
    wrong = sending_fails(MAIL=line + b"\r\n")
    assert wrong.kind is kind
    assert line.decode() in wrong.text


def test_SMTP_06_one_refused_recipient_does_not_stop_the_others() -> None:
    to = Envelope("a@example.test", ("one@example.test", "two@example.test", "bad@example.test"))
    with (
        FakeSmtp(answers={"RCPT bad@example.test": b"550 5.1.1 no such user\r\n"}) as server,
        by_smtp(server.port) as outbox,
    ):
        receipt = outbox.send(to, MESSAGE)
        assert [v.state for v in receipt.verdicts] == ["accepted", "accepted", "refused"]
        assert (receipt.verdicts[2].address, receipt.verdicts[2].status) == ("bad@example.test", "5.1.1")
        assert receipt.line == "250 2.0.0 queued"
        assert server.letters == [(b"a@example.test", [b"one@example.test", b"two@example.test"], MESSAGE)]


def test_SMTP_06_when_all_are_refused_no_data_is_sent() -> None:
    called = []
    with FakeSmtp(answers={"RCPT": b"550 5.1.1 no such user\r\n"}) as server, by_smtp(server.port) as outbox:
        receipt = outbox.send(TO_BOB, MESSAGE, before_final=lambda: called.append(1))
        assert [v.state for v in receipt.verdicts] == ["refused"]
        assert (receipt.line, called) == ("", [])
        assert not server.said("DATA")


def test_SMTP_08_too_many_recipients_are_deferred_one_by_one() -> None:
    to = Envelope("a@example.test", ("one@example.test", "two@example.test", "three@example.test"))
    receipt = send(
        to,
        **{
            "RCPT two@example.test": b"452 4.5.3 too many recipients\r\n",
            "RCPT three@example.test": b"552 too many recipients\r\n",
        },
    )
    assert [v.state for v in receipt.verdicts] == ["accepted", "deferred", "deferred"]


@pytest.mark.parametrize(
    ("line", "state"), [(b"451 4.3.0 later", "deferred"), (b"554 5.5.1 no valid recipients", "refused")]
)
def test_SMTP_09_refused_DATA_is_a_verdict_for_every_recipient(line: bytes, state: str) -> None:
    called: list[int] = []
    with FakeSmtp(answers={"DATA": line + b"\r\n"}) as server, by_smtp(server.port) as outbox:
        receipt = outbox.send(TO_BOB, MESSAGE, before_final=lambda: called.append(1))
    assert [v.state for v in receipt.verdicts] == [state]
    assert called == []


def test_SMTP_10_a_connection_lost_in_the_middle_of_the_data_may_be_sent_again() -> None:
    called: list[int] = []
    large = MESSAGE + b"x" * 70 + (b"\r\n" + b"y" * 70) * 200_000 + b"\r\n"
    with FakeSmtp() as server, FaultProxy(server.port) as proxy:
        proxy.direction, proxy.cut_after = "up", 500_000
        outbox = by_smtp(proxy.port)
        with pytest.raises(ConnectorError) as wrong, outbox:
            outbox.send(TO_BOB, large, before_final=lambda: called.append(1))
        assert server.letters == []
    assert not isinstance(wrong.value, AnswerLost)
    assert (wrong.value.kind, called) == (Kind.TRANSIENT, [])


@pytest.mark.parametrize(
    "answer", [HANG, None, b"garbage\r\n", lambda talk, tag, line: talk.sock.shutdown(socket.SHUT_RDWR)]
)
def test_SMTP_12_no_answer_after_the_dot_is_unknown_and_says_so(answer: Answer) -> None:
    marked: list[int] = []
    with FakeSmtp(answers={".": answer}) as server, by_smtp(server.port) as outbox:
        with pytest.raises(AnswerLost) as wrong:
            outbox.send(TO_BOB, MESSAGE, before_final=lambda: marked.append(len(server.letters)))
        assert marked == [0]
        assert "arrived" in wrong.value.advice
        # the outbox is good for the next message: it connects anew
        server.answers.pop(".")
        assert outbox.send(TO_BOB, MESSAGE).verdicts[0].state == "accepted"


def test_SMTP_15_content_refused_after_the_dot_is_final() -> None:
    receipt = send(**{".": b"554 5.7.1 Message rejected due to content policy\r\n"})
    assert [(v.state, v.code, v.status) for v in receipt.verdicts] == [("refused", 554, "5.7.1")]


def _endless(talk: Talk, tag: str, line: bytes) -> None:
    for _ in range(50_000):
        talk.say(b"250-more and more and more\r\n" * 100)


@pytest.mark.parametrize(
    "answer", [_endless, b"250-never\r\n250-ends\r\n", b"250 " + b"x" * 200_000 + b"\r\n", b"\x00\x01\r\n"]
)
def test_SMTP_16_an_answer_without_end_or_sense_drops_the_connection(answer: Answer) -> None:
    with FakeSmtp(answers={"MAIL": answer}) as server, in_time(5):
        with pytest.raises(ConnectorError) as wrong, by_smtp(server.port) as outbox:
            outbox.send(TO_BOB, MESSAGE)
        assert server.letters == []
    assert wrong.value.kind is Kind.TRANSIENT


def test_SMTP_16_a_line_that_nobody_asked_for_is_never_taken_for_the_next_answer() -> None:
    with (
        FakeSmtp(answers={".": b"250 2.0.0 queued\r\n550 stray words\r\n"}) as server,
        by_smtp(server.port) as outbox,
    ):
        assert outbox.send(TO_BOB, MESSAGE).verdicts[0].state == "accepted"
        wait_until(outbox.talk.wire.readable, what="the stray line")
        server.answers.pop(".")
        assert outbox.send(TO_BOB, MESSAGE).verdicts[0].state == "accepted"
        assert server.connections == 2


@pytest.mark.parametrize("where", ["AUTH", "MAIL", "greeting"])
def test_SMTP_17_a_limit_on_connections_is_throttling(where: str) -> None:
    wrong = sending_fails(**{where: b"432 4.3.2 Concurrent connections limit exceeded\r\n"})
    assert (wrong.kind, wrong.retry_after) == (Kind.THROTTLED, 60)


@pytest.mark.parametrize(
    "line",
    [
        b"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        b"550 5.4.5 Daily user sending limit exceeded",
        b"421 4.7.0 Temporary rate limit",
    ],
)
@pytest.mark.parametrize("where", ["MAIL", "RCPT", "DATA", "."])
def test_SMTP_18_a_used_up_quota_is_throttling_with_a_time(line: bytes, where: str) -> None:
    wrong = sending_fails(**{where: line + b"\r\n"})
    assert wrong.kind is Kind.THROTTLED
    assert wrong.retry_after


@pytest.mark.requirement("SE-05")
def test_SMTP_20_a_message_above_the_servers_limit_is_not_uploaded() -> None:
    with FakeSmtp(extensions="SIZE 10000\nAUTH PLAIN") as server:
        with pytest.raises(ConnectorError) as wrong, by_smtp(server.port) as outbox:
            outbox.send(TO_BOB, MESSAGE + b"x\r\n" * 5000)
        assert not server.said("MAIL")
    assert wrong.value.kind is Kind.MESSAGE
    assert "10,000" in wrong.value.text


def test_SMTP_21_addresses_and_text_that_the_server_cannot_take_fail_with_the_reason() -> None:
    to = Envelope("a@example.test", ("bob@example.test", "jürgen@example.test", "info@bücher.test"))
    with FakeSmtp() as server, by_smtp(server.port) as outbox:
        receipt = outbox.send(to, MESSAGE)
        assert [v.state for v in receipt.verdicts] == ["accepted", "refused", "accepted"]
        assert "SMTPUTF8" in receipt.verdicts[1].line
        assert server.letters[0][1] == [b"bob@example.test", b"info@xn--bcher-kva.test"]
    wrong = sending_fails(raw="Subject: ü\r\n\r\n".encode(), extensions="SIZE 1000\nAUTH PLAIN")
    assert wrong.kind is Kind.MESSAGE
    assert "7-bit" in wrong.text


def test_SMTP_21_with_SMTPUTF8_the_address_goes_as_it_is() -> None:
    with FakeSmtp(extensions="SMTPUTF8\n8BITMIME\nAUTH PLAIN") as server, by_smtp(server.port) as outbox:
        assert (
            outbox.send(Envelope("a@example.test", ("jürgen@example.test",)), MESSAGE).verdicts[0].state
            == "accepted"
        )
        assert server.said("MAIL")[0].endswith(b"SMTPUTF8")


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\r", b"\r\n.\n", b"\r.\r"])
def test_SMTP_22_no_ending_smuggles_a_second_message_in(end: bytes) -> None:
    evil = (
        b"Subject: one\r\n\r\nfirst"
        + end
        + b"MAIL FROM:<evil@example.test>\r\nRCPT TO:<x@example.test>\r\nDATA\r\nsecond\r\n.\r\n"
    )
    with FakeSmtp() as server, by_smtp(server.port) as outbox:
        outbox.send(TO_BOB, evil)
        assert len(server.letters) == 1
        wire = server.letters[0][2]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", wire)
    assert b"\r\n..\r\nMAIL FROM" in wire


def test_SMTP_22_lines_that_are_too_long_are_not_sent() -> None:
    wrong = sending_fails(raw=b"Subject: x\r\n\r\n" + b"y" * 1500 + b"\r\n")
    assert wrong.kind is Kind.MESSAGE


@pytest.mark.requirement("SE-07")
def test_SMTP_24_an_address_that_the_account_may_not_use_shows_in_the_check() -> None:
    line = b"553 5.7.1 <boss@example.test>: Sender address rejected: not owned by user anna"
    with FakeSmtp(answers={"RCPT": line + b"\r\n"}) as server:
        steps = list(by_smtp(server.port).check(sender="boss@example.test"))
        assert server.letters == []
    assert (steps[-1].name, steps[-1].state) == ("send-as", "fail")
    assert "boss@example.test" in steps[-1].fix
