"""What an SMTP server's refusal means: from code, enhanced status and words to a ConnectorError or a Verdict. No network."""

from __future__ import annotations

import re

from postroom.connectors.base import ConnectorError, Kind, Verdict
from postroom.connectors.meaning import Meaning, Table, passing, wrong_password
from postroom.connectors.smtp_answers import Reply

# the patterns are on "code text"
WORDS: tuple[Meaning, ...] = (
    Meaning(r"Must issue a?\s*STARTTLS|5\.7\.0.*STARTTLS|^538", Kind.CONFIGURATION, None,
     "Choose STARTTLS (usually port 587) or TLS (usually port 465)."),
    Meaning(r"^535 5\.7\.139|SmtpClientAuthentication is disabled", Kind.CONFIGURATION, None,
     "SMTP sign-in is switched off for this tenant or mailbox: the Microsoft 365 administrator must allow authenticated SMTP, or sign in with Microsoft.", "sign_in"),
    Meaning(r"5\.7\.30|Basic authentication is not supported", Kind.CONFIGURATION, None,
     "The provider takes no passwords for sending any more: sign in with Microsoft.", "sign_in"),
    Meaning(r"^432|concurrent connections? limit", Kind.THROTTLED, 60,
     "The server allows no more connections at once; it is tried again after a pause."),
    Meaning(r"^(?:554 5\.2\.0|550 5\.4\.5|452 4\.5\.3.*(?:day|quota))|exceed\w* (?:the )?(?:daily|sending|recipient\w*).*(?:limit|quota)|daily (?:user )?sending (?:limit|quota)|recipients? per day|SubmissionQuotaExceeded",
     Kind.THROTTLED, 3600, "The provider's limit of messages for this account is used up; sending goes on later."),
    Meaning(r"^454 4\.7\.0.*auth", Kind.TRANSIENT, None, "The server cannot sign anybody in at the moment; it is tried again."),
    Meaning(r"^4\d\d 4\.7\.(?:0|28|32|500|650)\b|^4\d\d.*(?:rate limit|too many (?!recipients)|throttl)|^421 4\.3\.2", Kind.THROTTLED, 300,
     "The server wants fewer messages at once; sending goes on after a pause."),
    Meaning(r"^534|application-specific password|app password", Kind.SIGN_IN, None,
     "The provider wants an app password or a sign-in in the browser instead of the ordinary password."),
    Meaning(r"^535|^530 5\.5\.1|auth\w* credentials invalid", Kind.SIGN_IN, None, "Check login and password."),
    Meaning(r"^530|auth\w* (?:is )?required|^550 5\.7\.1.*authenticat", Kind.CONFIGURATION, None,
     "The server wants a sign-in before it takes mail: choose Password as sign-in.", "sign_in"),
)  # fmt: skip
TABLE = Table(WORDS)
NOT_OURS = re.compile(
    r"5\.7\.60|SendAs ?Denied|not owned by|not allowed to send as|5\.7\.1.*sender", re.IGNORECASE
)


def recognised(reply: Reply) -> ConnectorError | None:
    """The error that these words mean, whatever the command was."""
    return TABLE.recognise(str(reply), text=str(reply))


def refused(reply: Reply, what: str) -> ConnectorError:
    """A refusal before any recipient: 4xx passes, 5xx is about this message."""
    known = recognised(reply)
    if known is not None:
        return known
    text = f"The server refused to {what}: {reply}"
    if reply.passing or reply.code < 400:
        return passing(text, str(reply))
    return ConnectorError(
        text,
        kind=Kind.MESSAGE,
        advice="Read what the server says; trying again as it is will not help.",
        server_line=str(reply),
    )


def refused_sign_in(reply: Reply) -> ConnectorError:
    """4xx to AUTH passes (454), anything else is the password, the mechanism or a policy."""
    known = recognised(reply)
    if known is not None:
        return known
    if reply.passing:
        return passing(f"The server cannot sign anybody in at the moment: {reply}", str(reply))
    return wrong_password(str(reply), str(reply))


def refused_sender(reply: Reply, sender: str) -> ConnectorError:
    """A refusal of MAIL FROM. Not being allowed to send as somebody says so in words."""
    if NOT_OURS.search(str(reply)):
        return ConnectorError(
            f"This login may not send as {sender}: {reply}",
            kind=Kind.MESSAGE,
            advice=f"Give the login the right to send as {sender}, or choose another From address.",
            server_line=str(reply),
            field="address",
        )
    return refused(reply, f"take mail from {sender or 'the empty sender'}")


def throttled(reply: Reply) -> ConnectorError | None:
    """A refusal of a recipient, of DATA or of the whole message that is about our quota, not about them."""
    known = None if reply.good else recognised(reply)
    return known if known is not None and known.kind is Kind.THROTTLED else None


def verdict(address: str, reply: Reply) -> Verdict:
    """What a reply means for one recipient. 552 to RCPT is an old form of 452 (RFC 5321 section 4.5.3.1.10)."""
    too_many = reply.code == 552 and not reply.status.startswith("5.2.2") and "many" in reply.text.lower()
    if reply.good:
        state = "accepted"
    elif reply.passing or too_many:
        state = "deferred"
    else:
        state = "refused"
    return Verdict(address, state, reply.code, reply.status, str(reply))
