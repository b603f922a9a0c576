"""A letter as plain values for JSON: what `postroom read --json` prints. Reads nothing by itself, decides nothing.

Absent is None. Addresses are `{name, address}`, dates RFC 3339, message ids without angle brackets, hashes hexadecimal.
"""

import json
from collections.abc import Iterable
from typing import Any

from . import automatic, bounces, language, letter, quotes
from .addresses import Address
from .letter import Attachment, Letter
from .text import html_to_text

Described = dict[str, Any]


def describe_bytes(raw: bytes) -> Described:
    """The description of the letter in these bytes; never raises on any content."""
    return describe(letter.read(raw))


def describe(read: Letter) -> Described:
    """Everything Postroom understands of a letter. Decodes its attachments, to give their size and hash."""
    shown = quotes.show(read)
    return {
        "subject": read.subject if "subject" in read.headers else None,
        "from": _person(read.from_),
        "sender": _person(read.sender),
        "reply_to": _people(read.reply_to),
        "to": _people(read.to),
        "cc": _people(read.cc),
        "date": read.date.isoformat() if read.date else None,
        "message_id": read.message_id or None,
        "in_reply_to": read.in_reply_to[0] if read.in_reply_to else None,
        "references": list(read.references) or None,
        "text": read.text or None,
        "html_text": (html_to_text(read.html) or None) if read.html else None,
        "visible_text": shown.text or None,
        "folded_text": shown.folded or None,
        "attachments": [_attachment(one) for one in read.attachments],
        "bounce": _bounce(read),
        "automatic": automatic.is_automatic(read),
        "list": automatic.list_name(read) or None,
        "language": language.find_language(
            f"{read.subject}\n{shown.text or shown.folded}", read.headers.get("content-language")
        )
        or None,
        "defects": list(read.defects),
    }


def _person(address: Address | None) -> Described | None:
    if address is None:
        return None
    return {"name": address.name or None, "address": address.address or None}


def _people(addresses: Iterable[Address]) -> list[Described | None] | None:
    return [_person(address) for address in addresses] or None


def _attachment(one: Attachment) -> Described:
    return {
        "name": one.name or None,
        "type": one.type,
        "size": one.size,
        "sha256": one.sha256(),
        "inline": one.inline,
        "content_id": one.content_id or None,
    }


def _bounce(read: Letter) -> Described | None:
    found = bounces.read_bounce(read)
    if found is None:
        return None
    return {
        "recipients": [
            {
                "address": one.address or None,
                "action": one.action or None,
                "status": one.status or None,
                "diagnostic": one.diagnostic or None,
            }
            for one in found.recipients
        ],
        "original_message_id": found.original_message_id or None,
    }


def to_json(described: Described, *, ascii_only: bool = False) -> str:
    """One line of JSON."""
    return json.dumps(described, ensure_ascii=ascii_only)


def summarise(described: Described) -> str:
    """A letter for people at a terminal: its fields, its parts, what it says. Control characters are taken out."""
    lines = [f"{label:<12} {value}" for label, value in _summary_lines(described) if value]
    body = described["visible_text"] or "(no text)"
    return "".join(
        char if char >= " " or char in "\n\t" else " "
        for char in "\n".join([*lines, "", body])
        if char != "\x7f"
    )


def _summary_lines(described: Described) -> Iterable[tuple[str, str | None]]:
    yield "Subject", described["subject"] or "(no subject)"
    yield "From", _write(described["from"])
    yield "Sender", _write(described["sender"])
    for label, key in (("Reply to", "reply_to"), ("To", "to"), ("Cc", "cc")):
        yield label, ", ".join(_write(one) for one in described[key] or ())
    yield "Date", described["date"]
    yield "Message id", described["message_id"]
    yield "Answers", described["in_reply_to"]
    yield "Language", described["language"]
    yield "List", described["list"]
    yield "Automatic", "yes" if described["automatic"] else None
    for one in (described["bounce"] or {}).get("recipients", ()):
        yield (
            "Bounced",
            " ".join(str(one[key]) for key in ("address", "action", "status", "diagnostic") if one[key]),
        )
    for one in described["attachments"]:
        yield (
            "Attached",
            f"{one['name'] or '(no name)'}  {one['type']}  {one['size']} bytes{'  inline' if one['inline'] else ''}",
        )
    yield "Noticed", ", ".join(described["defects"])


def _write(person: Described | None) -> str:
    if person is None:
        return ""
    address = person["address"] or ""
    return f"{person['name']} <{address}>" if person["name"] else address
