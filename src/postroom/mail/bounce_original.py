"""Which letter of ours a report is about: its id, recipients and subject, from what the report gives back of it."""

import re
from dataclasses import dataclass

from .addresses import read_addresses
from .bounce_reports import STATUS_TYPES
from .headers import Headers
from .letter import Letter, read_ids
from .parts import Part

HEADER_TYPES = frozenset(
    {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "text/rfc822-header"}
)
MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news", "message/partial"})

ORIGINAL_LIMIT = 100_000
"""Characters of what is given back that are looked at."""

_FIELD = re.compile(
    r"^[\s>|]{0,4}(?P<name>message-id|to|subject|x-original-message-id)\s?:(?P<value>.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ID = re.compile(r"<([^<>\s]{1,900})>")


@dataclass(frozen=True)
class Original:
    """What is known of our letter."""

    message_id: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    from_: str = ""


def find_original(letter: Letter, parts: list[Part], rest: str) -> Original:
    """Our letter as the report gives it back: as a part, as header text, or as the end of the prose (`rest`)."""
    for part in parts:
        headers = returned_headers(part)
        if headers is not None and ("message-id" in headers or "to" in headers or "received" in headers):
            return _of_headers(headers, letter)
    original = _of_text(rest, letter)
    if original.message_id:
        return original
    reports = "\n".join(part.text() for part in parts if part.type in STATUS_TYPES)  # its boundary got lost
    return _of_text(reports, letter) if "message-id" in reports.lower() else original


def returned_headers(part: Part) -> Headers | None:
    """The header of our letter if this part gives it back."""
    if part.type in MESSAGE_TYPES:
        if part.message is not None:
            return part.message.headers
        return Headers(part.content()[:ORIGINAL_LIMIT])
    if part.type in HEADER_TYPES:
        return Headers(part.content()[:ORIGINAL_LIMIT].lstrip(b"\r\n"))
    if part.parent is not None and "message-id" in part.headers:
        return part.headers  # our letter put in as a part of its own, without a wrapper
    return None


def answered_id(letter: Letter) -> str:
    """The id the report answers by In-Reply-To or References, as servers of today write."""
    named = letter.in_reply_to or letter.references
    return named[-1] if named else ""


def _of_headers(headers: Headers, letter: Letter) -> Original:
    ids = read_ids([headers.plain("message-id")]) or read_ids([headers.plain("x-original-message-id")])
    senders = read_addresses(headers.plain("from"))
    return Original(
        message_id=ids[0] if ids else headers.plain("message-id").strip("<> ") or answered_id(letter),
        to=tuple(address.address for address in read_addresses(headers.plain("to"))),
        subject=headers.get("subject"),
        from_=senders[0].address if senders else "",
    )


def _of_text(rest: str, letter: Letter) -> Original:
    """From fields in text; those of a report inside it are skipped."""
    rest = rest[max(0, rest.lower().rfind("final-recipient:")) :]
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(rest[:ORIGINAL_LIMIT]):
        fields.setdefault(match["name"].lower(), match["value"].strip()[:10_000])
    found = _ID.search(fields.get("message-id", "")) or _ID.search(fields.get("x-original-message-id", ""))
    return Original(
        message_id=found[1] if found else answered_id(letter),
        to=tuple(address.address for address in read_addresses(fields.get("to", ""))),
        subject=fields.get("subject", ""),
    )
