"""Letters that could be lost, doubled or deleted by what servers do seldom: odd numberings, refusals, renamed folders, full disks."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from postroom.actions.channels import change_channel
from postroom.connectors.base import ConnectorError, Fetched, Folder, FolderState, Inbox, Kind, Ref, Settle
from postroom.flow import space
from postroom.flow.receive import collect
from postroom.models import AfterCollect, ChannelFolder, LetterState, RawMessage, Start
from postroom.models.blob import blobs
from tests.desk import LONG_AGO, letter, make_desk

pytestmark = pytest.mark.django_db

LIMIT = 5 * 1024 * 1024


class Mailbox(Inbox):
    """A mailbox in memory: folders of letters by name, and what the server does wrong."""

    Settings = object

    def __init__(self, *, named: bool = True, folders: bool = True):
        super().__init__(None, None)
        self.can_folders = self.can_mark = self.can_move = folders
        self.letters: dict[str, dict[str, bytes]] = {"INBOX": {}}
        self.arrived: dict[str, object] = {}
        self.validity = "7" if named and folders else ""
        self.next_uid: int | None = None
        self.refused: set[str] = set()
        self.closed: set[str] = set()
        self.gone: set[str] = set()
        self.deleted: list[str] = []
        self.settle_error: ConnectorError | None = None
        self.at = "INBOX"

    @property
    def here(self) -> dict[str, bytes]:
        return self.letters[self.at]

    def connect(self) -> None: ...

    def close(self) -> None: ...

    def check(self, **more):
        yield from ()

    def folders(self):
        return [Folder(name) for name in self.letters]

    def open(self, folder: str) -> FolderState:
        if folder in self.closed:
            raise ConnectorError(f"The folder {folder} cannot be opened.", kind=Kind.CONFIGURATION)
        self.at = folder
        return FolderState(self.validity, len(self.here), self.next_uid)

    def list(self, *, after=0, since=None, limit=None):
        refs = [Ref(uid, len(raw), self.arrived.get(uid)) for uid, raw in self.here.items()]
        return refs if not self.validity else [r for r in refs if int(r.uid) > after][:limit]

    def read(self, refs: Sequence[Ref]) -> Iterator[Fetched]:
        for ref in refs:
            if ref.uid not in self.refused:
                yield Fetched(ref, None if ref.uid in self.gone else self.here.get(ref.uid))
        if bad := tuple(ref.uid for ref in refs if ref.uid in self.refused):
            raise ConnectorError("The server does not give some.", kind=Kind.MESSAGE, uids=bad)

    def head(self, ref: Ref, limit: int) -> bytes:
        return b"" if ref.uid in self.gone else self.here[ref.uid][:limit]

    def settle(self, refs, how, *, folder=""):
        if self.settle_error is not None and refs:
            raise self.settle_error
        if how == Settle.DELETE:
            for ref in refs:
                if self.here.pop(ref.uid, None) is not None:
                    self.deleted.append(ref.uid)


def large(subject: str) -> bytes:
    return letter(subject, body="x" * 70 + "\r\n" + ("y" * 76 + "\r\n") * 80_000)


def states() -> dict[str, str]:
    return dict(RawMessage.objects.order_by("id").values_list("uid", "state"))


@pytest.mark.requirement("RX-03", "CH-07")
def test_a_refused_small_letter_does_not_make_the_cursor_pass_a_large_one():
    desk, box = make_desk(), Mailbox()
    box.letters["INBOX"] = {"1": letter("Small"), "2": letter("Refused"), "3": large("Large")}
    box.refused = {"2"}
    collect(desk.channel, box)
    assert states() == {"1": "received", "2": "stuck", "3": "received"}


@pytest.mark.requirement("RX-03")
def test_a_letter_the_server_passes_over_in_silence_is_listed_as_stuck():
    desk, box = make_desk(), Mailbox()
    box.letters["INBOX"] = {"1": letter("One"), "2": letter("Two")}
    real = box.read
    box.read = lambda refs: real([ref for ref in refs if ref.uid != "2"])  # type: ignore[method-assign]
    collect(desk.channel, box)
    assert states() == {"1": "received", "2": "stuck"}


@pytest.mark.requirement("RX-03")
def test_a_large_letter_that_is_gone_when_its_head_is_read_is_gone():
    desk, box = make_desk(), Mailbox()
    box.letters["INBOX"] = {"1": large("Large")}
    box.gone = {"1"}
    collect(desk.channel, box)
    assert states() == {"1": LetterState.GONE}


@pytest.mark.requirement("CH-07", "CH-11")
def test_delete_spares_a_large_letter_until_it_is_here_whole():
    desk = make_desk(connector="pop3", after_collect=AfterCollect.DELETE)
    box = Mailbox(folders=False)
    box.letters["INBOX"] = {"a": large("Large"), "b": letter("Small")}
    collect(desk.channel, box)
    collect(desk.channel, box)
    assert list(box.here) == ["a"]
    RawMessage.objects.filter(uid="a").update(wanted=True)
    collect(desk.channel, box)
    assert blobs().read(RawMessage.objects.get(uid="a").blob) == box.here["a"]
    collect(desk.channel, box)
    assert box.here == {}


@pytest.mark.requirement("CH-11", "CH-12")
def test_delete_spares_what_lay_there_before_the_chosen_start():
    desk = make_desk(connector="pop3", after_collect=AfterCollect.DELETE, start=Start.NONE)
    box = Mailbox(folders=False)
    box.letters["INBOX"] = {"old": letter("Old")}
    collect(desk.channel, box)
    box.here["new"] = letter("New")
    collect(desk.channel, box)
    collect(desk.channel, box)
    assert (list(box.here), box.deleted) == (["old"], ["new"])


def test_delete_spares_a_letter_the_server_would_not_give():
    desk = make_desk(connector="pop3", after_collect=AfterCollect.DELETE)
    box = Mailbox(folders=False)
    box.letters["INBOX"] = {"a": letter("Refused")}
    box.refused = {"a"}
    for _ in range(3):
        collect(desk.channel, box)
    assert (states(), box.deleted) == ({"a": "stuck"}, [])


@pytest.mark.requirement("RX-04")
@pytest.mark.parametrize("folders", [False, True], ids=["pop3 by content", "imap without UIDVALIDITY"])
class TestWithoutNames:
    """The server's names of letters hold for one session: the bytes tell them apart."""

    def box(self, folders: bool) -> Mailbox:
        return Mailbox(named=False, folders=folders)

    def name(self, folders: bool, number: int) -> str:
        return str(number) if folders else f"?{number}"

    def test_a_letter_under_a_used_name_is_collected(self, folders):
        desk, box = make_desk(after_collect=AfterCollect.LEAVE), self.box(folders)
        box.letters["INBOX"] = {self.name(folders, 1): letter("First")}
        collect(desk.channel, box)
        box.letters["INBOX"] = {self.name(folders, 1): letter("Second")}
        collect(desk.channel, box)
        collect(desk.channel, box)
        assert list(states().values()) == ["received", "received"]

    def test_a_letter_under_a_name_that_was_left_alone_is_collected(self, folders):
        desk, box = make_desk(start=Start.NONE, after_collect=AfterCollect.LEAVE), self.box(folders)
        old = letter("Old")
        box.letters["INBOX"] = {self.name(folders, 1): old, self.name(folders, 2): letter("Older")}
        collect(desk.channel, box)
        box.letters["INBOX"] = {self.name(folders, 1): letter("New"), self.name(folders, 2): old}
        collect(desk.channel, box)
        assert sorted(states().values()) == ["ignored", "ignored", "received"]

    def test_a_refused_letter_keeps_its_row_and_hides_no_other(self, folders):
        desk, box = make_desk(after_collect=AfterCollect.LEAVE), self.box(folders)
        name = self.name(folders, 1)
        box.letters["INBOX"] = {name: letter("Refused")}
        box.refused = {name}
        collect(desk.channel, box)
        collect(desk.channel, box)
        assert states() == {name: "stuck"}
        box.refused, box.letters["INBOX"] = set(), {name: letter("Another")}
        collect(desk.channel, box)
        assert sorted(states().values()) == ["received", "stuck"]

    def test_only_collected_letters_are_deleted(self, folders):
        desk, box = make_desk(after_collect=AfterCollect.DELETE), self.box(folders)
        box.letters["INBOX"] = {self.name(folders, 1): letter("First")}
        collect(desk.channel, box)
        assert box.here == {}
        second = letter("Second")
        box.letters["INBOX"] = {self.name(folders, 1): second}
        collect(desk.channel, box)
        assert [blobs().read(row.blob) for row in RawMessage.objects.order_by("id")][1] == second


@pytest.mark.requirement("RX-04")
def test_an_old_numbering_that_comes_back_does_not_stop_the_mailbox():
    desk, box = make_desk(after_collect=AfterCollect.LEAVE), Mailbox()
    first, second = letter("First"), letter("Second")
    box.letters["INBOX"] = {"1": first, "2": second}
    collect(desk.channel, box)
    box.validity, box.letters["INBOX"] = "8", {"1": second}
    collect(desk.channel, box)
    box.validity, box.letters["INBOX"] = "7", {"1": second, "2": letter("Third")}
    collect(desk.channel, box)
    assert sorted(row.sha256 for row in RawMessage.objects.all()) == sorted(
        set(RawMessage.objects.values_list("sha256", flat=True))
    )
    assert RawMessage.objects.filter(state=LetterState.RECEIVED).count() == 3


@pytest.mark.requirement("RX-04", "CH-07")
def test_a_letter_fetched_whole_is_known_again_after_a_renumbering():
    desk, box = make_desk(after_collect=AfterCollect.LEAVE), Mailbox()
    box.letters["INBOX"] = {"1": large("Large")}
    collect(desk.channel, box)
    RawMessage.objects.update(wanted=True)
    collect(desk.channel, box)
    box.validity, box.letters["INBOX"] = "8", {"5": box.here["1"]}
    collect(desk.channel, box)
    row = RawMessage.objects.get()
    assert (row.validity, row.uid, row.partial) == ("8", "5", False)


@pytest.mark.requirement("CH-19", "RX-04")
@pytest.mark.parametrize("folders", [False, True], ids=["pop3", "imap"])
def test_another_host_name_of_the_same_mailbox_doubles_and_stops_nothing(folders):
    desk, box = (
        make_desk(connector="imap" if folders else "pop3", after_collect=AfterCollect.LEAVE),
        Mailbox(folders=folders),
    )
    desk.channel.settings = {"host": "192.0.2.1", "login": "help"}
    desk.channel.set_secret("mailbox-password")
    desk.channel.save()
    box.letters["INBOX"] = {"1": letter("One"), "2": letter("Two")}
    collect(desk.channel, box)
    changed = {"settings.host": "mail.example.test", "password": "mailbox-password"}
    channel = change_channel(desk.channel, by=desk.administrator, values=changed)
    box.here["3"] = letter("Three")
    collect(channel, box)
    assert sorted(RawMessage.objects.values_list("uid", "state")) == [
        ("1", "received"), ("2", "received"), ("3", "received")
    ]  # fmt: skip


@pytest.mark.requirement("RX-04")
def test_another_account_with_the_same_numbers_is_collected_whole():
    desk, box = make_desk(connector="pop3", after_collect=AfterCollect.LEAVE), Mailbox(folders=False)
    desk.channel.settings = {"host": "mail.example.test", "login": "help"}
    desk.channel.set_secret("mailbox-password")
    desk.channel.save()
    box.letters["INBOX"] = {"1": letter("One")}
    collect(desk.channel, box)
    changed = {"settings.login": "sales", "password": "another-password"}
    channel = change_channel(desk.channel, by=desk.administrator, values=changed)
    box.letters["INBOX"] = {"1": letter("Two")}
    collect(channel, box)
    assert RawMessage.objects.filter(state=LetterState.RECEIVED).count() == 2


@pytest.mark.requirement("CH-12")
def test_a_server_that_does_not_tell_its_next_number_keeps_the_choice_none():
    desk, box = make_desk(start=Start.NONE), Mailbox()
    box.letters["INBOX"] = {"1": letter("Old"), "2": letter("New")}
    now = timezone.now()
    box.arrived = {"1": now - timedelta(days=3), "2": now + timedelta(seconds=5)}
    collect(desk.channel, box)
    assert states() == {"1": "ignored", "2": "received"}


@pytest.mark.requirement("CH-08", "CH-12")
def test_letters_in_a_folder_that_appears_later_are_not_taken_for_old_ones():
    desk, box = make_desk(start=Start.NONE, all_folders=True), Mailbox()
    box.next_uid = 1
    collect(desk.channel, box)
    ChannelFolder.objects.update(opened=timezone.now() - timedelta(hours=2))
    box.letters["Orders"] = {"1": letter("Moved there by hand"), "2": letter("Filed there by a rule")}
    box.arrived = {"1": timezone.now() - timedelta(days=1), "2": timezone.now() - timedelta(hours=1)}
    box.next_uid = 3
    collect(desk.channel, box)
    assert states() == {"1": "ignored", "2": "received"}


@pytest.mark.requirement("RX-06")
def test_a_folder_that_cannot_be_opened_does_not_stop_the_others():
    desk, box = make_desk(all_folders=True), Mailbox()
    box.letters = {"Closed": {}, "INBOX": {"1": letter("Here")}}
    box.closed = {"Closed"}
    with pytest.raises(ConnectorError, match="Closed"):
        collect(desk.channel, box)
    assert states() == {"1": "received"}


@pytest.mark.requirement("RX-06", "CH-11")
def test_a_folder_for_collected_letters_that_is_gone_does_not_stop_collecting():
    desk, box = make_desk(after_collect=AfterCollect.MOVE, move_to="Done"), Mailbox()
    box.settle_error = ConnectorError("There is no folder Done.", kind=Kind.CONFIGURATION)
    for number in ("1", "2"):
        box.here[number] = letter(f"Number {number}")
        with pytest.raises(ConnectorError, match="Done"):
            collect(desk.channel, box)
    assert states() == {"1": "received", "2": "received"}
    assert not RawMessage.objects.filter(settled=True).exists()


def test_a_second_copy_in_one_batch_points_at_the_first():
    desk, box = make_desk(), Mailbox()
    raw = letter("Twice")
    box.letters["INBOX"] = {"1": raw, "2": raw}
    collect(desk.channel, box)
    first, second = RawMessage.objects.order_by("id")
    assert (second.state, second.duplicate_of) == (LetterState.DUPLICATE, first)


def test_nothing_is_collected_while_the_disk_is_nearly_full(monkeypatch):
    desk, box = make_desk(start_since=LONG_AGO), Mailbox()
    box.letters["INBOX"] = {"1": letter("Wait")}
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as full:
        full.setattr(space.shutil, "disk_usage", lambda path: usage(100 * 1024**3, 0, 1024**3))
        with pytest.raises(ConnectorError, match="nearly full") as refused:
            collect(desk.channel, box)
    assert refused.value.kind == Kind.TRANSIENT
    assert states() == {}
    collect(desk.channel, box)
    assert states() == {"1": "received"}
