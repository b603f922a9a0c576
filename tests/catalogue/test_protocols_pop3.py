"""The catalogue of bad input, rows about POP3, as far as the connector answers for them. Each test carries its row in its name."""

from __future__ import annotations

import pytest

from postroom.connectors.base import (
    ConnectorError,
    Fetched,
    Kind,
    Ref,
    Settle,
)
from postroom.connectors.pop3_check import WARNINGS
from tests.catalogue.protocols import (
    ANNA,
    RAWS,
    by_pop3,
    fails,
    in_time,
    read_all,
    reading_fails,
)
from tests.servers.dovecot import Dovecot
from tests.servers.fakes import FakePop3
from tests.servers.faults import FaultProxy
from tests.servers.ports import wait_until

pytestmark = pytest.mark.requirement("RX-06", "RX-07")


UIDL_TWICE = b"+OK\r\n1 same\r\n2 same\r\n.\r\n"


def test_POP3_02_two_letters_of_one_name_are_refused_with_the_reason_or_told_apart_by_content() -> None:
    with FakePop3(answers={"UIDL": UIDL_TWICE}) as server:
        wrong = reading_fails(by_pop3(server.port))
        assert (wrong.kind, wrong.field) == (Kind.CONFIGURATION, "by_content")
        assert "same name" in wrong.text
        assert read_all(by_pop3(server.port, by_content=True)) == list(server.letters.values())


def test_POP3_03_names_that_change_are_never_used_when_content_decides() -> None:
    with FakePop3() as server:
        uids = []
        for names in (b"+OK\r\n1 x\r\n2 y\r\n.\r\n", b"+OK\r\n1 p\r\n2 q\r\n.\r\n"):
            server.answers["UIDL"] = names
            with by_pop3(server.port, by_content=True) as inbox:
                uids.append([ref.uid for ref in inbox.list()])
        assert uids[0] == uids[1] == ["?1", "?2"]


@pytest.mark.parametrize("name", [b"", b"\x01\x02evil", b"x" * 5000, b"\xff\xfe"])
def test_POP3_04_strange_names_are_bounded_and_harmless(name: bytes) -> None:
    with FakePop3(answers={"UIDL": b"+OK\r\n1 " + name + b"\r\n2 good\r\n.\r\n"}) as server:
        inbox = by_pop3(server.port)
        if not name:
            assert reading_fails(inbox).kind is Kind.CONFIGURATION
            return
        with inbox:
            refs = inbox.list()
            assert [len(ref.uid) <= 80 and ref.uid.isprintable() for ref in refs] == [True, True]
            assert [letter.raw for letter in inbox.read(refs)] == list(server.letters.values())


def test_POP3_05_one_refused_letter_does_not_stop_the_others() -> None:
    with (
        FakePop3(answers={"RETR 1": b"-ERR cannot open this one\r\n"}) as server,
        by_pop3(server.port) as inbox,
    ):
        got: list[Fetched] = []
        with pytest.raises(ConnectorError) as wrong:
            got += [got.append(letter) or letter for letter in inbox.read(inbox.list())]  # type: ignore[func-returns-value]
    assert [letter.raw for letter in got] == [server.letters["b"]]
    assert (wrong.value.kind, wrong.value.uids) == (Kind.MESSAGE, ("a",))


@pytest.mark.parametrize("how", ["reset", "close", "hang"])
def test_POP3_05_a_letter_without_its_end_is_not_a_letter(mailbox: Dovecot, how: str) -> None:
    with FaultProxy(mailbox.pop3_port) as proxy, in_time(5):
        proxy.how, proxy.cut_at = how, b"letter 3\r\n"
        inbox = by_pop3(proxy.port, login=ANNA)
        assert reading_fails(inbox).kind is Kind.TRANSIENT
        proxy.heal()
        mailbox.kick(ANNA)
        assert read_all(by_pop3(proxy.port, login=ANNA)) == RAWS


def test_POP3_06_a_connection_lost_before_QUIT_has_deleted_nothing(mailbox: Dovecot) -> None:
    with FaultProxy(mailbox.pop3_port) as proxy:
        inbox = by_pop3(proxy.port, login=ANNA)
        inbox.connect()
        refs = inbox.list()
        inbox.settle(refs[:2], Settle.DELETE)
        proxy.drop_all()
        inbox.close()
        wait_until(lambda: _lists(proxy.port) == refs, what="the mailbox to be free again")
        with by_pop3(proxy.port, login=ANNA) as again:
            again.list()
            again.settle(refs[:2], Settle.DELETE)
    assert mailbox.letters(ANNA) == RAWS[2:]


def _lists(port: int) -> list[Ref] | None:
    try:
        with by_pop3(port, login=ANNA) as inbox:
            return inbox.list()
    except ConnectorError:
        return None


def test_POP3_07_a_QUIT_that_fails_is_recorded(caplog: pytest.LogCaptureFixture) -> None:
    answers = {"QUIT": b"-ERR some deleted messages not removed\r\n"}
    with FakePop3(answers=answers) as server, by_pop3(server.port) as inbox:
        inbox.settle(inbox.list(), Settle.DELETE)
    assert "some deleted messages not removed" in caplog.text


def test_POP3_08_lines_of_any_length_are_read_and_leave_the_talk_in_step(mailbox: Dovecot) -> None:
    long = b"Subject: long\r\n\r\n" + b"x" * 3_000_000 + b"\r\n"
    mailbox.deliver(ANNA, long)
    mailbox.deliver(ANNA, RAWS[0])
    assert read_all(by_pop3(mailbox.pop3_port, login=ANNA)) == [*RAWS, long, RAWS[0]]


@pytest.mark.parametrize(
    "raw",
    [
        b"a: b\r\n\r\n.\r\n",
        b"a: b\r\n\r\n..\r\n.x\r\n",
        b"a: b\r\n\r\nlone \r cr\r\n",
        b".\r\n",
        b"..a\r\n\r\n",
    ],
)
def test_POP3_09_dots_and_lone_carriage_returns_come_through(raw: bytes) -> None:
    with FakePop3(letters={"a": raw, "b": b"next\r\n"}) as server:
        assert read_all(by_pop3(server.port)) == [raw, b"next\r\n"]


def test_POP3_11_counts_and_sizes_that_disagree_do_not_matter() -> None:
    answers = {"STAT": b"+OK 99 1\r\n", "LIST": b"+OK\r\n1 5\r\n7 9\r\n.\r\n"}
    with FakePop3(answers=answers) as server, by_pop3(server.port) as inbox:
        refs = inbox.list()
        assert [(ref.uid, ref.size) for ref in refs] == [("a", 5), ("b", None)]
        assert [letter.raw for letter in inbox.read(refs)] == list(server.letters.values())


def test_POP3_13_without_TOP_the_letter_is_read_and_an_empty_letter_is_empty() -> None:
    answers = {"TOP": b"-ERR unknown\r\n", "RETR 2": b"+OK\r\n.\r\n"}
    with FakePop3(answers=answers, capabilities="UIDL") as server, by_pop3(server.port) as inbox:
        refs = inbox.list()
        assert inbox.head(refs[0], 10) == b"Subject: one\r\n\r\n"
        assert [letter.raw for letter in inbox.read(refs)] == [server.letters["a"], b""]


def test_POP3_14_known_providers_come_with_a_warning() -> None:
    assert "spam" in WARNINGS["gmail.com"]
    assert "inbox" in WARNINGS["office365.com"]


@pytest.mark.parametrize("how", ["stripped", "refused", "injected"])
def test_POP3_15_without_STLS_nothing_secret_is_sent(how: str) -> None:
    answer = {"refused": b"-ERR no\r\n", "injected": b"+OK go on\r\n+OK injected\r\n"}.get(how, b"+OK\r\n")
    with FakePop3(
        capabilities="UIDL" if how == "stripped" else "UIDL STLS", answers={"STLS": answer}
    ) as server:
        assert fails(by_pop3(server.port, security="starttls")).field == "security"
        assert not server.said("USER")
        assert not server.said("PASS")


def test_POP3_16_a_banner_for_APOP_is_not_used_and_a_long_one_is_cut() -> None:
    with FakePop3(answers={"greeting": b"+OK <" + b"<" * 400 + b"@x> ready\r\n"}) as server:
        assert len(read_all(by_pop3(server.port))) == 2
        assert not server.said("APOP")
    with FakePop3(answers={"greeting": b"+OK <" + b"a@" * 100_000 + b">\r\n"}) as server, in_time(3):
        fails(by_pop3(server.port))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"-ERR [IN-USE] mailbox is locked by another session", Kind.TRANSIENT),
        (b"-ERR maildrop already locked", Kind.TRANSIENT),
        (b"-ERR [LOGIN-DELAY] minimum time between mail checks is 10 minutes", Kind.THROTTLED),
        (b"-ERR [SYS/TEMP] later", Kind.TRANSIENT),
        (b"-ERR [AUTH] no", Kind.SIGN_IN),
    ],
)
def test_POP3_17_a_second_visitor_gets_a_clear_error(words: bytes, kind: Kind) -> None:
    with FakePop3(answers={"PASS": words + b"\r\n"}) as server:
        wrong = fails(by_pop3(server.port))
    assert wrong.kind is kind
    assert wrong.server_line == words.decode()
