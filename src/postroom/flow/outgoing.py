"""An outgoing message as bytes: body, signature, the quoted original, files. Composed once; every attempt sends the same bytes."""

from __future__ import annotations

from django.utils import timezone

from postroom.mail.addresses import Address
from postroom.mail.compose import File, Outgoing, compose
from postroom.mail.letter import read
from postroom.mail.text import text_to_html
from postroom.models import Attachment, Message, Purpose, RawMessage
from postroom.models.blob import blobs


def bytes_of(message: Message) -> bytes:
    """The letter to send; made and kept at the first call."""
    if not message.blob:
        raw = compose(outgoing(message))
        message.blob, _ = blobs().store(raw)
        message.size = len(raw)
        Message.objects.filter(pk=message.pk).update(blob=message.blob, size=message.size)
        return raw
    return blobs().read(message.blob)


def outgoing(message: Message) -> Outgoing:
    """The values of the letter."""
    text = with_signature(message) + quotation(message)
    return Outgoing(
        from_=Address(message.from_name, message.from_address),
        to=_addresses(message.to),
        cc=_addresses(message.cc),
        subject=message.subject,
        text=text,
        html=_html(message),
        attachments=tuple(file_of(one) for one in message.attachments.all()),
        in_reply_to=message.in_reply_to,
        references=tuple(message.references),
        message_id=message.message_id,
        date=message.date or timezone.now(),
    )


def with_signature(message: Message) -> str:
    """What was written, and the sender's signature below a `-- ` line (RFC 3676 section 4.3)."""
    signature = signature_of(message)
    return f"{message.text.rstrip()}\n\n-- \n{signature}\n" if signature else f"{message.text.rstrip()}\n"


def signature_of(message: Message) -> str:
    """The sender's signature with the agent's name in it."""
    if message.sender is None:
        return ""
    return message.sender.signature.replace(
        "{{ agent.name }}", message.author.name if message.author else ""
    ).strip()


def quotation(message: Message) -> str:
    """The message that is answered, quoted; a forward carries it whole under its header."""
    parent = message.answers
    if parent is None or message.purpose == Purpose.NOTE:
        return ""
    body = (
        "\n".join([parent.text, parent.folded]).strip()
        if message.purpose == Purpose.FORWARD
        else parent.text.strip()
    )
    if message.purpose == Purpose.FORWARD:
        head = [
            "---------- Forwarded message ----------",
            f"From: {_person(parent.from_name, parent.from_address)}",
            f"Date: {_moment(parent)}",
            f"Subject: {parent.subject}",
            f"To: {', '.join(_person(p['name'], p['address']) for p in parent.to)}",
        ]
        return "\n\n" + "\n".join([*head, "", body, ""])
    quoted = "\n".join(
        f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in body.splitlines()
    )
    return f"\nOn {_moment(parent)}, {_person(parent.from_name, parent.from_address)} wrote:\n{quoted}\n"


def _html(message: Message) -> str:
    """Rich text as written, with signature and quotation as HTML; '' when only plain text was written."""
    if not message.html:
        return ""
    parent = message.answers
    tail = ""
    if signature := signature_of(message):
        tail += f'<div class="signature">-- <br>{text_to_html(signature)}</div>'
    if parent is not None and message.purpose != Purpose.NOTE:
        who = text_to_html(f"On {_moment(parent)}, {_person(parent.from_name, parent.from_address)} wrote:")
        tail += (
            f'<div class="quote">{who}<blockquote type="cite">{text_to_html(parent.text)}</blockquote></div>'
        )
    return f"<html><body><div>{message.html}</div>{tail}</body></html>"


def _moment(message: Message) -> str:
    return f"{(message.date or message.created):%Y-%m-%d %H:%M %z}"


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name else address


def _addresses(people: list[dict[str, str]]) -> tuple[Address, ...]:
    return tuple(Address(p.get("name", ""), p["address"]) for p in people)


def file_of(attachment: Attachment) -> File:
    """A file with its bytes, from its own blob or from the letter it came in."""
    return File(
        name=attachment.name,
        type=attachment.type,
        content=content_of(attachment),
        inline=attachment.inline,
        content_id=attachment.content_id,
    )


def content_of(attachment: Attachment) -> bytes:
    """The bytes of an attachment. `letter:<id>:<position>` points into a letter; no blob means the message's own letter."""
    if attachment.blob and not attachment.blob.startswith("letter:"):
        return blobs().read(attachment.blob)
    letter, position = attachment.message.letter, attachment.position
    if attachment.blob:
        _, pk, at = attachment.blob.split(":")
        letter, position = RawMessage.objects.get(pk=int(pk)), int(at)
    if letter is None:
        raise LookupError(f"The letter of {attachment.name} is gone")
    return read(blobs().read(letter.blob)).attachments[position].part.content()
