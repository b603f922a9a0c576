"""What happened to a letter or a message: its trail in words. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postroom.models import Case, Event, Message, RawMessage


@dataclass(frozen=True)
class Line:
    """One line of a trail."""

    at: datetime | None
    what: str
    words: str


def explain_letter(letter: RawMessage) -> list[Line]:
    """From the server to where it is now."""
    place = f"{letter.folder} {letter.validity} uid {letter.uid}".strip()
    lines = [
        Line(
            letter.arrived,
            "arrived",
            f"in the mailbox of {letter.channel or 'a deleted channel'}: {place}, {letter.size} bytes",
        ),
        Line(
            letter.collected,
            "stored",
            f"sha256 {letter.sha256[:16]}, kept as {letter.blob}" if letter.blob else "no bytes are kept",
        ),
    ]
    lines += [
        Line(letter.filed, step, f"{words}" if verdict == "on" else f"{words} -> {verdict}")
        for step, verdict, words in letter.trail
    ]
    lines.append(Line(letter.filed, letter.state, letter.reason or letter.get_state_display()))
    message = Message.objects.select_related("case").filter(letter=letter).first()
    return lines + (explain_case(message.case) if message else [])


def explain_message(message: Message) -> list[Line]:
    """An incoming message by its letter; an outgoing one by its recipients and its case."""
    if message.letter is not None:
        return explain_letter(message.letter)
    lines = [
        Line(
            message.created,
            "written",
            f"by {message.author or 'the system'}, id {message.message_id or '(none yet)'}",
        )
    ]
    lines.append(
        Line(
            message.sent or message.next_try,
            message.state or "note",
            message.error or message.server_line or message.get_state_display(),
        )
    )
    lines += [
        Line(r.changed, r.state, f"{r.address} {r.status} {r.line}".strip()) for r in message.recipients.all()
    ]
    return lines + explain_case(message.case)


def explain_case(case: Case) -> list[Line]:
    """The events of a case."""
    events = Event.objects.select_related("actor", "user", "queue").filter(case=case).order_by("id")
    return [Line(e.at, e.kind, _words(e)) for e in events]


def _words(event: Event) -> str:
    parts = [
        f"by {event.actor}" if event.actor else "",
        f"to {event.user}" if event.user and event.user != event.actor else "",
    ]
    parts += [
        f"queue {event.queue}" if event.queue else "",
        *(f"{name} {value}" for name, value in event.data.items() if value not in (None, "")),
    ]
    return ", ".join(p for p in parts if p)
