"""What an IMAP server's refusal means: from its words and response codes (RFC 5530) to a ConnectorError. No network."""

from __future__ import annotations

import re

from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.imap_answers import Reply

# (pattern on the whole line, kind, seconds to wait, what to tell a person); the first that matches counts
WORDS: tuple[tuple[str, Kind, float | None, str], ...] = (
    (r"authenticated but not connected", Kind.SIGN_IN, None,
     "The sign-in is accepted but the mailbox is not opened: check the licence, that IMAP is on for this mailbox, and the login of a shared mailbox."),
    (r"\[LIMIT\]|too many (?:simultaneous )?connections|maximum number of connections", Kind.THROTTLED, 300,
     "The server allows no more connections at once; it is tried again after a pause."),
    (r"\[OVERQUOTA\].*bandwidth|exceeded command or bandwidth|bandwidth limit", Kind.THROTTLED, 900,
     "The provider's limit for this mailbox is used up; it is tried again later."),
    (r"\[(?:UNAVAILABLE|INUSE|SERVERBUG|THROTTLED)\]|temporar|try again|service unavailable|server busy", Kind.TRANSIENT, None,
     "The server cannot do this at the moment; it is tried again."),
    (r"\[PRIVACYREQUIRED\]|LOGINDISABLED|plaintext auth\w* (?:disallowed|not allowed|disabled)", Kind.CONFIGURATION, None,
     "Choose TLS or STARTTLS: the server takes no password in the clear."),
    (r"application-specific password|app password|web login required|\[(?:WEB)?ALERT\].*(?:log ?in|browser)", Kind.SIGN_IN, None,
     "The provider wants an app password or a sign-in in the browser instead of the ordinary password."),
    (r"\[EXPIRED\]", Kind.SIGN_IN, None, "The password has expired: set a new one there and type it here."),
    (r"\[(?:AUTHENTICATIONFAILED|AUTHORIZATIONFAILED)\]|auth\w* failed|invalid (?:credentials|login|password)|login (?:failed|incorrect)",
     Kind.SIGN_IN, None, "Check login and password."),
)  # fmt: skip
PATTERNS = tuple(
    (re.compile(words, re.IGNORECASE), kind, wait, advice) for words, kind, wait, advice in WORDS
)


def said(line: bytes) -> str:
    """A server line for people: cut, and never a reason to fail."""
    return line[:500].decode("utf-8", "replace")


def recognised(line: bytes) -> ConnectorError | None:
    """The error that these words mean, whatever the command was."""
    text = said(line)
    for pattern, kind, wait, advice in PATTERNS:
        if pattern.search(text):
            field = {Kind.SIGN_IN: "login", Kind.CONFIGURATION: "security"}.get(kind, "")
            return ConnectorError(
                _without_tag(text), kind=kind, advice=advice, server_line=text, field=field, retry_after=wait
            )
    return None


def refused_sign_in(reply: Reply) -> ConnectorError:
    """NO or BAD to LOGIN or AUTHENTICATE. Without better words it is the password."""
    return recognised(reply.line) or ConnectorError(
        f"The server refused the sign-in: {reply.text or reply.status}",
        kind=Kind.SIGN_IN,
        advice="Check login and password.",
        server_line=said(reply.line),
        field="login",
    )


def refused_folder(reply: Reply, folder: str, *, field: str = "folder") -> ConnectorError:
    """NO to SELECT, or TRYCREATE to COPY and MOVE."""
    known = recognised(reply.line)
    if known is not None:
        return known
    return ConnectorError(
        f"The folder {folder} cannot be opened: {reply.text}",
        kind=Kind.CONFIGURATION,
        advice=f"Create {folder} in the mailbox, or choose another folder.",
        server_line=said(reply.line),
        field=field,
    )


def refused(reply: Reply, what: str) -> ConnectorError:
    """NO or BAD to anything else: worth another try."""
    return recognised(reply.line) or ConnectorError(
        f"The server refused to {what}: {reply.text or reply.status}",
        kind=Kind.TRANSIENT,
        advice="It is tried again.",
        server_line=said(reply.line),
    )


def farewell(line: bytes) -> ConnectorError:
    """An untagged BYE: the server closes. Its words may say why."""
    return recognised(line) or ConnectorError(
        f"The server closed the connection: {_without_tag(said(line))}",
        kind=Kind.TRANSIENT,
        advice="It is tried again.",
        server_line=said(line),
    )


def _without_tag(text: str) -> str:
    return re.sub(r"^\S+ (?:NO|BAD|BYE|OK) ", "", text)
