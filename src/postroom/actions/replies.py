"""Sending what was written: the checks, the undo window, and taking it back."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from postroom.actions.drafts import Person, announce, encoded_size, newest, own_draft, touch
from postroom.actions.refusals import NotAllowed, Refused
from postroom.conf.deployment import deployment
from postroom.mail.ids import make_message_id
from postroom.models import (
    Case,
    CaseState,
    Interaction,
    InteractionState,
    Message,
    MessageKind,
    OutState,
    Purpose,
    Recipient,
    User,
)
from postroom.models.rights import may_work_on
from postroom.models.secret import message_key

MOST_REFERENCES = 30


class Newer(Refused):
    """Something arrived since the author last saw the thread; `messages` are the new ones. Send again with `anyway`."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__(
            "Something new arrived in this case while you were writing. Review it, or send anyway."
        )
        self.messages = messages


@transaction.atomic
def send(draft: Message, *, by: User, seen: int | None = None, anyway: bool = False) -> Message:
    """Hand a draft to the outbox. It leaves when the undo window ends, and not before.

    `seen` is the id of the newest message on the author's screen. Raises Refused naming the field, or Newer.
    """
    message = own_draft(draft, by)
    if not may_work_on(by, message.case):
        raise NotAllowed("Somebody else has this email now; your draft is kept.")
    check_complete(message)
    if not anyway:
        check_collision(message, message.seen if seen is None else seen)
    address(message)
    hold(message)
    Interaction.objects.filter(case=message.case, first_reply=None).exclude(
        state=InteractionState.FINISHED
    ).update(first_reply=timezone.now())
    # Locked after the work, as filing does it: a letter that is being filed changes the same columns.
    case = Case.objects.select_for_update(of=("self",)).get(pk=message.case_id)
    case.participants = sorted({*case.participants, *(r.address.lower() for r in message.recipients.all())})
    case.preview = message.text[:200]
    case.save(update_fields=["participants", "preview"])
    touch(case)
    announce("message.held", message, until=message.held_until.isoformat() if message.held_until else "")
    return message


def check_complete(message: Message) -> None:
    """Everything a mail needs, each fault by the field's name."""
    errors: dict[str, str] = {}
    everybody: list[Person] = [*message.to, *message.cc, *message.bcc]
    if not everybody:
        errors["to"] = "Add at least one recipient."
    for field in ("to", "cc", "bcc"):
        wrong = [p["address"] for p in getattr(message, field) if not sendable(p["address"])]
        if wrong:
            errors[field] = f"{wrong[0]!r} is not a complete address. Correct or remove it."
    if message.sender is None:
        errors["sender"] = "Choose the address to send from. An administrator adds senders under Senders."
    elif not message.sender.enabled:
        errors["sender"] = f"The sender {message.sender.name} is off. Choose another."
    if not message.text.strip() and not message.html.strip() and not message.attachments.exists():
        errors["text"] = "Write something first."
    if message.sender and not errors.get("sender"):
        grown = encoded_size(sum(message.attachments.values_list("size", flat=True))) + len(message.text) * 2
        if grown > message.sender.size_limit_mb * 1024 * 1024:
            errors["file"] = (
                f"The message is {grown / 1048576:.1f} MB as sent; {message.sender.name} takes {message.sender.size_limit_mb} MB."
            )
    if errors:
        raise Refused(errors=errors)


def sendable(address: str) -> bool:
    """local@domain without blanks or control characters; what the server thinks of it is the server's."""
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and not any(
        c.isspace() or ord(c) < 33 or ord(c) == 127 or c in "<>,;" for c in address
    )


def check_collision(message: Message, seen: int) -> None:
    """The server check at send time is the law; presence on screen is only advice."""
    later = (
        message.case.messages.filter(pk__gt=seen).exclude(state=OutState.DRAFT).exclude(author=message.author)
    )
    newer = [m for m in later if m.kind != "out" or m.state != OutState.CANCELLED]
    if newer:
        raise Newer(newer)


def address(message: Message) -> None:
    """Fix identity and thread: one Message-ID for life, literal In-Reply-To and References (RFC 5322 section 3.6.4)."""
    assert message.sender is not None
    domain = message.sender.address.rpartition("@")[2].lower()
    message.from_address, message.from_name = (
        message.sender.address,
        message.sender.display_name or message.sender.name,
    )
    if not message.message_id:
        message.message_id = make_message_id(
            message_key(), case=message.case_id, message=message.pk, domain=domain
        )
    parent = message.answers
    if parent and parent.message_id and message.purpose != Purpose.FORWARD:
        message.in_reply_to = parent.message_id
        chain = [*parent.references, parent.message_id]
        message.references = (
            chain[:1] + chain[1:][-MOST_REFERENCES:] if len(chain) > MOST_REFERENCES else chain
        )
    message.recipients.all().delete()
    # No server of today tells Ann@ from ann@: two copies would be one too many.
    everybody: dict[str, str] = {}
    for person in [*message.to, *message.cc, *message.bcc]:
        everybody.setdefault(person["address"].casefold(), person["address"])
    for one in everybody.values():
        Recipient.objects.create(message=message, address=one)


def hold(message: Message) -> None:
    """Start the undo window; without one the message is queued at once."""
    now, seconds = timezone.now(), deployment.options.undo_seconds
    message.state = OutState.HELD if seconds else OutState.QUEUED
    message.held_until = message.next_try = now + timedelta(seconds=seconds)
    message.created = message.date = now
    message.seen = newest(message.case)
    message.save()


@transaction.atomic
def undo(message: Message, *, by: User) -> Message:
    """Take a held message back to a draft; work that was finished together with it is taken up again."""
    locked = Message.objects.select_for_update(of=("self",)).select_related("case").get(pk=message.pk)
    if locked.author_id != by.pk and not by.is_supervisor:
        raise NotAllowed("Only its author can take a message back.")
    if locked.state != OutState.HELD or locked.claimed_by:
        raise Refused("It has left already and cannot be taken back.")
    _make_room(locked)
    locked.state, locked.held_until, locked.next_try = OutState.DRAFT, None, None
    locked.save(update_fields=["state", "held_until", "next_try"])
    locked.recipients.all().delete()
    _take_up_again(locked)
    _preview_before(locked)
    announce("message.undone", locked)
    return locked


def _preview_before(message: Message) -> None:
    """The list shows again what was said last; the text that was taken back is nobody's business yet."""
    said = message.case.messages.exclude(kind=MessageKind.NOTE).exclude(
        state__in=[OutState.DRAFT, OutState.CANCELLED]
    )
    last = said.order_by("-created", "-id").values_list("text", flat=True).first()
    message.case.preview = (last or "")[:200]
    message.case.save(update_fields=["preview"])


def _make_room(message: Message) -> None:
    """An empty newer draft of the same purpose gives way; a written one is not overwritten."""
    other = Message.objects.filter(
        case=message.case, author=message.author, purpose=message.purpose, state=OutState.DRAFT
    ).first()
    if other is None:
        return
    if other.text.strip() or other.html.strip() or other.attachments.exists():
        raise Refused("You have begun another reply here. Send or discard it first, then undo.")
    other.delete()


def _take_up_again(message: Message) -> None:
    last = message.case.interactions.order_by("-id").first()
    if (
        last
        and last.state == InteractionState.FINISHED
        and last.agent_id == message.author_id
        and last.finished
        and last.finished >= message.created
    ):
        last.state, last.finished, last.disposition = InteractionState.HANDLING, None, None
        last.save(update_fields=["state", "finished", "disposition"])
        message.case.state, message.case.closed = CaseState.OPEN, None
        message.case.save(update_fields=["state", "closed"])
