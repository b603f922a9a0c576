"""The catalogue of bad input, rows about IMAP, as far as the connector answers for them. Each test carries its row in its name."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress

import pytest

from postroom.connectors.base import (
    ConnectorError,
    Kind,
    Ref,
    Secret,
    Settle,
)
from postroom.connectors.folder_names import name_of, wire_of
from postroom.connectors.imap_parked import ParkedImap
from tests.catalogue.protocols import (
    ANNA,
    RAWS,
    by_imap,
    fails,
    in_time,
    outcome,
    read_all,
    reading_fails,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import POOR, Dovecot
from tests.servers.fakes import HANG, Answer, FakeImap, FakeServer, Talk
from tests.servers.faults import FaultProxy
from tests.servers.ports import free_port, remove, short_dir

pytestmark = pytest.mark.requirement("RX-06", "RX-07")


def imap_error(**answers: Answer) -> ConnectorError:
    """The error when a server gives these answers on the way to the letters."""
    with FakeImap(answers={k.replace("_", " "): v for k, v in answers.items()}) as server:
        return reading_fails(by_imap(server.port))


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
        with FakeServer(run) as server, in_time(6):  # type: ignore[arg-type]
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
