"""What only IMAP can: folders, marks, moves, waiting in IDLE. Against a real Dovecot."""

from __future__ import annotations

import gc
import select
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.connectors.base import ConnectorError, Folder, Kind, Parked, Settle
from postroom.connectors.folder_names import receiving
from postroom.connectors.imap import ImapSettings, Inbox
from tests.connectors.conftest import Person, plain
from tests.servers.certificates import Certificates
from tests.servers.dovecot import EXCHANGE_ONLINE, Dovecot
from tests.servers.fakes import FakeImap
from tests.servers.faults import FaultProxy
from tests.servers.ports import remove, short_dir

pytestmark = pytest.mark.server
RAWS = [b"Subject: %d\r\n\r\nletter %d\r\n" % (n, n) for n in range(1, 6)]


def speaks(parked: Parked, *, within: float = 5.0) -> bool:
    """True when the parked socket has something to say in time."""
    return bool(parked.pending() or select.select([parked], [], [], within)[0])


@pytest.mark.requirement("CH-08")
def test_folders_have_their_roles_and_all_folders_means_the_receiving_ones(
    imap_settings: ImapSettings, anna: Person
) -> None:
    anna.deliver(RAWS[0], folder="Aufträge/Neu")
    with Inbox(imap_settings, anna.secret) as inbox:
        folders = inbox.folders()
    roles = {f.name: f.role for f in folders}
    assert roles["INBOX"] == "inbox"
    assert [roles[n] for n in ("Sent", "Drafts", "Trash", "Junk", "Archive")] == [
        "sent",
        "drafts",
        "trash",
        "junk",
        "archive",
    ]
    assert {f.name for f in receiving(folders)} == {"INBOX", "Junk", "Aufträge/Neu"}


@pytest.mark.requirement("RX-04")
def test_lists_only_what_comes_after_a_uid_although_the_server_always_names_the_last(
    imap_settings: ImapSettings, anna: Person
) -> None:
    anna.deliver(*RAWS)
    with Inbox(imap_settings, anna.secret) as inbox:
        inbox.open("INBOX")
        assert [ref.uid for ref in inbox.list(after=3)] == ["4", "5"]
        assert inbox.list(after=5) == []
        assert inbox.list(after=500) == []
        anna.deliver(RAWS[0])
        assert [ref.uid for ref in inbox.list(after=5)] == ["6"]


@pytest.mark.requirement("CH-12")
def test_lists_only_what_arrived_since_a_moment(imap_settings: ImapSettings, anna: Person) -> None:
    anna.deliver(*RAWS)
    with Inbox(imap_settings, anna.secret) as inbox:
        inbox.open("INBOX")
        now = datetime.now(UTC)
        assert len(inbox.list(since=now - timedelta(hours=1))) == 5
        assert inbox.list(since=now + timedelta(hours=1)) == []
        assert all(ref.arrived and abs(now - ref.arrived) < timedelta(minutes=5) for ref in inbox.list())


@pytest.mark.requirement("CH-11")
def test_marks_and_moves_exactly_the_letters_given(imap_settings: ImapSettings, anna: Person) -> None:
    anna.deliver(*RAWS)
    with Inbox(imap_settings, anna.secret) as inbox:
        inbox.open("INBOX")
        refs = inbox.list()
        inbox.settle(refs[:2], Settle.MARK_READ)
        inbox.settle(refs[3:], Settle.MOVE, folder="Archive")
        inbox.settle(refs[3:], Settle.MOVE, folder="Archive")  # a repetition does no harm
    assert anna.server.flags(anna.address) == ["S", "S", ""]
    assert anna.server.letters(anna.address, "Archive") == RAWS[3:]


def test_moving_to_a_missing_folder_names_it_and_creates_nothing(
    imap_settings: ImapSettings, anna: Person
) -> None:
    anna.deliver(*RAWS)
    with Inbox(imap_settings, anna.secret) as inbox:
        inbox.open("INBOX")
        with pytest.raises(ConnectorError) as wrong:
            inbox.settle(inbox.list(), Settle.MOVE, folder="Erledigt")
        assert (wrong.value.kind, wrong.value.field) == (Kind.CONFIGURATION, "move_to")
        assert "Erledigt" in wrong.value.advice
        assert "Erledigt" not in {f.name for f in inbox.folders()}
    steps = list(Inbox(imap_settings, anna.secret).check(how=Settle.MOVE, move_to="Erledigt"))
    assert (steps[-1].name, steps[-1].state, steps[-1].field) == ("rights", "fail", "move_to")
    assert anna.server.letters(anna.address) == RAWS


def test_a_server_with_the_capabilities_of_exchange_online_does_everything(
    certificates: Certificates,
) -> None:
    folder = short_dir("dc")
    server = Dovecot(folder, certificates, imap_extra=EXCHANGE_ONLINE)
    try:
        server.add_user("bob@example.test", "pw")
        bob = Person("bob@example.test", "pw", server)
        bob.deliver(*RAWS)
        settings = ImapSettings(
            host="localhost", port=server.imaps_port, login=bob.address, ca=certificates.ca_pem
        )
        steps = list(Inbox(settings, bob.secret).check(how=Settle.MOVE, move_to="Archive"))
        assert {step.state for step in steps} == {"ok"}
        with Inbox(settings, bob.secret) as inbox:
            assert Folder("Trash", "trash") in inbox.folders()
            inbox.open("INBOX")
            inbox.settle(inbox.list()[:1], Settle.MOVE, folder="Archive")
        assert server.letters(bob.address) == RAWS[1:]
    finally:
        server.stop()
        remove(folder)


@pytest.mark.requirement("RX-06")
def test_a_letter_of_sixty_megabytes_comes_in_pieces_and_its_neighbour_right_after(
    imap_settings: ImapSettings, anna: Person
) -> None:
    huge = b"Subject: huge\r\n\r\n" + b"0123456789abcde\r\n" * 3_700_000
    anna.deliver(huge, RAWS[0])
    with Inbox(imap_settings, anna.secret) as inbox:
        inbox.open("INBOX")
        first, second = inbox.read(inbox.list())
    assert first.raw == huge
    assert second.raw == RAWS[0]


@pytest.mark.requirement("RX-02")
@pytest.mark.parametrize("security", ["tls", "none"])
def test_a_parked_mailbox_speaks_when_a_letter_arrives(
    imap_settings: ImapSettings, anna: Person, security: str
) -> None:
    port = anna.server.imaps_port if security == "tls" else anna.server.imap_port
    inbox = Inbox(replace(imap_settings, security=security, port=port), anna.secret)
    inbox.connect()
    inbox.open("INBOX")
    parked = inbox.park()
    assert parked is not None
    assert parked.read() is False
    for number in (1, 2):
        anna.deliver(RAWS[0])
        assert speaks(parked)
        while not parked.read():
            assert speaks(parked)
        back = parked.unpark()
        assert back is inbox
        assert len(inbox.list(after=number - 1)) == 1
        again = inbox.park()
        assert again is not None
        parked = again
    parked.close()
    parked.close()


@pytest.mark.requirement("RX-02")
def test_a_letter_that_arrives_during_a_refresh_is_not_missed(
    imap_settings: ImapSettings, anna: Person
) -> None:
    inbox = Inbox(imap_settings, anna.secret)
    inbox.connect()
    inbox.open("INBOX")
    parked = inbox.park()
    assert parked is not None
    with Inbox(imap_settings, anna.secret) as other:
        anna.deliver(RAWS[0])
        other.open("INBOX")
        assert len(other.list()) == 1
    parked.refresh()
    assert speaks(parked)
    assert parked.read() is True
    parked.unpark()
    inbox.close()


@pytest.mark.requirement("RX-02")
@pytest.mark.parametrize("how", ["kick", "reset"])
def test_a_parked_mailbox_that_dies_says_so_once_and_clearly(
    imap_settings: ImapSettings, anna: Person, how: str
) -> None:
    with FaultProxy(anna.server.imap_port) as proxy:
        inbox = Inbox(plain(imap_settings, proxy.port), anna.secret)
        inbox.connect()
        inbox.open("INBOX")
        parked = inbox.park()
        assert parked is not None
        if how == "kick":
            anna.server.kick(anna.address)
        else:
            proxy.drop_all()
        assert speaks(parked)
        with pytest.raises(ConnectorError) as wrong:
            parked.read()
        assert wrong.value.kind is Kind.TRANSIENT
        assert how != "kick" or "BYE" in wrong.value.server_line


def test_half_a_line_in_IDLE_is_kept_for_the_next_time() -> None:
    def idle(talk: object, tag: str, line: bytes) -> None:
        talk.say(b"+ idling\r\n* 3 EXI")  # type: ignore[attr-defined]
        talk.hear()  # type: ignore[attr-defined]

    with FakeImap(answers={"IDLE": idle}) as server:
        inbox = Inbox(plain(ImapSettings(host="127.0.0.1", login="x"), server.port), None)
        inbox.connect()
        inbox.open("INBOX")
        parked = inbox.park()
        assert parked is not None
        assert parked.read() is False
        assert parked.pending() is False  # or the engine would come back to it for ever
        server._socks[0].sendall(b"STS\r\n")
        assert speaks(parked)
        assert parked.read() is True
        parked.close()


@pytest.mark.requirement("RX-02")
def test_a_parked_mailbox_over_TLS_needs_no_more_than_40_kB(
    imap_settings: ImapSettings, anna: Person
) -> None:
    def park(stack: ExitStack) -> Parked:
        inbox = Inbox(imap_settings, anna.secret)
        inbox.connect()
        inbox.open("INBOX")
        list(inbox.read(inbox.list()))
        parked = inbox.park()
        assert parked is not None
        stack.callback(parked.close)
        return parked

    anna.deliver(*RAWS, b"Subject: larger\r\n\r\n" + b"x" * 200_000 + b"\r\n")
    with ExitStack() as stack:
        first = [park(stack) for _ in range(20)]
        before = _resident()
        more = [park(stack) for _ in range(100)]
        each = (_resident() - before) / len(more)
        assert first
        print(f"{each:.1f} kB for each parked mailbox")
        assert each <= 40


def _resident() -> int:
    """kB that belong to this process alone."""
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))
