"""What an IMAP server's refusal means: from its words and response codes (RFC 5530) to a ConnectorError. No network."""

from __future__ import annotations

import re

from postroom.connectors.base import ConnectorError, Kind
from postroom.connectors.imap_answers import Reply
from postroom.connectors.meaning import Meaning, Table, passing, said, wrong_password

WORDS: tuple[Meaning, ...] = (
    Meaning(r"authenticated but not connected", Kind.SIGN_IN, None,
     "The sign-in is accepted but the mailbox is not opened: check the licence, that IMAP is on for this mailbox, and the login of a shared mailbox."),
    Meaning(r"\[LIMIT\]|too many (?:simultaneous )?connections|maximum number of connections", Kind.THROTTLED, 300,
     "The server allows no more connections at once; it is tried again after a pause."),
    Meaning(r"\[OVERQUOTA\].*bandwidth|exceeded command or bandwidth|bandwidth limit", Kind.THROTTLED, 900,
     "The provider's limit for this mailbox is used up; it is tried again later."),
    Meaning(r"\[(?:UNAVAILABLE|INUSE|SERVERBUG|THROTTLED)\]|temporar|try again|service unavailable|server busy", Kind.TRANSIENT, None,
     "The server cannot do this at the moment; it is tried again."),
    Meaning(r"\[PRIVACYREQUIRED\]|LOGINDISABLED|plaintext auth\w* (?:disallowed|not allowed|disabled)", Kind.CONFIGURATION, None,
     "Choose TLS or STARTTLS: the server takes no password in the clear."),
    Meaning(r"application-specific password|app password|web login required|\[(?:WEB)?ALERT\].*(?:log ?in|browser)", Kind.SIGN_IN, None,
     "The provider wants an app password or a sign-in in the browser instead of the ordinary password."),
    Meaning(r"\[EXPIRED\]", Kind.SIGN_IN, None, "The password has expired: set a new one there and type it here."),
    Meaning(r"\[(?:AUTHENTICATIONFAILED|AUTHORIZATIONFAILED)\]|auth\w* failed|invalid (?:credentials|login|password)|login (?:failed|incorrect)",
     Kind.SIGN_IN, None, "Check login and password."),
)  # fmt: skip
TABLE = Table(WORDS)


def recognised(line: bytes) -> ConnectorError | None:
    """The error that these words mean, whatever the command was."""
    text = said(line)
    return TABLE.recognise(text, text=_without_tag(text))


def refused_sign_in(reply: Reply) -> ConnectorError:
    """NO or BAD to LOGIN or AUTHENTICATE. Without better words it is the password."""
    return recognised(reply.line) or wrong_password(reply.text or reply.status, said(reply.line))


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
    return recognised(reply.line) or passing(
        f"The server refused to {what}: {reply.text or reply.status}", said(reply.line)
    )


def farewell(line: bytes) -> ConnectorError:
    """An untagged BYE: the server closes. Its words may say why."""
    text = said(line)
    return recognised(line) or passing(f"The server closed the connection: {_without_tag(text)}", text)


def _without_tag(text: str) -> str:
    return re.sub(r"^\S+ (?:NO|BAD|BYE|OK) ", "", text)
