"""A mailbox waiting in IDLE (RFC 2177) without a thread: a socket to select on. Collects nothing.

Why not IMAPClient's idle_check: on a dead connection it returns at once with nothing, for ever; and it may leave half a
line or bytes that TLS has already decrypted, which select never reports.
"""

from __future__ import annotations

import random
from contextlib import suppress

from postroom.connectors import base
from postroom.connectors.base import ConnectorError, Inbox
from postroom.connectors.imap_errors import farewell, recognised
from postroom.connectors.imap_talk import Talk
from postroom.connectors.meaning import said

TAG = b"IDLE"


class ParkedImap(base.Parked):
    """Made by `Inbox.park`; the inbox must not be used before `unpark` gives it back.

    `refresh_seconds` lies between 8 and 9 minutes: below the 29 of RFC 2177, and below the ten after which many
    firewalls forget a silent connection; spread, so that a thousand mailboxes do not speak at once.
    """

    def __init__(self, inbox: Inbox, talk: Talk) -> None:
        self._inbox, self._talk = inbox, talk
        self._heard = False
        self.refresh_seconds = random.uniform(8 * 60, 9 * 60)
        self._idle()

    def fileno(self) -> int:
        return self._talk.wire.sock.fileno()

    def pending(self) -> bool:
        # half a line in the buffer is nothing to act on: it would be reported for ever
        wire = self._talk.wire
        return self._heard or wire.has_line() or wire.decrypted() > 0

    def read(self) -> bool:
        heard, self._heard = self._heard, False
        try:
            for line in self._talk.wire.drain():
                heard = self._understand(line) or heard
        except ConnectorError:
            self.close()
            raise
        return heard

    def refresh(self) -> None:
        self._done()
        self._idle()

    def unpark(self) -> Inbox:
        self._done()
        self._talk.fresh = True
        return self._inbox

    def close(self) -> None:
        with suppress(AttributeError):
            self._talk.wire.close()

    def _idle(self) -> None:
        wire = self._talk.wire
        with self._talk.answering(self._patience()):
            wire.send(TAG + b" IDLE\r\n")
            while not (line := wire.line()).startswith(b"+"):
                self._heard = self._understand(line) or self._heard

    def _done(self) -> None:
        wire = self._talk.wire
        with self._talk.answering(self._patience()):
            wire.send(b"DONE\r\n")
            while not (line := wire.line()).startswith(TAG + b" "):
                self._heard = self._understand(line) or self._heard
            if line[len(TAG) + 1 :][:2].upper() != b"OK":
                raise _ended(line)

    def _patience(self) -> float:
        """A dead connection must not hold the thread for the minute that a search may take."""
        return min(15, self._talk.settings.answer_timeout)

    def _understand(self, line: bytes) -> bool:
        """True when the line may mean new mail. Raises when it means the end."""
        words = line.split(b" ", 3)
        if words[0] != b"*" or len(words) < 2:
            raise _ended(line)
        if words[1].upper() == b"BYE":
            raise farewell(line)
        if len(words) > 2 and words[2].upper() == b"EXISTS" and words[1].isdigit():
            self._talk.total = int(words[1])
            return True
        return len(words) > 2 and words[2].upper() == b"RECENT"


def _ended(line: bytes) -> ConnectorError:
    return recognised(line) or ConnectorError(
        "The server ended the wait for new mail.",
        advice="It is connected anew.",
        server_line=said(line),
    )
