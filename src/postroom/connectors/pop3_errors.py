"""What a POP3 server's -ERR means: from its response codes (RFC 2449, RFC 3206) and words to a ConnectorError. No network."""

from __future__ import annotations

from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.meaning import Meaning, Table, passing, said, wrong_password

WORDS: tuple[Meaning, ...] = (
    Meaning(r"\[LOGIN-DELAY\]", Kind.THROTTLED, 60, "The server wants longer pauses between sign-ins; it is tried again later."),
    Meaning(r"\[IN-USE\]|\b(?:already|is|was) locked|\block(?:ed|ing)?\b.*(?:mailbox|maildrop)|(?:mailbox|maildrop).*\b(?:locked|in use|busy)", Kind.TRANSIENT, None,
     "Another program has this mailbox open; it is tried again. If it lasts, only one program may collect it by POP3."),
    Meaning(r"\[SYS/TEMP\]|temporar|try again|unavailable", Kind.TRANSIENT, None, "The server cannot do this at the moment; it is tried again."),
    Meaning(r"\[SYS/PERM\]", Kind.SIGN_IN, None, "The server refuses this mailbox; ask whoever runs it."),
    Meaning(r"too many|maximum number of connections", Kind.THROTTLED, 300, "The server allows no more connections at once; it is tried again after a pause."),
    Meaning(r"plaintext auth\w*|must (?:use|issue) (?:a )?(?:STLS|TLS)|secure connection", Kind.CONFIGURATION, None,
     "Choose TLS or STARTTLS: the server takes no password in the clear."),
    Meaning(r"pop3?(?: access| protocol)? (?:is )?(?:not enabled|disabled|not allowed)|not enabled for pop", Kind.SIGN_IN, None,
     "POP3 is switched off for this mailbox: allow it in the mailbox's settings there."),
    Meaning(r"\[AUTH\]|auth\w* failed|invalid|incorrect|password", Kind.SIGN_IN, None, "Check login and password."),
)  # fmt: skip
TABLE = Table(WORDS)


def recognised(line: bytes) -> ConnectorError | None:
    """The error that these words mean, whatever the command was."""
    text = said(line)
    return TABLE.recognise(text, text=_words(text))


def refused_sign_in(line: bytes) -> ConnectorError:
    """-ERR to USER or PASS. Without better words it is the password."""
    text = said(line)
    return recognised(line) or wrong_password(_words(text), text)


def refused(line: bytes, what: str) -> ConnectorError:
    """-ERR to anything else: worth another try."""
    text = said(line)
    return passing(f"The server refused to {what}: {_words(text)}", text)


def _words(text: str) -> str:
    return text.removeprefix("-ERR").strip()
