"""What a POP3 server's -ERR means: from its response codes (RFC 2449, RFC 3206) and words to a ConnectorError. No network."""

from __future__ import annotations

import re

from postroom.connectors.base import ConnectorError, Kind

WORDS: tuple[tuple[str, Kind, float | None, str], ...] = (
    (r"\[LOGIN-DELAY\]", Kind.THROTTLED, 60, "The server wants longer pauses between sign-ins; it is tried again later."),
    (r"\[IN-USE\]|\b(?:already|is|was) locked|\block(?:ed|ing)?\b.*(?:mailbox|maildrop)|(?:mailbox|maildrop).*\b(?:locked|in use|busy)", Kind.TRANSIENT, None,
     "Another program has this mailbox open; it is tried again. If it lasts, only one program may collect it by POP3."),
    (r"\[SYS/TEMP\]|temporar|try again|unavailable", Kind.TRANSIENT, None, "The server cannot do this at the moment; it is tried again."),
    (r"\[SYS/PERM\]", Kind.SIGN_IN, None, "The server refuses this mailbox; ask whoever runs it."),
    (r"too many|maximum number of connections", Kind.THROTTLED, 300, "The server allows no more connections at once; it is tried again after a pause."),
    (r"plaintext auth\w*|must (?:use|issue) (?:a )?(?:STLS|TLS)|secure connection", Kind.CONFIGURATION, None,
     "Choose TLS or STARTTLS: the server takes no password in the clear."),
    (r"pop3?(?: access| protocol)? (?:is )?(?:not enabled|disabled|not allowed)|not enabled for pop", Kind.SIGN_IN, None,
     "POP3 is switched off for this mailbox: allow it in the mailbox's settings there."),
    (r"\[AUTH\]|auth\w* failed|invalid|incorrect|password", Kind.SIGN_IN, None, "Check login and password."),
)  # fmt: skip
PATTERNS = tuple(
    (re.compile(words, re.IGNORECASE), kind, wait, advice) for words, kind, wait, advice in WORDS
)


def said(line: bytes) -> str:
    return line[:500].decode("utf-8", "replace")


def recognised(line: bytes) -> ConnectorError | None:
    """The error that these words mean, whatever the command was."""
    text = said(line)
    for pattern, kind, wait, advice in PATTERNS:
        if pattern.search(text):
            field = {Kind.SIGN_IN: "login", Kind.CONFIGURATION: "security"}.get(kind, "")
            return ConnectorError(
                _words(text), kind=kind, advice=advice, server_line=text, field=field, retry_after=wait
            )
    return None


def refused_sign_in(line: bytes) -> ConnectorError:
    """-ERR to USER or PASS. Without better words it is the password."""
    return recognised(line) or ConnectorError(
        f"The server refused the sign-in: {_words(said(line))}",
        kind=Kind.SIGN_IN,
        advice="Check login and password.",
        server_line=said(line),
        field="login",
    )


def refused(line: bytes, what: str) -> ConnectorError:
    """-ERR to anything else: worth another try."""
    return ConnectorError(
        f"The server refused to {what}: {_words(said(line))}",
        kind=Kind.TRANSIENT,
        advice="It is tried again.",
        server_line=said(line),
    )


def _words(text: str) -> str:
    return text.removeprefix("-ERR").strip()
