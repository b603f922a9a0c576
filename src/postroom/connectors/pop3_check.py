"""The check of a POP3 mailbox, step by step. Changes nothing there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from postroom.connectors.base import ConnectorError, FolderState, Kind, Ref, Secret, Settle
from postroom.connectors.check import Check
from postroom.connectors.pop3_talk import Talk
from postroom.connectors.server import ServerSettings
from postroom.connectors.steps import WHOLE, Outcome, Planned, letters

WARNINGS = {
    "gmail.com": "Gmail shows by POP3 neither spam nor letters fetched before, and may archive what is collected: prefer IMAP.",
    "googlemail.com": "Gmail shows by POP3 neither spam nor letters fetched before, and may archive what is collected: prefer IMAP.",
    "office365.com": "Exchange shows only the inbox by POP3 and changes no read marks: prefer IMAP.",
    "outlook.com": "Exchange shows only the inbox by POP3 and changes no read marks: prefer IMAP.",
}


class Checked(Protocol):
    """What the check needs of the inbox."""

    secret: Secret | None

    @property
    def settings(self) -> ServerSettings: ...
    def adopt(self, talk: Talk) -> None: ...
    def open(self, folder: str) -> FolderState: ...
    def uidls(self) -> dict[int, str]: ...
    def list(self) -> list[Ref]: ...
    def close(self) -> None: ...


class Pop3Check(Check):
    """From the server's name to the number of letters."""

    talk: Talk

    def __init__(self, inbox: Checked, *, how: Settle) -> None:
        super().__init__(Talk(inbox.settings, end=time.monotonic() + WHOLE), inbox.secret)
        self.inbox, self.how = inbox, how

    def further(self) -> Iterator[Planned]:
        yield "folder", "Names of the letters (UIDL)", self.names
        yield "rights", "Rights to settle letters", self.rights
        yield "push", "New mail is announced", self.push
        yield "count", "Count the letters", self.count

    def sign_in(self) -> Outcome:
        got = super().sign_in()
        self.inbox.adopt(self.talk)
        return got

    def names(self) -> Outcome:
        names = self.inbox.uidls()
        return Outcome(f"{letters(len(names))}, each with a name of its own")

    def rights(self) -> Outcome:
        if self.how in (Settle.MARK_READ, Settle.MOVE):
            raise ConnectorError(
                f"POP3 cannot {self.how.value.replace('-', ' ')} letters.",
                kind=Kind.CONFIGURATION,
                advice="Choose to leave or to delete letters, or collect by IMAP.",
                field="after_collect",
            )
        if self.how is Settle.DELETE:
            return Outcome("Letters can be deleted")
        return Outcome("Letters are left as they are", state="skipped")

    def push(self) -> Outcome:
        host = self.inbox.settings.host.lower()
        known = next((text for domain, text in WARNINGS.items() if host.endswith(domain)), "")
        return Outcome(
            "POP3 announces nothing: the server is asked at intervals.",
            state="warn" if known else "skipped",
            fix=known,
        )

    def count(self) -> Outcome:
        refs = self.inbox.list()
        size = sum(ref.size or 0 for ref in refs)
        return Outcome(f"{letters(len(refs))}, {size:,} bytes")
