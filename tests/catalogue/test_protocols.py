"""The rows of the catalogue of bad input that are about IMAP, POP3 and SMTP, as far as the connectors answer for them.

Each test carries the row's id in its name. What the engine, the ledger or the outbox has to do about a row (back-off,
states, leases) is shown where those live; here: the right kind of error or the right bytes, in bounded time.
"""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from postroom.connectors.base import (
    AnswerLost,
    ConnectorError,
    Envelope,
    Fetched,
    Kind,
    Receipt,
    Ref,
    Secret,
    Settle,
)
from postroom.connectors.folder_names import name_of, wire_of
from postroom.connectors.imap_parked import ParkedImap
from postroom.connectors.pop3_check import WARNINGS
from tests.catalogue.protocols import (
    MESSAGE,
    TO_BOB,
    by_imap,
    by_pop3,
    by_smtp,
    fails,
    outcome,
    read_all,
    reading_fails,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import POOR, Dovecot
from tests.servers.fakes import HANG, Answer, FakeImap, FakePop3, FakeServer, FakeSmtp, Talk
from tests.servers.faults import FaultProxy
from tests.servers.ports import free_port, remove, short_dir, wait_until

# the rows that a connector alone can answer for; the others belong to the engine, the flow or the forms
OURS = {
    "IMAP": "01 04 07 10 11 12 14 16 17 19 20 21 23 24 26 27 28 29 30 31 32 33 34 35 37 38 41",
    "POP3": "02 03 04 05 06 07 08 09 11 13 14 15 16 17",
    "SMTP": "01 03 04 05 06 08 09 10 12 15 16 17 18 20 21 22 24",
}

pytestmark = pytest.mark.requirement("RX-06", "RX-07")

ANNA = "anna.catalogue@example.test"
RAWS = [b"Subject: %d\r\n\r\nletter %d\r\n" % (n, n) for n in range(1, 6)]


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[Dovecot]:
    """A real mailbox with five letters."""
    dovecot.add_user(ANNA, "s3cret-canary")
    dovecot.erase(ANNA)
    for raw in RAWS:
        dovecot.deliver(ANNA, raw)
    yield dovecot
    dovecot.erase(ANNA)


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def imap_error(**answers: Answer) -> ConnectorError:
    """The error when a server gives these answers on the way to the letters."""
    with FakeImap(answers={k.replace("_", " "): v for k, v in answers.items()}) as server:
        return reading_fails(by_imap(server.port))


# ---- IMAP


def test_IMAP_01_names_refusals_and_black_holes_are_transient_and_quick() -> None:
    with in_time(4):
        for changes in ({"host": "nowhere.invalid"}, {"port": free_port()}):
            assert fails(by_imap(**{"port": 1, **changes})).kind is Kind.TRANSIENT
        # a listener that accepts nobody: its queue is full, the SYN goes unanswered
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            port = full.getsockname()[1]
            blockers = [_knock(port) for _ in range(4)]
            assert fails(by_imap(port)).kind is Kind.TRANSIENT
            for sock in blockers:
                sock.close()
    with FakeServer(lambda talk: None) as server, FaultProxy(server.port) as proxy:
        proxy.refuse = True
        assert fails(by_imap(proxy.port)).kind is Kind.TRANSIENT


def _knock(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", port))
    return sock


@pytest.mark.parametrize("how", ["not offered", "refused", "preauth", "injected"])
def test_IMAP_04_without_STARTTLS_nothing_secret_is_sent(how: str) -> None:
    inject = b"{tag} OK go on\r\nP9 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] injected\r\n"
    with FakeImap(
        capabilities="IMAP4rev1 AUTH=PLAIN" + ("" if how == "not offered" else " STARTTLS"),
        answers={
            "refused": {"STARTTLS": b"{tag} BAD no\r\n"},
            "preauth": {"greeting": b"* PREAUTH welcome\r\n"},
            "injected": {"STARTTLS": inject},
        }.get(how, {}),
    ) as server:
        wrong = fails(by_imap(server.port, security="starttls"))
        assert wrong.field == "security"
        assert not server.said("LOGIN")
        assert not server.said("AUTHENTICATE")


def test_IMAP_07_a_greeting_that_never_comes_drips_or_floods_is_ended() -> None:
    def drip(talk: Talk) -> None:
        for byte in b"* OK " + b"x" * 200:
            talk.say(bytes([byte]))
            time.sleep(0.05)

    def flood(talk: Talk) -> None:
        for _ in range(1600):
            talk.say(b"x" * 65536)

    for run in (lambda talk: talk.hear(), drip, flood):
        with FakeServer(run) as server, in_time(4):  # type: ignore[arg-type]
            fails(by_imap(server.port))


def test_IMAP_10_too_many_connections_is_throttling_for_at_least_five_minutes() -> None:
    for words in (
        b"[ALERT] Too many simultaneous connections. (Failure)",
        b"[LIMIT] Maximum number of connections exceeded",
    ):
        wrong = imap_error(AUTHENTICATE=b"{tag} NO " + words + b"\r\n")
        assert (wrong.kind, wrong.retry_after) == (Kind.THROTTLED, 300)


def test_IMAP_10_dovecots_own_limit_is_recognised(certificates: Certificates) -> None:
    folder = short_dir("dc")
    server = Dovecot(folder, certificates, imap_extra="  mail_max_userip_connections = 1")
    try:
        server.add_user(ANNA, "s3cret-canary")
        with by_imap(server.imap_port, login=ANNA):
            assert fails(by_imap(server.imap_port, login=ANNA)).kind is Kind.THROTTLED
    finally:
        server.stop()
        remove(folder)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"NO [UNAVAILABLE] Temporary authentication failure.", Kind.TRANSIENT),
        (b"NO [INUSE] mailbox in use", Kind.TRANSIENT),
        (b"NO [LIMIT] rate", Kind.THROTTLED),
        (b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.", Kind.THROTTLED),
    ],
)
def test_IMAP_11_the_servers_trouble_is_not_the_password(words: bytes, kind: Kind) -> None:
    wrong = imap_error(AUTHENTICATE=b"{tag} " + words + b"\r\n")
    assert wrong.kind is kind
    assert words.decode() in wrong.server_line


@pytest.mark.parametrize("where", ["SELECT", "UID SEARCH", "UID FETCH", "CAPABILITY"])
def test_IMAP_12_authenticated_but_not_connected_is_a_sign_in_error(where: str) -> None:
    answer = b"{tag} BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n"
    with FakeImap(answers={where: answer}) as server:
        wrong = reading_fails(by_imap(server.port))
    assert wrong.kind is Kind.SIGN_IN
    assert "shared mailbox" in wrong.advice


@pytest.mark.parametrize("how", ["reset", "close"])
def test_IMAP_14_a_connection_that_ends_inside_a_letter_gives_no_part_of_it(
    mailbox: Dovecot, how: str
) -> None:
    with FaultProxy(mailbox.imap_port) as proxy:
        proxy.how, proxy.cut_at = how, b"letter 3"
        inbox = by_imap(proxy.port, login=ANNA)
        assert reading_fails(inbox).kind is Kind.TRANSIENT
        assert proxy.cuts == 1
        proxy.heal()
        assert read_all(inbox) == RAWS


def test_IMAP_14_a_bye_in_the_middle_of_a_fetch_says_why() -> None:
    wrong = imap_error(UID_FETCH=b"* 1 FETCH (UID 1 RFC822.SIZE 5)\r\n* BYE Server shutting down.\r\n")
    assert wrong.kind is Kind.TRANSIENT
    with FakeImap() as server:
        server.answers["UID FETCH"] = _bye
        wrong = reading_fails(by_imap(server.port))
    assert (wrong.kind, "shutting down" in wrong.server_line) == (Kind.TRANSIENT, True)


def _bye(talk: Talk, tag: str, line: bytes) -> None:
    talk.say(b"* BYE Server shutting down.\r\n")
    talk.sock.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_IMAP_16_a_letter_that_hangs_or_drips_is_given_up(mailbox: Dovecot, pause: float) -> None:
    mailbox.deliver(ANNA, b"Subject: slow\r\n\r\n" + b"x" * 5000 + b"\r\n")
    with FaultProxy(mailbox.imap_port) as proxy, in_time(30):
        inbox = by_imap(proxy.port, login=ANNA)
        with inbox:
            inbox.open("INBOX")
            refs = inbox.list()
            if pause:
                proxy.slice, proxy.pause = 1, pause
            else:
                proxy.how, proxy.cut_after = "hang", 1
            # the time for a letter grows with its size at 50 kB/s; the drip would need 250 s
            with pytest.raises(ConnectorError) as wrong:
                list(inbox.read([Ref(ref.uid, 0) for ref in refs]))
    assert wrong.value.kind is Kind.TRANSIENT


def test_IMAP_17_a_body_that_is_nil_is_asked_for_in_halves() -> None:
    def fetch(talk: Talk, tag: str, line: bytes) -> None:
        if b"BODY.PEEK[HEADER]" in line:
            talk.say(b"* 1 FETCH (UID 1 BODY[HEADER] {14}\r\nSubject: a\r\n\r\n)\r\n")
        elif b"BODY.PEEK[TEXT]" in line:
            talk.say(b"* 1 FETCH (UID 1 BODY[TEXT] {6}\r\nbody\r\n)\r\n")
        elif b"BODY.PEEK[]" in line:
            talk.say(b"* 1 FETCH (UID 1 BODY[] NIL)\r\n")
        else:
            talk.say(b"* 1 FETCH (UID 1 RFC822.SIZE 20)\r\n")
        talk.say(f"{tag} OK done\r\n".encode())

    with FakeImap(answers={"UID FETCH": fetch}, letters={1: b""}) as server:
        assert read_all(by_imap(server.port)) == [b"Subject: a\r\n\r\nbody\r\n"]


def test_IMAP_19_another_client_that_expunges_meanwhile_makes_us_lose_nothing(mailbox: Dovecot) -> None:
    with by_imap(mailbox.imap_port, login=ANNA) as inbox, by_imap(mailbox.imap_port, login=ANNA) as other:
        inbox.open("INBOX")
        other.open("INBOX")
        refs = inbox.list()
        got = []
        for ref in refs:
            got += [letter.raw for letter in inbox.read([ref])]
            other.settle([ref], Settle.DELETE)
        assert got == RAWS


def test_IMAP_20_a_letter_that_vanished_after_the_listing_is_gone_not_an_error(mailbox: Dovecot) -> None:
    with by_imap(mailbox.imap_port, login=ANNA) as inbox:
        inbox.open("INBOX")
        refs = inbox.list()
        with by_imap(mailbox.imap_port, login=ANNA) as other:
            other.open("INBOX")
            other.settle(refs[1:3], Settle.DELETE)
        got = list(inbox.read(refs))
        assert [letter.raw for letter in got] == [RAWS[0], None, None, *RAWS[3:]]
        assert inbox.list() == [refs[0], *refs[3:]]


def test_IMAP_21_a_renumbered_folder_shows_in_its_validity(mailbox: Dovecot) -> None:
    with by_imap(mailbox.imap_port, login=ANNA) as inbox:
        before = inbox.open("INBOX").validity
    mailbox.reset_uidvalidity(ANNA)
    with by_imap(mailbox.imap_port, login=ANNA) as inbox:
        assert inbox.open("INBOX").validity not in ("", before)


@pytest.mark.parametrize("validity", [b"* OK [UIDVALIDITY 0] ok\r\n", b""])
def test_IMAP_23_missing_numbers_and_strange_uids_are_tolerated(validity: bytes) -> None:
    letters = {5_000_000_000: b"a\r\n\r\n1\r\n", 9: b"b\r\n\r\n2\r\n", 3: b"c\r\n\r\n3\r\n"}
    select = b"* 3 EXISTS\r\n" + validity + b"{tag} OK [READ-WRITE] done\r\n"
    with FakeImap(letters=letters, answers={"SELECT": select}) as server, by_imap(server.port) as inbox:
        state = inbox.open("INBOX")
        assert (state.validity, state.next_uid, state.total) == ("", None, 3)
        refs = inbox.list()
        assert [ref.uid for ref in refs] == ["3", "9", "5000000000"]
        assert [letter.raw for letter in inbox.read(refs)] == [letters[3], letters[9], letters[5_000_000_000]]


def test_IMAP_24_a_million_uids_on_one_line_are_taken_by_the_page() -> None:
    line = b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, 1_000_001)) + b"\r\n{tag} OK done\r\n"
    with FakeImap(answers={"UID SEARCH": line}, letters=dict.fromkeys(range(1, 501), b"x")) as server:
        with by_imap(server.port) as inbox, in_time(10):
            inbox.open("INBOX")
            assert len(inbox.list(limit=100)) == 100
        assert len(server.said("UID FETCH")) == 1


def test_IMAP_24_a_large_folder_is_searched_in_windows_of_uids() -> None:
    def search(talk: Talk, tag: str, line: bytes) -> None:
        found = re.search(rb"UID (\d+):(\d+|\*)", line)
        assert found is not None
        low, high = int(found[1]), 90_000 if found[2] == b"*" else int(found[2])
        uids = [n for n in (1, 30_000, 85_000) if low <= n <= high] or ([85_000] if found[2] == b"*" else [])
        talk.say(b"* SEARCH " + b" ".join(b"%d" % n for n in uids) + f"\r\n{tag} OK done\r\n".encode())

    select = b"* 50000 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 90000] ok\r\n{tag} OK done\r\n"
    letters = dict.fromkeys((1, 30000, 85000), b"x")
    with FakeImap(answers={"UID SEARCH": search, "SELECT": select}, letters=letters) as server:
        with by_imap(server.port) as inbox:
            inbox.open("INBOX")
            assert [ref.uid for ref in inbox.list()] == ["1", "30000", "85000"]
            assert [ref.uid for ref in inbox.list(after=85_000)] == []
        assert len(server.said("UID SEARCH")) > 3


FOLDERS = [
    b"INBOX",
    b"Pr&APw-fung",
    b"broken &-&Jjo!",
    b"raw \xc3\xbc",
    b'quo"te',
    b"[Gmail]/Sent",
    b"trailing ",
    b"a.b",
    b"back\\slash",
    b"&",
]


def test_IMAP_26_strange_folder_names_go_back_byte_for_byte() -> None:
    lines = b"".join(b'* LIST (\\HasNoChildren) "/" {%d}\r\n%b\r\n' % (len(name), name) for name in FOLDERS)
    lines += b'* LIST (\\NonExistent) NIL "no delimiter"\r\n* LIST (\\Noselect) "." plain\r\n'
    with FakeImap(answers={"LIST": lines + b"{tag} OK done\r\n"}) as server, by_imap(server.port) as inbox:
        folders = inbox.folders()
        assert [wire_of(f.name) for f in folders] == [*FOLDERS, b"no delimiter", b"plain"]
        assert [f.selectable for f in folders[-2:]] == [False, False]
        assert folders[1].name == "Prüfung"
        assert all(f.name.isprintable() for f in folders)
        for folder in folders[:-2]:
            inbox.open(folder.name)
    assert name_of(b"raw \xc3\xbc") == "raw:raw %C3%BC"


def test_IMAP_26_dovecot_opens_folders_with_such_names(mailbox: Dovecot) -> None:
    for name in ("Prüfung & Co", "日本語", "a {3} b"):
        mailbox.deliver(ANNA, RAWS[0], name)
        with by_imap(mailbox.imap_port, login=ANNA) as inbox:
            assert name in [f.name for f in inbox.folders()]
            assert inbox.open(name).total >= 1


def test_IMAP_27_a_folder_deleted_meanwhile_is_named_with_the_fix(mailbox: Dovecot) -> None:
    with by_imap(mailbox.imap_port, login=ANNA) as inbox:
        with pytest.raises(ConnectorError) as wrong:
            inbox.open("Gone")
        assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "folder")
        assert "Gone" in wrong.value.text
        assert inbox.open("INBOX").total == 5


@pytest.mark.parametrize("lines", [b"", b"* LIST nonsense\r\n* LIST (((( \r\n* LIST\r\n"])
def test_IMAP_28_an_empty_or_senseless_listing_is_not_an_error(lines: bytes) -> None:
    with FakeImap(answers={"LIST": lines + b"{tag} OK done\r\n"}) as server, by_imap(server.port) as inbox:
        assert inbox.folders() == []
        assert inbox.open("INBOX").total == 2


def test_IMAP_29_a_read_only_folder_can_be_collected_but_not_settled() -> None:
    select = b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [PERMANENTFLAGS ()] none\r\n{tag} OK [READ-ONLY] done\r\n"
    with FakeImap(answers={"SELECT": select}) as server, by_imap(server.port) as inbox:
        assert inbox.open("INBOX").read_only
        refs = inbox.list()
        assert len(list(inbox.read(refs))) == 2
        for how in (Settle.MARK_READ, Settle.MOVE, Settle.DELETE):
            with pytest.raises(ConnectorError) as wrong:
                inbox.settle(refs, how, folder="Archive")
            assert wrong.value.kind is Kind.CONFIGURATION
        assert not server.said("STORE")
        steps = {s.name: s for s in by_imap(server.port).check(how=Settle.MARK_READ)}
    assert (steps["rights"].state, steps["rights"].server_line) == ("fail", "READ-ONLY")


def test_IMAP_29_a_refused_store_is_a_matter_of_rights() -> None:
    with (
        FakeImap(answers={"UID STORE": b"{tag} NO [NOPERM] no\r\n"}) as server,
        by_imap(server.port) as inbox,
    ):
        inbox.open("INBOX")
        with pytest.raises(ConnectorError) as wrong:
            inbox.settle([Ref("1")], Settle.MARK_READ)
    assert wrong.value.kind is Kind.CONFIGURATION


def test_IMAP_30_letters_that_a_human_has_read_are_listed_all_the_same(mailbox: Dovecot) -> None:
    with by_imap(mailbox.imap_port, login=ANNA) as human:
        human.open("INBOX")
        refs = human.list()
        human.settle(refs[:2], Settle.MARK_READ)
        human.settle(refs[2:3], Settle.MOVE, folder="Archive")
    assert read_all(by_imap(mailbox.imap_port, login=ANNA)) == [*RAWS[:2], *RAWS[3:]]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"UID COPY": b"{tag} NO [TRYCREATE] no such mailbox\r\n"}, Kind.CONFIGURATION),
        ({"UID COPY": b"{tag} NO [OVERQUOTA] full\r\n"}, Kind.CONFIGURATION),
        ({"UID STORE": b"{tag} NO [NOPERM] no\r\n"}, Kind.CONFIGURATION),
        ({"UID EXPUNGE": b"{tag} NO [SERVERBUG] try again\r\n"}, Kind.TRANSIENT),
    ],
)
def test_IMAP_31_moving_without_MOVE_fails_in_order_and_names_the_reason(
    answers: dict[str, Answer], kind: Kind
) -> None:
    with FakeImap(answers=answers, capabilities="IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS") as server:
        with by_imap(server.port) as inbox:
            inbox.open("INBOX")
            with pytest.raises(ConnectorError) as wrong:
                inbox.settle([Ref("1"), Ref("2")], Settle.MOVE, folder="Done")
        assert wrong.value.kind is kind
        assert len(server.said("UID COPY 1:2")) == 1


def test_IMAP_31_no_copy_is_made_where_the_original_may_not_be_deleted() -> None:
    select = (
        b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [PERMANENTFLAGS (\\Seen)] ok\r\n{tag} OK done\r\n"
    )
    with FakeImap(answers={"SELECT": select}, capabilities="IMAP4rev1 AUTH=PLAIN SASL-IR") as server:
        with by_imap(server.port) as inbox:
            inbox.open("INBOX")
            for _ in range(3):
                with pytest.raises(ConnectorError):
                    inbox.settle([Ref("1")], Settle.MOVE, folder="Done")
        assert not server.said("COPY")


def test_IMAP_31_a_poor_server_moves_ours_and_expunges_nobody_elses(certificates: Certificates) -> None:
    folder = short_dir("dc")
    server = Dovecot(folder, certificates, imap_extra=POOR)
    try:
        server.add_user(ANNA, "s3cret-canary")
        for raw in RAWS:
            server.deliver(ANNA, raw)
        server.deliver(ANNA, b"Subject: x\r\n\r\n", "Done")
        with by_imap(server.imap_port, login=ANNA) as inbox:
            inbox.open("INBOX")
            refs = inbox.list()
            inbox.settle(refs[:1], Settle.MOVE, folder="Done")
            assert server.letters(ANNA) == RAWS[1:]
            inbox.talk.must("mark", b"UID STORE 5 +FLAGS.SILENT (\\Deleted)")  # somebody else's wish
            inbox.settle(refs[1:2], Settle.DELETE)
        assert RAWS[4] in server.letters(ANNA)
        assert server.flags(ANNA).count("T") == 2
    finally:
        server.stop()
        remove(folder)


def test_IMAP_32_a_half_open_wait_is_noticed_by_the_refresh(mailbox: Dovecot) -> None:
    with FaultProxy(mailbox.imap_port) as proxy:
        inbox = by_imap(proxy.port, login=ANNA)
        inbox.connect()
        inbox.open("INBOX")
        parked = inbox.park()
        assert isinstance(parked, ParkedImap)
        assert parked.refresh_seconds <= 9 * 60
        proxy.how, proxy.cut_after = "hang", 0
        with in_time(3), pytest.raises(ConnectorError) as wrong:
            parked.refresh()
        assert wrong.value.kind is Kind.TRANSIENT


def test_IMAP_33_without_IDLE_there_is_no_wait_and_no_NOOP_is_needed() -> None:
    with FakeImap(capabilities="IMAP4rev1 AUTH=PLAIN SASL-IR", answers={"NOOP": None}) as server:
        with by_imap(server.port) as inbox:
            inbox.open("INBOX")
            assert inbox.park() is None
            server.letters[3] = b"Subject: new\r\n\r\n"
            assert inbox.open("INBOX").total == 3
            assert [ref.uid for ref in inbox.list(after=2)] == ["3"]
        assert not server.said("NOOP")


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH " + b"(" * 100_000 + b"\r\n{tag} OK done\r\n",
        b"garbage OK done\r\n",
        b"\xff\xfe\x00\r\n",
        b"P999 OK a tag that we never sent\r\n",
        b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n",
        b'* 1 FETCH (UID 1 RFC822.SIZE 5 INTERNALDATE "99-Foo-0000 99:99:99 +9999" ENVELOPE ("\xff"))\r\n{tag} OK done\r\n',
    ],
)
def test_IMAP_34_garbage_ends_in_a_result_or_a_clear_error(answer: bytes) -> None:
    with FakeImap(answers={"UID FETCH": answer}) as server, in_time(5):
        wrong = outcome(by_imap(server.port))
    assert wrong is None or wrong.kind is Kind.TRANSIENT


def test_IMAP_34_an_endless_line_is_cut_off() -> None:
    def endless(talk: Talk, tag: str, line: bytes) -> None:
        for _ in range(100_000):
            talk.say(b"x" * 65536)

    with FakeImap(answers={"UID SEARCH": endless}) as server, in_time(20):
        wrong = reading_fails(by_imap(server.port))
    assert wrong.kind is Kind.TRANSIENT


def test_IMAP_35_the_number_of_letters_is_known_before_any_is_listed(mailbox: Dovecot) -> None:
    with FakeImap(
        answers={"SELECT": b"* 500000 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK done\r\n"}
    ) as server:
        steps = list(by_imap(server.port).check())
        assert steps[-1].detail.startswith("500,000 letters")
        assert not server.said("UID SEARCH")


def test_IMAP_37_a_line_break_in_a_folder_name_stays_off_the_wire(mailbox: Dovecot) -> None:
    with FakeImap() as server, by_imap(server.port) as inbox:
        inbox.open("INBOX")
        for act in (
            lambda: inbox.open("x\r\nP9 DELETE INBOX"),
            lambda: inbox.open("raw:x%0D%0AP9 DELETE INBOX"),
            lambda: inbox.settle([Ref("1")], Settle.MOVE, folder="raw:a%0AP9 LOGOUT"),
        ):
            with suppress(
                ConnectorError
            ):  # modified UTF-7 makes the first name harmless, the others are refused
                act()
        inbox.open("INBOX")
        assert not [line for line in server.heard if line.startswith(b"P9")]


@pytest.mark.parametrize(
    "password", ['quo"te', "back\\slash", "per%cent", "with space", "pässwörd", "x" * 200]
)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_IMAP_38_every_class_of_password_signs_in(mailbox: Dovecot, password: str, mechanism: str) -> None:
    mailbox.add_user(ANNA, password)
    with FaultProxy(mailbox.imap_port) as proxy:
        inbox = by_imap(proxy.port, login=ANNA)
        inbox.secret = Secret(password)
        inbox.connect()
        inbox.close()
    if mechanism == "LOGIN":
        escaped = password.replace("\\", "\\\\").replace('"', '\\"')
        assert escaped.encode() in _login_by_LOGIN(password)


def _login_by_LOGIN(password: str) -> bytes:
    """What LOGIN sends for a password: quoted, or as a literal."""
    with FakeImap(capabilities="IMAP4rev1") as server:
        inbox = by_imap(server.port)
        inbox.secret = Secret(password)
        inbox.connect()
        inbox.close()
        return b"\n".join(server.heard)


def test_IMAP_41_a_LOGOUT_that_hangs_is_left_after_a_moment() -> None:
    with FakeImap(answers={"LOGOUT": HANG}) as server:
        inbox = by_imap(server.port)
        inbox.connect()
        with in_time(6):
            inbox.close()


# ---- POP3

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


# ---- SMTP


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


def test_every_row_that_is_ours_is_shown() -> None:
    rows = {f"{area}-{number}" for area, numbers in OURS.items() for number in numbers.split()}
    shown = {
        f"{found[1]}-{found[2]}"
        for name, value in vars(sys.modules[__name__]).items()
        if isinstance(value, Callable) and (found := re.match(r"test_(IMAP|POP3|SMTP)_(\d\d)_", name))  # type: ignore[arg-type]
    }
    print(f"{Path(__file__).name}: {len(shown & rows)} of {len(rows)} rows")
    assert shown == rows
