"""The checklist that leads a new administrator from an empty desk to the first answered letter. Read only."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from postroom.models import (
    Channel,
    LetterState,
    Message,
    MessageKind,
    Queue,
    QueueMember,
    RawMessage,
    Sender,
    User,
)


@dataclass(frozen=True)
class Step:
    """One thing to do, the page where it is done, and whether it is."""

    title: str
    url: str
    done: bool


def checklist(user: User) -> list[Step]:
    """The steps in the order to take them; empty for people who cannot do them."""
    if not user.is_authenticated or not user.is_administrator:
        return []
    return [
        Step("Make a queue", reverse("queue-new"), Queue.objects.exists()),
        Step("Connect a mailbox", reverse("channel-new"), Channel.objects.exists()),
        Step("Add a sender", reverse("sender-new"), Sender.objects.exists()),
        Step("Invite your agents", reverse("people"), QueueMember.objects.exclude(user=user).exists()),
        Step("Switch collecting on", reverse("mailboxes"), Channel.objects.filter(enabled=True).exists()),
        Step(
            "Send a test email to your mailbox",
            reverse("letters"),
            RawMessage.objects.filter(state=LetterState.FILED).exists(),
        ),
        Step(
            "Answer it",
            reverse("workspace"),
            Message.objects.filter(kind=MessageKind.OUT, sent__isnull=False).exists(),
        ),
    ]
