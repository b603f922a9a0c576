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
    """The report to the sender of `raw`: explanation, delivery-status, and the original's header (RFC 3462)."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = f"Mail Delivery System <MAILER-DAEMON@{REPORTER}>"
    message["To"] = sender
    delayed = trouble.action == "delayed"
    message["Subject"] = "Delayed Mail (still being retried)" if delayed else "Undelivered Mail Returned to Sender"  # fmt: skip
    message["Date"] = format_datetime(when)
    message["Message-ID"] = f"<{secrets.token_hex(8)}@{REPORTER}>"
    message["Auto-Submitted"] = "auto-replied"
    said = trouble.said.format(address=recipient, host=recipient.partition("@")[2])
    message.set_content(_explanation(recipient, said, delayed=delayed))
    message.make_mixed()
    message.set_type("multipart/report")
    message.set_param("report-type", "delivery-status")
    message.attach(_status(recipient, trouble, said, when))
    message.attach(_original_header(raw))
    return message.as_bytes()


def _explanation(recipient: str, said: str, *, delayed: bool) -> str:
    if delayed:
        return f"This is the mail system at host {REPORTER}.\n\nYour message could not be delivered for more than one hour.\nIt will be retried until it is five days old.\nYou do not need to send it again.\n\n<{recipient}>: {said}\n"  # fmt: skip
    return f"This is the mail system at host {REPORTER}.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. Its header is attached below.\n\n<{recipient}>: {said}\n"  # fmt: skip


def _status(recipient: str, trouble: Trouble, said: str, when: datetime) -> EmailMessage:
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
    return _part("message/delivery-status", "\n".join(fields) + "\n")


def _original_header(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    kept = EmailMessage(policy=policy.SMTP)
    for name in ("From", "To", "Subject", "Date"):
        if found[name] is not None:
            kept[name] = " ".join(str(found[name]).split())
    text = kept.as_bytes().decode("ascii").replace("\r\n", "\n").rstrip()
    for name in ("Message-ID", "In-Reply-To", "References"):
        if found[name] is not None:
            text += f"\n{name}: " + "\n ".join(str(found[name]).split())
    return _part("text/rfc822-headers", text + "\n")


def _part(kind: str, text: str) -> EmailMessage:
    part = EmailMessage(policy=policy.SMTP)
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = "7bit"
    part.set_payload(text)
    return part
