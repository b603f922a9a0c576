"""A letter as the message it becomes: the columns people read and search."""

from __future__ import annotations

from datetime import UTC, datetime

from postroom.flow.filing import Filing
from postroom.mail.addresses import Address
from postroom.mail.parts import Part
from postroom.mail.quotes import show
from postroom.models import Attachment, Message, MessageKind

MOST_TEXT = 1_000_000
"""Characters of text kept in the table; the letter keeps everything."""


def message_of(filing: Filing) -> Message:
    """The message, not yet written."""
    letter, shown = filing.letter, show(filing.letter)
    assert filing.case is not None
    message = filing.message or Message(created=filing.moment)
    message.kind, message.case, message.letter, message.contact = (
        MessageKind.IN,
        filing.case,
        filing.row,
        filing.contact,
    )
    message.channel = filing.channel
    if letter.from_:
        message.from_name, message.from_address = (
            plain(letter.from_.name, 200),
            plain(letter.from_.address, 320),
        )
    message.to, message.cc = people(letter.to), people(letter.cc)
    message.bcc, message.reply_to = people(letter.bcc), people(letter.reply_to)
    message.subject = plain(letter.subject, 998)
    message.message_id = plain(letter.message_id, 998)
    message.in_reply_to = plain(letter.in_reply_to[0], 998) if letter.in_reply_to else ""
    message.references = [plain(one, 998) for one in letter.references[:60]]
    message.date = in_utc(letter.date)
    # A letter that is nothing but quotation is shown whole: a message is never empty because we folded it away.
    text, folded = (shown.text, shown.folded) if shown.text.strip() else (shown.folded, "")
    message.text, message.folded = clean(text)[:MOST_TEXT], clean(folded)[:MOST_TEXT]
    message.has_html = bool(letter.html)
    message.flags = sorted({*filing.flags, *letter.defects})
    return message


def attachments_of(filing: Filing) -> list[Attachment]:
    """The files of the letter; their bytes stay in it and are found by position."""
    return [
        Attachment(
            message=filing.message, position=position, name=plain(one.name, 255) or "file", type=plain(one.type, 120), size=size_of(one.part),
            inline=one.inline, content_id=plain(one.content_id, 255),
        )
        for position, one in enumerate(filing.letter.attachments[:1000])
    ]  # fmt: skip


def size_of(part: Part) -> int:
    """Bytes of a part as a file. Base64 is counted, not decoded: a megabyte is not worth decoding for one number."""
    if part.encoding != "base64":
        return len(part.content())
    start, end = part.body_start, part.end
    breaks = part.raw.count(b"\n", start, end)
    width = 2 if part.raw.find(b"\r\n", start, end) >= 0 else 1
    return max(0, (end - start - breaks * width) * 3 // 4 - part.raw[max(start, end - 8) : end].count(b"="))


def people(addresses: tuple[Address, ...]) -> list[dict[str, str]]:
    """At most 1,000 addresses as they are stored."""
    return [{"name": plain(a.name, 200), "address": plain(a.address, 320)} for a in addresses[:1000]]


def in_utc(moment: datetime | None) -> datetime | None:
    """The same moment, which letters give in zones up to a day apart; PostgreSQL takes none beyond 16 hours."""
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        return None


def plain(text: str, most: int) -> str:
    """One line, bounded."""
    return clean(" ".join(text.split()) if ("\n" in text or "\r" in text or "\t" in text) else text)[:most]


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which databases refuse."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
