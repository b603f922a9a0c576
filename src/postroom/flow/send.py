"""Sending: claim -> composed bytes -> durable marker before the final dot -> a receipt per recipient -> retry by policy, or unknown.

A message keeps one Message-ID and the same bytes for life. Once the marker is written and the answer is lost, nobody knows
whether the server took it: it becomes `unknown`, is shown, and is never sent again by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from postroom.conf.crash import point
from postroom.conf.retry import GIVE_UP_AFTER, wait_to_send
from postroom.connectors.base import AnswerLost, ConnectorError, Envelope, Kind, Outbox, Receipt, Verdict
from postroom.flow.health import failed, succeeded
from postroom.flow.outgoing import bytes_of
from postroom.flow.parsed import plain
from postroom.mail.compose import ComposeError
from postroom.models import Message, OutState, Recipient, RecipientState, search
from postroom.models.blob import BlobError
from postroom.models.event import record

SLOWEST = 10_000
"""Bytes a second below which an upload is given up for dead."""
LEASE = timedelta(minutes=15)
"""Longer than the ten minutes a server may take to answer the dot (RFC 5321 section 4.5.3.2.6)."""


class ClaimLost(RuntimeError):
    """Another worker has taken this message over; what we know of it no longer counts."""


@dataclass(frozen=True)
class Claimed:
    """A message and the fencing number it was claimed with."""

    message: Message
    fence: int


def due() -> QuerySet[Message]:
    """Messages that may leave now: the undo window is over, the sender is on and not resting."""
    now = timezone.now()
    ready = Message.objects.filter(
        state__in=[OutState.HELD, OutState.QUEUED, OutState.DEFERRED], next_try__lte=now, sender__enabled=True
    )
    free = ready.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
    return free.filter(Q(sender__next_try=None) | Q(sender__next_try__lte=now)).order_by("next_try", "id")


def claim(owner: str) -> Claimed | None:
    """Take the next due message. The UPDATE names the fence it read, so that of two workers one wins."""
    for pk, fence in due().values_list("pk", "fence")[:5]:
        taken = Message.objects.filter(
            pk=pk, fence=fence, state__in=[OutState.HELD, OutState.QUEUED, OutState.DEFERRED]
        ).update(
            claimed_by=owner,
            claimed_until=timezone.now() + LEASE,
            fence=fence + 1,
            state=OutState.SENDING,
            tries=F("tries") + 1,
            marked=None,
        )
        if taken:
            point("send-claimed")
            message = Message.objects.select_related(
                "sender", "author", "answers", "case", "case__queue"
            ).get(pk=pk)
            return Claimed(message, fence + 1)
    return None


def send(claimed: Claimed, outbox: Outbox) -> str:
    """Send one claimed message through a connected outbox; returns the state it ended in. Raises nothing but ClaimLost."""
    message = claimed.message
    try:
        raw = bytes_of(message)
        point("send-composed")
        _extend(claimed, timedelta(seconds=len(raw) / SLOWEST))
        pending = list(
            message.recipients.filter(state=RecipientState.PENDING).values_list("address", flat=True)
        )
        envelope = Envelope(sender=message.from_address, recipients=tuple(pending))
        receipt = outbox.send(envelope, raw, before_final=lambda: mark(claimed))
        point("send-answered")
    except AnswerLost as lost:
        return unknown(claimed, lost.text)
    except ConnectorError as error:
        return refused(claimed, error)
    except ComposeError as error:
        return give_up(claimed, f"The message cannot be written as mail: {error}")
    except (LookupError, BlobError) as error:
        return give_up(claimed, f"A part of the message cannot be read here: {error}")
    return settle(claimed, receipt)


def _extend(claimed: Claimed, more: timedelta) -> None:
    """A large message on a slow line takes long; its claim must not end meanwhile, or it would be begun again for ever."""
    moved = Message.objects.filter(pk=claimed.message.pk, fence=claimed.fence, state=OutState.SENDING).update(
        claimed_until=timezone.now() + LEASE + more
    )
    if not moved:
        raise ClaimLost(f"message {claimed.message.pk} was taken over")


def mark(claimed: Claimed) -> None:
    """The durable marker: committed just before the final dot. Without it we would resend what may have been accepted."""
    now = timezone.now()
    moved = Message.objects.filter(pk=claimed.message.pk, fence=claimed.fence, state=OutState.SENDING).update(
        marked=now, claimed_until=now + LEASE + _final_timeout(claimed.message)
    )
    if not moved:
        raise ClaimLost(f"message {claimed.message.pk} was taken over")
    point("send-marked")


def _final_timeout(message: Message) -> timedelta:
    """How long the server may take to answer the dot, where the sender's settings say more than usual."""
    seconds = message.sender.settings.get("final_timeout") if message.sender else None
    return timedelta(seconds=seconds if isinstance(seconds, int) else 0)


def settle(claimed: Claimed, receipt: Receipt) -> str:
    """Write each recipient's verdict and what follows for the message."""
    for verdict in receipt.verdicts:
        _note(claimed.message, verdict)
    states = set(claimed.message.recipients.values_list("state", flat=True))
    accepted = states & {RecipientState.ACCEPTED, RecipientState.DELIVERED}
    refusals = [v for v in receipt.verdicts if v.state != "accepted"]
    words = "; ".join(f"{v.address}: {v.line}" for v in refusals)[:500]
    if RecipientState.PENDING in states:
        return _defer(claimed, words, None)
    state = (
        OutState.SENT
        if RecipientState.BOUNCED not in states
        else OutState.PARTIAL
        if accepted
        else OutState.FAILED
    )
    sender = claimed.message.sender
    if sender and accepted:
        succeeded(sender)
    return _end(
        claimed, state, error=words, server_line=receipt.line, sent=timezone.now() if accepted else None
    )


def _note(message: Message, verdict: Verdict) -> None:
    state = {"accepted": RecipientState.ACCEPTED, "refused": RecipientState.BOUNCED}.get(
        verdict.state, RecipientState.PENDING
    )
    Recipient.objects.filter(message=message, address=verdict.address).update(
        state=state, status=plain(verdict.status, 12), line=plain(verdict.line, 500), changed=timezone.now()
    )


def refused(claimed: Claimed, error: ConnectorError) -> str:
    """The server or the way to it failed before the dot: nothing was accepted, so it may be tried again."""
    sender = claimed.message.sender
    if error.kind == Kind.MESSAGE:
        return give_up(claimed, error.text, line=error.server_line)
    if sender is not None:
        failed(sender, error)
    return _defer(claimed, f"{error.text} {error.advice}".strip(), error.retry_after, line=error.server_line)


def _defer(claimed: Claimed, words: str, retry_after: float | None, *, line: str = "") -> str:
    message = claimed.message
    if timezone.now() - (message.held_until or message.created) > GIVE_UP_AFTER:
        return give_up(claimed, f"Given up after {GIVE_UP_AFTER.days} day: {words}", line=line)
    return _end(
        claimed,
        OutState.DEFERRED,
        error=words,
        server_line=line,
        next_try=timezone.now() + wait_to_send(message.tries, retry_after),
    )


@transaction.atomic
def give_up(claimed: Claimed, words: str, *, line: str = "") -> str:
    """It will not be accepted as it is: recipients that have it keep it, the rest are marked."""
    message = claimed.message
    message.recipients.filter(state=RecipientState.PENDING).update(
        state=RecipientState.BOUNCED, line=plain(words, 500), changed=timezone.now()
    )
    some = message.recipients.filter(state__in=[RecipientState.ACCEPTED, RecipientState.DELIVERED]).exists()
    return _end(claimed, OutState.PARTIAL if some else OutState.FAILED, error=words, server_line=line)


def unknown(claimed: Claimed, words: str) -> str:
    """The answer to the final dot was lost."""
    return _end(
        claimed,
        OutState.UNKNOWN,
        error=words or "The connection was lost after the message had been handed over",
    )


def _people(message: Message) -> str:
    everybody = [{"name": message.from_name, "address": message.from_address}, *message.to, *message.cc]
    return " ".join(f"{p['name']} {p['address']}" for p in everybody)


@transaction.atomic
def _end(claimed: Claimed, state: str, **columns: object) -> str:
    message = claimed.message
    values = {"state": state, "claimed_by": "", "claimed_until": None, **columns}
    for name in ("error", "server_line"):
        if name in values:
            values[name] = plain(str(values[name]), 500)
    if not Message.objects.filter(pk=message.pk, fence=claimed.fence).update(**values):
        raise ClaimLost(f"message {message.pk} was taken over")
    if not search.has(message.pk):
        # From the first attempt on the text cannot change any more.
        search.index([(message.pk, message.subject, _people(message), message.text)])
    record(
        f"message.{state}",
        case=message.case,
        queue=message.case.queue,
        user=message.author,
        message=message.pk,
        error=values.get("error", ""),
    )
    point("send-ended")
    return state


def nobody(owner: str) -> bool:
    """No owner is known to be dead."""
    return False


@transaction.atomic
def recover(dead: Callable[[str], bool] = nobody) -> int:
    """Messages whose worker died: with a marker they are unknown, without one they are queued again.

    A claim counts as dead when its lease has ended, or when `dead` knows that its owner's process is gone.
    """
    now = timezone.now()
    sending = Message.objects.filter(state=OutState.SENDING).select_for_update(of=("self",))
    count = 0
    for message in sending.select_related("case", "case__queue", "author"):
        if (message.claimed_until is None or message.claimed_until < now) or dead(message.claimed_by):
            _release(message)
            count += 1
    return count


def _release(message: Message) -> None:
    state = OutState.UNKNOWN if message.marked else OutState.QUEUED
    error = "The program stopped while the server was answering" if message.marked else ""
    Message.objects.filter(pk=message.pk).update(
        state=state,
        claimed_by="",
        claimed_until=None,
        fence=message.fence + 1,
        next_try=timezone.now(),
        error=error,
    )
    record(
        f"message.{state}",
        case=message.case,
        queue=message.case.queue,
        user=message.author,
        message=message.pk,
        error=error,
    )
