"""What happened to a channel or sender: its lines of history, newest first, in words. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from postroom.models import Channel, Event, Health, Sender

LINES = 12
WORDS = {
    "created": "Made",
    "changed": "Settings changed",
    "on": "Switched on",
    "off": "Switched off",
    "reconciled": "Compared with the mailbox",
    "reconciliation-asked": "Comparison asked for",
    "renumbered": "The server renumbered the folder; letters were matched by content",
}
TONES: dict[str, str] = {
    Health.SIGN_IN: "bad",
    Health.CONFIGURATION: "bad",
    Health.RETRYING: "warn",
    Health.THROTTLED: "warn",
    Health.LIVE: "ok",
    Health.COLLECTING: "ok",
}


@dataclass(frozen=True)
class Line:
    """One line: when, what, who did it (empty: the system), and why."""

    at: datetime
    text: str
    who: str = ""
    reason: str = ""
    tone: str = ""


def health_history(row: Channel | Sender) -> list[Line]:
    """The latest lines of this row."""
    noun = "channel" if isinstance(row, Channel) else "sender"
    of_row = Q(channel=row.pk) if isinstance(row, Channel) else Q(data__sender=row.pk)
    events = Event.objects.filter(of_row, kind__startswith=f"{noun}.").select_related("actor").order_by("-pk")
    return [_line(event) for event in events[:LINES]]


def _line(event: Event) -> Line:
    verb, data = event.kind.partition(".")[2], event.data
    if verb == "switched":
        verb = "on" if data.get("on") else "off"
    state = str(data.get("state", "")) if verb in ("health", "recovered") else ""
    text = (
        str(Health(state).label)
        if state in Health.values
        else WORDS.get(verb, verb.replace("-", " ").capitalize())
    )
    who = event.actor.name if event.actor else ""
    return Line(event.at, text, who, str(data.get("reason", "")), TONES.get(state, ""))
