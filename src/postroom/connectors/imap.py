"""The IMAP connector (RFC 3501, UIDPLUS, MOVE, IDLE, SPECIAL-USE): lists, reads and settles letters by UID. Parses no mail.

    connect -> open(folder) -> list(after) -> read(refs) -> settle(refs) ... -> park or close

Letters are named by UID only, never by sequence number, and sets are always explicit: `n:*` returns the last letter
even when its UID is below n.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from postroom.conf.setting import setting
from postroom.connectors import base
from postroom.connectors.base import (
    ConnectorError,
    Fetched,
    Folder,
    FolderState,
    Kind,
    Ref,
    Secret,
    Settle,
    Step,
)
from postroom.connectors.folder_names import name_of, role_of, wire_of
from postroom.connectors.imap_answers import (
    ARRIVED,
    SIZE,
    UID,
    Parts,
    Reply,
    compress,
    date_of,
    listed,
    numbers,
    status_code,
)
from postroom.connectors.imap_check import ImapCheck
from postroom.connectors.imap_errors import refused_folder
from postroom.connectors.imap_parked import ParkedImap
from postroom.connectors.imap_read import read_head, read_letters
from postroom.connectors.imap_settle import settle_letters
from postroom.connectors.imap_talk import Talk, quoted_bytes
from postroom.connectors.server import ServerSettings
from postroom.connectors.talk import Talking

NAME = "imap"
LABEL = "IMAP"

PAGE = 500
"""Letters described with one command."""
SMALL = 2000
"""A folder with fewer letters is searched at once, a larger one in windows of UIDs."""
WINDOW = 20_000


@dataclass(frozen=True)
class ImapSettings(ServerSettings):
    """An IMAP mailbox."""

    port: int = setting("Port", 993, min=1, max=65535, help="Usually 993 with TLS, 143 with STARTTLS")


class Inbox(Talking[Talk], base.Inbox):
    """One IMAP mailbox. Not for use by two threads at once."""

    Settings = ImapSettings
    settings: ImapSettings

    def __init__(self, settings: Any, secret: Secret | None) -> None:
        super().__init__(settings, secret)
        self.state: FolderState | None = None
        self.folder = ""
        self.permanent: frozenset[str] | None = None
        self._delimiter = "/"

    def connect(self) -> None:
        talk = Talk(self.settings)
        talk.enter(self.secret)
        self.adopt(talk)

    def adopt(self, talk: Talk) -> None:
        """Go on with a conversation that is signed in (the check does)."""
        self._talk = talk
        self.state, self.folder, self.permanent = None, "", None

    def close(self) -> None:
        super().close()
        self.state = None

    def folders(self) -> builtins.list[Folder]:
        extended = self.talk.can("LIST-EXTENDED") and self.talk.can("SPECIAL-USE")
        reply = self.talk.must(
            "list the folders", b'LIST "" "*"' + (b" RETURN (SPECIAL-USE)" if extended else b"")
        )
        return [folder for parts in reply.untagged if (folder := self._folder(parts))]

    def _folder(self, parts: Parts) -> Folder | None:
        if parts[0][2:7].upper() != b"LIST " or (found := listed(parts)) is None:
            return None
        name = name_of(found.name)
        self._delimiter = found.delimiter or self._delimiter
        lower = {a.lower() for a in found.attributes}
        return Folder(
            name,
            role_of(name, found.attributes, found.delimiter),
            selectable=not lower & {"\\noselect", "\\nonexistent"},
        )

    def open(self, folder: str) -> FolderState:
        self.state, self.permanent = None, None
        self.talk.total = 0
        reply = self.talk.ask(b"SELECT ", quoted_bytes(wire_of(folder or "INBOX")))
        if reply.status != "OK":
            raise refused_folder(reply, folder)
        self.folder, self.state, self.talk.fresh = folder, self._selected(reply), True
        return self.state

    def _selected(self, reply: Reply) -> FolderState:
        codes = dict(status_code(parts[0][5:]) for parts in reply.untagged if parts[0][2:5].upper() == b"OK ")
        if "PERMANENTFLAGS" in codes:
            self.permanent = frozenset(
                codes["PERMANENTFLAGS"].strip(b"()").decode("ascii", "replace").lower().split()
            )
        validity = codes.get("UIDVALIDITY", b"")
        following = codes.get("UIDNEXT", b"")
        return FolderState(
            # a validity of 0 or none at all means that the numbers mean nothing from one session to the next
            validity=validity.decode() if validity.isdigit() and int(validity) else "",
            total=self.talk.total,
            next_uid=int(following) if following.isdigit() else None,
            read_only=reply.code == "READ-ONLY",
        )

    def list(
        self, *, after: int = 0, since: datetime | None = None, limit: int | None = None
    ) -> builtins.list[Ref]:
        if not self.talk.fresh:
            # a search looks at what the session knows; only this makes many servers look for new letters
            self.talk.must("look for new letters", b"NOOP")
        self.talk.fresh = False
        refs: builtins.list[Ref] = []
        for uids in self._pages(after, since):
            page = self._describe(uids)
            refs += [r for r in page if since is None or r.arrived is None or r.arrived >= since]
            if limit is not None and len(refs) >= limit:
                return refs[:limit]
        return refs

    def _pages(self, after: int, since: datetime | None) -> Iterator[builtins.list[int]]:
        for uids in self._found(after, since):
            for start in range(0, len(uids), PAGE):
                yield uids[start : start + PAGE]

    def _found(self, after: int, since: datetime | None) -> Iterator[builtins.list[int]]:
        """UIDs above `after`, ascending, in windows: a folder of a million letters must not come as one line."""
        low, top = after + 1, (self.state.next_uid if self.state else None) or 0
        span = WINDOW
        while self.talk.total > SMALL and low + span < top:
            uids = self._search(f"{low}:{low + span - 1}", since)
            yield [uid for uid in uids if low <= uid < low + span]
            low += span
            span = WINDOW if uids else span * 4
        yield [uid for uid in self._search(f"{low}:*", since) if uid >= low]

    def _search(self, uids: str, since: datetime | None) -> builtins.list[int]:
        command = f"UID SEARCH UID {uids}"
        if since is not None:
            # the server compares dates in a zone of its own: take one day more, `list` looks at the moment itself
            day = since - timedelta(days=1)
            command += f" SINCE {day.day}-{MONTHS[day.month - 1]}-{day.year}"
        reply = self.talk.ask(command.encode())
        if reply.status != "OK":
            if self.talk.total == 0:
                return []  # some servers call `*` an error in an empty folder
            raise refused_folder(reply, self.folder)
        found = [
            n
            for parts in reply.untagged
            if parts[0][2:8].upper() in (b"SEARCH", b"ESEARC")
            for n in numbers(parts)
        ]
        return sorted(set(found))

    def _describe(self, uids: builtins.list[int]) -> builtins.list[Ref]:
        if not uids:
            return []
        command = f"UID FETCH {compress(uids)} (UID RFC822.SIZE INTERNALDATE)"
        reply = self.talk.must("list the letters", command.encode())
        refs = {uid: ref for parts in reply.untagged if (ref := _ref(parts)) and (uid := int(ref.uid))}
        return [refs[uid] for uid in uids if uid in refs]

    def read(self, refs: Sequence[Ref]) -> Iterator[Fetched]:
        return read_letters(self.talk, refs)

    def head(self, ref: Ref, limit: int) -> bytes:
        return read_head(self.talk, ref, limit)

    def settle(self, refs: Sequence[Ref], how: Settle, *, folder: str = "") -> None:
        if self.state is not None and self.state.read_only and how is not Settle.LEAVE and refs:
            raise read_only(self.folder)
        settle_letters(self.talk, refs, how, folder=folder, permanent=self.permanent)

    def check(self, *, folder: str = "", how: Settle = Settle.LEAVE, move_to: str = "") -> Iterator[Step]:
        return ImapCheck(self, folder=folder or "INBOX", how=how, move_to=move_to).run()

    def park(self) -> ParkedImap | None:
        if not self.talk.can("IDLE"):
            return None
        return ParkedImap(self, self.talk)


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _ref(parts: Parts) -> Ref | None:
    line = parts[0]
    uid = UID.search(line)
    if uid is None or b" FETCH " not in line[:40].upper():
        return None
    size, arrived = SIZE.search(line), ARRIVED.search(line)
    return Ref(uid[1].decode(), int(size[1]) if size else None, date_of(arrived[1]) if arrived else None)


def read_only(folder: str) -> ConnectorError:
    """Letters can be collected from a read-only folder, but nothing can be changed there."""
    return ConnectorError(
        f"The folder {folder} is read-only: letters there cannot be marked, moved or deleted.",
        kind=Kind.CONFIGURATION,
        advice="Give this login the right to change the folder, or choose to leave letters as they are.",
        field="after_collect",
    )
