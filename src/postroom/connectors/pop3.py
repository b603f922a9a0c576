"""The POP3 connector (RFC 1939): lists, reads and deletes the letters of the one folder there is. Parses no mail.

Letters are named by UIDL. Deletions take effect at the end of a session only (QUIT): one that breaks off before has
deleted nothing, and the next session lists those letters again.
"""

from __future__ import annotations

import builtins
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    chunks,
)
from postroom.connectors.meaning import said
from postroom.connectors.pop3_check import Pop3Check
from postroom.connectors.pop3_errors import recognised, refused
from postroom.connectors.pop3_lines import read_letter, read_status
from postroom.connectors.pop3_talk import Talk
from postroom.connectors.server import ServerSettings
from postroom.connectors.talk import Talking

NAME = "pop3"
LABEL = "POP3"

SLOWEST = 50_000
"""Bytes a second below which a letter is given up."""
BATCH_COUNT = 50
BATCH_BYTES = 4 * 1024 * 1024
UIDL_CAP = 70


@dataclass(frozen=True)
class Pop3Settings(ServerSettings):
    """A POP3 mailbox."""

    port: int = setting("Port", 995, min=1, max=65535, help="Usually 995 with TLS, 110 with STARTTLS")
    by_content: bool = setting(
        "Tell letters apart by content",
        False,
        help="For servers whose numbering (UIDL) is missing or not unique. Every letter is read at every visit.",
    )


class Inbox(Talking[Talk], base.Inbox):
    """One POP3 mailbox. Not for use by two threads at once."""

    Settings = Pop3Settings
    can_folders = False
    can_mark = False
    can_move = False
    can_push = False
    settings: Pop3Settings

    def __init__(self, settings: Any, secret: Secret | None) -> None:
        super().__init__(settings, secret)
        self._numbers: dict[str, int] = {}

    def connect(self) -> None:
        talk = Talk(self.settings)
        talk.enter(self.secret)
        self.adopt(talk)

    def adopt(self, talk: Talk) -> None:
        """Go on with a conversation that is signed in (the check does)."""
        self._talk, self._numbers = talk, {}

    def folders(self) -> builtins.list[Folder]:
        return [Folder("INBOX", "inbox")]

    def open(self, folder: str) -> FolderState:
        """POP3 has one folder. Its letters are those of the moment of sign-in."""
        return FolderState(validity="", total=self._total())

    def _total(self) -> int:
        good, line = self.talk.ask("STAT")
        words = line.split()
        if not good or len(words) < 2 or not words[1].isdigit():
            raise recognised(line) or refused(line, "count the letters")
        return int(words[1])

    def list(
        self, *, after: int = 0, since: datetime | None = None, limit: int | None = None
    ) -> builtins.list[Ref]:
        uids = self.uidls()
        sizes = _pairs(self.talk.listing("LIST", "list the letters"))
        self._numbers = {uid: number for number, uid in uids.items()}
        refs = [Ref(uid, _size(sizes.get(number))) for number, uid in sorted(uids.items())]
        return refs if limit is None else refs[:limit]

    def uidls(self) -> dict[int, str]:
        """The name of each letter by its number. Raises ConnectorError when names are missing or not unique."""
        good, line = self.talk.ask("UIDL")
        if not good and not self.settings.by_content:
            raise recognised(line) or _unusable("the server does not name its letters (no UIDL)", said(line))
        named = _pairs(self.talk._lines()) if good else {}
        if self.settings.by_content:
            sizes = _pairs(self.talk.listing("LIST", "list the letters"))
            return {number: f"?{number}" for number in sizes}
        names = {number: _name(raw) for number, raw in named.items()}
        if "" in names.values():
            raise _unusable("the server gives a letter no name (empty UIDL)", "")
        for name, count in Counter(names.values()).items():
            if count > 1:
                raise _unusable(f"the server gives {count} letters the same name (UIDL {name[:70]!r})", "")
        return names

    def read(self, refs: Sequence[Ref]) -> Iterator[Fetched]:
        failed: builtins.list[str] = []
        line = ""
        for batch in chunks(refs, count=BATCH_COUNT if self._pipelines() else 1, size=BATCH_BYTES):
            for ref, (raw, answer) in zip(batch, self._retrieve(batch), strict=True):
                if raw is None and answer:
                    failed.append(ref.uid)
                    line = said(answer)
                else:
                    yield Fetched(ref, raw)
        if failed:
            raise ConnectorError(
                f"The server does not give {len(failed)} letter(s): {', '.join(failed[:10])}",
                kind=Kind.MESSAGE,
                advice="Look at them in the mailbox itself; the other letters were collected.",
                server_line=line,
                uids=tuple(failed),
            )

    def _pipelines(self) -> bool:
        return "PIPELINING" in self.talk.capabilities

    def _retrieve(self, batch: Sequence[Ref]) -> builtins.list[tuple[bytes | None, bytes]]:
        """Each letter of the batch, or None with the server's -ERR, or None with b'' when it is not listed."""
        numbers = [self._numbers.get(ref.uid) for ref in batch]
        expect = sum(ref.size or 0 for ref in batch)
        with self.talk.answering(self.settings.answer_timeout + expect / SLOWEST):
            self.talk.wire.send(b"".join(b"RETR %d\r\n" % n for n in numbers if n))
            return [self._one() if n else (None, b"") for n in numbers]

    def _one(self) -> tuple[bytes | None, bytes]:
        wire = self.talk.wire
        good, line = read_status(wire)
        if good:
            return read_letter(wire), b""
        known = recognised(line)
        if known is not None and known.kind is not Kind.SIGN_IN:
            raise known
        return None, line

    def head(self, ref: Ref, limit: int) -> bytes:
        """By TOP, which is optional: without it the letter is read and cut. b'' when it is not listed."""
        number = self._numbers.get(ref.uid)
        if number is None:
            return b""
        lines = max(0, limit // 20)  # a guess: TOP counts lines, not bytes
        good, _ = self.talk.ask(f"TOP {number} {lines}")
        if not good:
            raw = next(iter(self.read([ref]))).raw or b""
            return _cut(raw, limit)
        with self.talk.answering(self.settings.answer_timeout + limit / SLOWEST):
            return _cut(read_letter(self.talk.wire), limit)

    def settle(self, refs: Sequence[Ref], how: Settle, *, folder: str = "") -> None:
        """DELE for each; carried out when the session is closed. Letters not listed any more are passed over."""
        if how is Settle.LEAVE:
            return
        if how is not Settle.DELETE:
            raise cannot(how)
        for ref in refs:
            number = self._numbers.get(ref.uid)
            if number is None:
                continue
            good, line = self.talk.ask(f"DELE {number}")
            if not good:
                raise recognised(line) or refused(line, "delete a letter")

    def check(self, *, folder: str = "", how: Settle = Settle.LEAVE, move_to: str = "") -> Iterator[Step]:
        return Pop3Check(self, how=how).run()


def cannot(how: Settle) -> ConnectorError:
    """POP3 knows neither flags nor folders."""
    return ConnectorError(
        f"POP3 cannot {how.value.replace('-', ' ')} letters.",
        kind=Kind.CONFIGURATION,
        advice="Choose to leave or to delete letters, or collect by IMAP.",
        field="after_collect",
    )


def _unusable(why: str, line: str) -> ConnectorError:
    return ConnectorError(
        f"Letters cannot be kept on this server, because {why}: old and new ones could not be told apart.",
        kind=Kind.CONFIGURATION,
        advice="Switch on 'Tell letters apart by content', or collect by IMAP.",
        server_line=line,
        field="by_content",
    )


def _name(raw: bytes) -> str:
    """A UIDL as text. RFC 1939 allows 1 to 70 printable characters; anything else is named by its hash."""
    if len(raw) <= UIDL_CAP and all(32 < c < 127 for c in raw):
        return raw.decode("ascii")
    return "sha256-" + hashlib.sha256(raw).hexdigest()


def _pairs(lines: builtins.list[bytes]) -> dict[int, bytes]:
    """'number rest' lines; nonsense is passed over."""
    pairs = {}
    for line in lines:
        number, _, rest = line.strip().partition(b" ")
        if number.isdigit():
            pairs[int(number)] = rest.strip()
    return pairs


def _size(text: bytes | None) -> int | None:
    word = (text or b"").split(b" ")[0]
    return int(word) if word.isdigit() else None


def _cut(raw: bytes, limit: int) -> bytes:
    """The first bytes, but the whole header."""
    end = raw.find(b"\r\n\r\n")
    return raw[: max(limit, end + 4)] if end >= 0 else raw
