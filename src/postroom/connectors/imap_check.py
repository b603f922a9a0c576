"""The check of an IMAP mailbox, step by step: from the server's name to the number of letters. Changes nothing there."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Protocol

from postroom.connectors.base import ConnectorError, FolderState, Kind, Parked, Secret, Settle
from postroom.connectors.check import Check
from postroom.connectors.folder_names import wire_of
from postroom.connectors.imap_errors import recognised, refused_folder
from postroom.connectors.imap_talk import Talk, quoted_bytes
from postroom.connectors.meaning import said
from postroom.connectors.server import ServerSettings
from postroom.connectors.steps import WHOLE, Outcome, Planned, letters

# the rights of RFC 4314 that each way of settling needs in the folder itself
NEEDED = {Settle.MARK_READ: "s", Settle.MOVE: "te", Settle.DELETE: "te"}
FLAGS = {Settle.MARK_READ: "\\seen", Settle.MOVE: "\\deleted", Settle.DELETE: "\\deleted"}


class Checked(Protocol):
    """What the check needs of the inbox."""

    secret: Secret | None
    state: FolderState | None
    permanent: frozenset[str] | None

    @property
    def settings(self) -> ServerSettings: ...
    def adopt(self, talk: Talk) -> None: ...
    def open(self, folder: str) -> FolderState: ...
    def park(self) -> Parked | None: ...
    def close(self) -> None: ...


class ImapCheck(Check):
    """From the server's name to the number of letters."""

    talk: Talk

    def __init__(self, inbox: Checked, *, folder: str, how: Settle, move_to: str) -> None:
        super().__init__(Talk(inbox.settings, end=time.monotonic() + WHOLE), inbox.secret)
        self.inbox, self.folder, self.how, self.move_to = inbox, folder, how, move_to

    def further(self) -> Iterator[Planned]:
        yield "folder", f"Open the folder {self.folder}", self.open
        yield "rights", "Rights to settle letters", self.rights
        yield "push", "New mail is announced", self.push
        yield "count", "Count the letters", self.count

    def sign_in(self) -> Outcome:
        got = super().sign_in()
        self.inbox.adopt(self.talk)
        return got

    def gives_password(self) -> bool:
        return bool(self.inbox.settings.login)

    def open(self) -> Outcome:
        state = self.inbox.open(self.folder)
        if not state.validity:
            return Outcome(
                "The server does not number letters reliably (no UIDVALIDITY).",
                state="warn",
                fix="Letters are told apart by their content, which takes longer.",
            )
        return Outcome(f"{self.folder} is open")

    def rights(self) -> Outcome:
        if self.how is Settle.LEAVE:
            return Outcome("Letters are left as they are", state="skipped")
        lacking = self._lacking()
        if lacking:
            raise ConnectorError(
                f"This login may not {self.how.value.replace('-', ' ')} letters in {self.folder}.",
                kind=Kind.CONFIGURATION,
                advice="Give it the right to do so, or choose to leave letters as they are.",
                server_line=lacking,
                field="after_collect",
            )
        if self.how is Settle.MOVE:
            self._target()
        return Outcome(f"Letters can be settled: {self.how.value.replace('-', ' ')}")

    def _lacking(self) -> str:
        """What the server says against it, '' when nothing does."""
        state, permanent = self.inbox.state, self.inbox.permanent
        if state is not None and state.read_only:
            return "READ-ONLY"
        if permanent is not None and FLAGS[self.how] not in permanent:
            return "PERMANENTFLAGS (" + " ".join(sorted(permanent)) + ")"
        rights = self._my_rights(self.folder)
        if rights is not None and any(letter not in rights for letter in NEEDED[self.how]):
            return f"MYRIGHTS {rights}"
        return ""

    def _my_rights(self, folder: str) -> str | None:
        if not self.talk.can("ACL"):
            return None
        reply = self.talk.ask(b"MYRIGHTS ", quoted_bytes(wire_of(folder)))
        for parts in reply.untagged:
            if parts[0][2:10].upper() == b"MYRIGHTS":
                rights = parts[-1].split()[-1].decode("ascii", "replace")
                # 'd' is the old right for both (RFC 4314 section 2.1.1)
                return rights + "te" if "d" in rights else rights
        return None

    def _target(self) -> None:
        if not self.move_to:
            raise ConnectorError(
                "No folder is chosen to move letters to.",
                kind=Kind.CONFIGURATION,
                advice="Choose the folder to move letters to.",
                field="move_to",
            )
        reply = self.talk.ask(b"STATUS ", quoted_bytes(wire_of(self.move_to)), b" (MESSAGES)")
        if reply.status != "OK":
            raise refused_folder(reply, self.move_to, field="move_to")
        rights = self._my_rights(self.move_to)
        if rights is not None and "i" not in rights:
            raise ConnectorError(
                f"This login may not put letters into {self.move_to}.",
                kind=Kind.CONFIGURATION,
                advice="Give it the right to do so, or choose another folder.",
                server_line=f"MYRIGHTS {rights}",
                field="move_to",
            )

    def push(self) -> Outcome:
        parked = self.inbox.park()
        if parked is None:
            return Outcome(
                "The server cannot announce new mail (no IDLE): it is asked at intervals.", state="warn"
            )
        parked.unpark()
        return Outcome("The server announces new mail at once (IDLE)")

    def count(self) -> Outcome:
        size = self._bytes()
        total = letters(self.talk.total)
        return Outcome(
            total if size is None else f"{total}, {size:,} bytes", server_line=said(self.talk.wire.last)
        )

    def _bytes(self) -> int | None:
        if not self.talk.can("STATUS=SIZE"):
            return None
        reply = self.talk.ask(b"STATUS ", quoted_bytes(wire_of(self.folder)), b" (MESSAGES SIZE)")
        if known := recognised(reply.line):
            raise known
        for parts in reply.untagged:
            if found := re.search(rb"\bSIZE (\d+)", parts[-1]):
                return int(found[1])
        return None
