"""What a mail server says about a message that it could not hand on, as RFC 3464 asks. Decides nothing, sends nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime

REPORTER = "mx.fjordpost.example"
"""The server that reports."""


@dataclass(frozen=True)
class Trouble:
    """Why a recipient was not reached. `action` is failed or delayed (RFC 3464 section 2.3.3), `status` by RFC 3463."""

    action: str
    status: str
    said: str


NO_SUCH_USER = Trouble("failed", "5.1.1", "550 5.1.1 <{address}>: Recipient address rejected: User unknown")
MAILBOX_FULL = Trouble("failed", "5.2.2", "552 5.2.2 <{address}>: The mailbox is over its quota")
NO_SUCH_HOST = Trouble("failed", "5.1.2", "550 5.1.2 Host {host} not found")
DELAYED = Trouble("delayed", "4.4.1", "connect to mail.{host}: Connection timed out")


def write_report(raw: bytes, *, sender: str, recipient: str, trouble: Trouble, when: datetime) -> bytes:
    """The report to the sender of `raw`: explanation, delivery-status, and the original's header (RFC 6522).

    Written by hand: what `email` makes of message/delivery-status it cannot print.
    """
    delayed = trouble.action == "delayed"
    said = trouble.said.format(address=recipient, host=recipient.partition("@")[2])
    boundary = secrets.token_hex(12)
    parts = (
        ("text/plain; charset=us-ascii", _explanation(recipient, said, delayed=delayed)),
        ("message/delivery-status", _status(recipient, trouble, said, when)),
        ("text/rfc822-headers", _original_header(raw)),
    )
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{REPORTER}>",
        f"To: {sender}",
        f"Subject: {'Delayed Mail (still being retried)' if delayed else 'Undelivered Mail Returned to Sender'}",
        f"Date: {format_datetime(when)}",
        f"Message-ID: <{secrets.token_hex(8)}@{REPORTER}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="{boundary}"',
        "",
        "This is a MIME-encapsulated message.",
    ]
    for kind, text in parts:
        lines += ["", f"--{boundary}", f"Content-Type: {kind}", "", text.rstrip()]
    lines += ["", f"--{boundary}--", ""]
    return "\n".join(lines).replace("\n", "\r\n").encode()


def _explanation(recipient: str, said: str, *, delayed: bool) -> str:
    if delayed:
        return f"This is the mail system at host {REPORTER}.\n\nYour message could not be delivered for more than one hour.\nIt will be retried until it is five days old.\nYou do not need to send it again.\n\n<{recipient}>: {said}\n"  # fmt: skip
    return f"This is the mail system at host {REPORTER}.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. Its header is attached below.\n\n<{recipient}>: {said}\n"  # fmt: skip


def _status(recipient: str, trouble: Trouble, said: str, when: datetime) -> str:
    fields = [
        f"Reporting-MTA: dns; {REPORTER}",
        f"Arrival-Date: {format_datetime(when)}",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Action: {trouble.action}",
        f"Status: {trouble.status}",
        f"Diagnostic-Code: smtp; {said}",
    ]
    if trouble.action == "delayed":
        fields.append(f"Will-Retry-Until: {format_datetime(when + timedelta(days=5))}")
    return "\n".join(fields)


def _original_header(raw: bytes) -> str:
    found = message_from_bytes(raw, policy=policy.default)
    kept = EmailMessage(policy=policy.SMTP)
    for name in ("From", "To", "Subject", "Date"):
        if found[name] is not None:
            kept[name] = " ".join(str(found[name]).split())
    text = kept.as_bytes().decode("ascii").replace("\r\n", "\n").rstrip()
    for name in ("Message-ID", "In-Reply-To", "References"):
        if found[name] is not None:
            text += f"\n{name}: " + "\n ".join(str(found[name]).split())
    return text
