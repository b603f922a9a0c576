"""The outbox by hand: try again, cancel, change the sender, settle what is unknown."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from postroom.actions.drafts import announce
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Message, OutState, RecipientState, Sender, User

State = OutState
# What a server has taken is not sent again, also if it says that the delivery takes long.
TAKEN = (RecipientState.ACCEPTED, RecipientState.DELIVERED, RecipientState.DELAYED)


@transaction.atomic
def retry(message: Message, *, by: User) -> Message:
    """Send again what failed, was deferred, or is unknown. For `unknown` a person has looked and takes the risk of a double."""
    locked = _own(message, by)
    if locked.state not in (State.FAILED, State.DEFERRED, State.UNKNOWN, State.PARTIAL):
        raise Refused(f"A message that is {locked.get_state_display().lower()} cannot be tried again.")
    again = locked.recipients.exclude(state__in=TAKEN)
    if not again.exists():
        raise Refused("Every recipient has this message already, or a server on the way has it.")
    if locked.sender is None:
        raise Refused("Its sender was deleted. Give it another one first.")
    again.update(state=RecipientState.PENDING, changed=timezone.now())
    announce("message.retried", locked, by=by.pk, was=locked.state)
    locked.state, locked.next_try, locked.marked, locked.error, locked.tries = (
        State.QUEUED,
        timezone.now(),
        None,
        "",
        0,
    )
    # The day after which sending is given up starts anew: a person has decided to try again.
    locked.held_until = locked.next_try
    locked.save(update_fields=["state", "next_try", "marked", "error", "tries", "held_until"])
    return locked


@transaction.atomic
def cancel(message: Message, *, by: User) -> Message:
    """Stop a message that has not left. One in the middle of sending cannot be stopped."""
    locked = _own(message, by)
    if locked.state not in (State.HELD, State.QUEUED, State.DEFERRED) or locked.claimed_by:
        raise Refused(f"A message that is {locked.get_state_display().lower()} cannot be cancelled.")
    locked.state, locked.next_try = State.CANCELLED, None
    locked.save(update_fields=["state", "next_try"])
    announce("message.cancelled", locked, by=by.pk)
    return locked


@transaction.atomic
def change_sender(message: Message, *, by: User, sender: Sender) -> Message:
    """Send by another sender from now on: the bytes are made anew with its address, the Message-ID stays."""
    locked = _own(message, by)
    orphaned = locked.sender is None and locked.state in (State.PARTIAL, State.UNKNOWN)
    if locked.state not in (State.HELD, State.QUEUED, State.DEFERRED, State.FAILED) and not orphaned:
        raise Refused(f"A message that is {locked.get_state_display().lower()} keeps its sender.")
    if not sender.enabled:
        raise Refused(errors={"sender": f"The sender {sender.name} is off. Switch it on or choose another."})
    locked.sender, locked.blob = sender, ""
    locked.from_address, locked.from_name = sender.address, sender.display_name or sender.name
    locked.save(update_fields=["sender", "blob", "from_address", "from_name"])
    announce("message.sender-changed", locked, by=by.pk, sender=sender.name)
    return locked


@transaction.atomic
def confirm_arrived(message: Message, *, by: User) -> Message:
    """Settle `unknown`: somebody has seen that it arrived."""
    locked = _own(message, by)
    if locked.state != State.UNKNOWN:
        raise Refused("Only a message that is perhaps sent can be confirmed.")
    now = timezone.now()
    locked.recipients.filter(state=RecipientState.PENDING).update(
        state=RecipientState.ACCEPTED, line=f"Confirmed by {by.name}", changed=now
    )
    locked.state, locked.sent, locked.error = State.SENT, locked.marked or now, ""
    locked.save(update_fields=["state", "sent", "error"])
    announce("message.confirmed", locked, by=by.pk)
    return locked


def _own(message: Message, by: User) -> Message:
    locked = (
        Message.objects.select_for_update(of=("self",))
        .select_related("case", "case__queue", "author", "sender")
        .get(pk=message.pk)
    )
    if locked.author_id != by.pk and not by.is_supervisor:
        raise NotAllowed("Only its author or a supervisor may change this message.")
    return locked
