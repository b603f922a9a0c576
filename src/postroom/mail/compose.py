"""An outgoing letter as bytes: correct MIME for SMTP, the same bytes for the same values. Not sending, not templates.

    text                          text/plain
    text, html                    multipart/alternative
    html with inline files        the html side becomes multipart/related
    files                         multipart/mixed around all that

Written by hand and not with the standard library, because its writer turns long ids in References into encoded words
(RFC 2047 forbids them there, and threading breaks) and makes 500 letters a second. Lines end with CRLF and stay within
76 characters where they can be folded, within 998 always; bodies are 7-bit on the wire, so no server has to convert them
and signatures survive.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from .addresses import Address
from .compose_parts import File, file_part, multipart, text_part
from .header_writing import (
    ComposeError,
    is_field_name,
    is_id,
    write_ids,
    write_list,
    write_mailbox,
    write_text,
)

__all__ = ["ComposeError", "File", "Outgoing", "compose", "recipients"]

REFERENCES_KEPT = 20
"""The newest ids kept in References besides the first; what is left out in the middle nobody threads by."""

OWN_FIELDS = frozenset({
    "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "auto-submitted",
})  # fmt: skip
"""Fields that `Outgoing` has its own attributes for; not to be given as extra headers, nor is any `Content-*`."""

_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,\"]{1,255}")
_QUOTED_LOCAL_PART = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e]){0,255}"')
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9_-]{1,63}\.){0,40}[A-Za-z0-9_-]{1,63}|\[[0-9A-Za-z:.-]{1,100}\]", re.ASCII
)
_AUTO_SUBMITTED = re.compile(r"[a-z-]{1,30}(?:; ?[a-z-]{1,30}=[A-Za-z0-9-]{1,60})*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A letter to be written. Ids are without angle brackets; `date` is aware; `bcc` is for the envelope and never written.

    `auto_submitted` is the value of RFC 3834 ("auto-replied", "auto-generated"), empty for what a person wrote.
    """

    from_: Address
    subject: str
    message_id: str
    date: datetime
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    text: str = ""
    html: str = ""
    attachments: tuple[File, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    auto_submitted: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def compose(outgoing: Outgoing) -> bytes:
    """The bytes to hand to a server. ComposeError names the field that cannot be written."""
    fields = list(_fields(outgoing))
    seed = hashlib.sha256(outgoing.message_id.encode()).hexdigest()[:24]
    body = _build(outgoing, seed)
    head = "\r\n".join([*fields, "MIME-Version: 1.0"]).encode()
    return b"%b\r\n%b" % (head, body)


def recipients(outgoing: Outgoing) -> tuple[str, ...]:
    """The addresses for the envelope: To, Cc and Bcc, each once, in this order."""
    everybody = (*outgoing.to, *outgoing.cc, *outgoing.bcc)
    return tuple(dict.fromkeys(_address("recipient", address.address) for address in everybody))


# Header


def _fields(outgoing: Outgoing) -> Iterator[str]:
    yield f"Date: {_date(outgoing.date)}"
    yield write_list("From", [_mailbox("from", outgoing.from_)])
    yield from _address_field("To", outgoing.to)
    yield from _address_field("Cc", outgoing.cc)
    if not outgoing.to and not outgoing.cc:
        yield "To: undisclosed-recipients:;"
    yield from _address_field("Reply-To", outgoing.reply_to)
    yield write_text("Subject", outgoing.subject)
    if not is_id(outgoing.message_id):
        raise ComposeError("message_id", f"{outgoing.message_id[:100]!r} cannot be a Message-ID")
    yield write_ids("Message-ID", [outgoing.message_id])
    yield from _thread_fields(outgoing)
    if outgoing.auto_submitted:
        yield f"Auto-Submitted: {_auto_submitted(outgoing.auto_submitted)}"
    for name, value in outgoing.headers:
        yield _extra_field(name, value)


def _date(date: datetime) -> str:
    if date.tzinfo is None:
        raise ComposeError("date", "has no time zone")
    return format_datetime(date)


def _address_field(name: str, addresses: tuple[Address, ...]) -> Iterator[str]:
    if addresses:
        yield write_list(name, [_mailbox(name.lower(), address) for address in addresses])


def _mailbox(field: str, address: Address) -> str:
    return write_mailbox(address.name, _address(field, address.address))


def _address(field: str, text: str) -> str:
    """`local@domain`, the domain in ASCII. Dots in odd places stay: such mailboxes exist."""
    local, at, domain = text.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            raise ComposeError(
                field, f"{text[:100]!r} has a domain no name server knows how to ask for"
            ) from None
    well_formed = _LOCAL_PART.fullmatch(local) or _QUOTED_LOCAL_PART.fullmatch(local)
    if not at or well_formed is None or _DOMAIN.fullmatch(domain) is None or not local.isprintable():
        raise ComposeError(field, f"{text[:100]!r} is not an address")
    return f"{local}@{domain}"


def _thread_fields(outgoing: Outgoing) -> Iterator[str]:
    """Ids of others that cannot be written are left out: a letter without its thread is better than no letter."""
    parent = outgoing.in_reply_to if is_id(outgoing.in_reply_to) else ""
    if parent:
        yield write_ids("In-Reply-To", [parent])
    chain = [
        reference
        for reference in dict.fromkeys(outgoing.references)
        if is_id(reference) and reference != parent
    ]
    chain += [parent] if parent else []
    if len(chain) > REFERENCES_KEPT + 1:
        chain = chain[:1] + chain[-REFERENCES_KEPT:]
    if chain:
        yield write_ids("References", chain)


def _auto_submitted(value: str) -> str:
    if _AUTO_SUBMITTED.fullmatch(value) is None:
        raise ComposeError("auto_submitted", f"{value[:100]!r} is no value of RFC 3834")
    return value


def _extra_field(name: str, value: str) -> str:
    if not is_field_name(name) or name.lower() in OWN_FIELDS or name.lower().startswith("content-"):
        raise ComposeError("headers", f"{name[:100]!r} cannot be given as an extra header")
    if any(character in value for character in "\r\n\x00"):
        raise ComposeError("headers", f"{name} would break out of its line")
    return write_text(name, value)


# Body


def _build(outgoing: Outgoing, seed: str) -> bytes:
    related: list[bytes] = []
    attached: list[bytes] = []
    for file in outgoing.attachments:
        belongs_to_html = outgoing.html and file.inline and file.content_id
        (related if belongs_to_html else attached).append(file_part(file))
    body = _text_body(outgoing, related, seed)
    return multipart("mixed", [body, *attached], f"{seed}0") if attached else body


def _text_body(outgoing: Outgoing, inline: list[bytes], seed: str) -> bytes:
    if not outgoing.html:
        return text_part("plain", outgoing.text)
    html = text_part("html", outgoing.html)
    if inline:
        html = multipart("related", [html, *inline], f"{seed}2", root_type="text/html")
    if not outgoing.text:
        return html
    return multipart("alternative", [text_part("plain", outgoing.text), html], f"{seed}1")
