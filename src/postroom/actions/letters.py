"""Letters by hand: retry what is stuck, fetch what was too large, let in what was ignored."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Channel, LetterState, RawMessage, User
from postroom.models.event import record

LET_IN = "let in"
"""In the trail of an ignored letter: a person wants it filed whatever the steps say."""


@transaction.atomic
def retry_letter(letter: RawMessage, *, by: User) -> RawMessage:
    """File a stuck or ignored letter again from its stored bytes."""
    _supervisor(by)
    locked = RawMessage.objects.select_for_update(of=("self",)).get(pk=letter.pk)
    if locked.state not in (LetterState.STUCK, LetterState.IGNORED):
        raise Refused(f"A letter that is {locked.get_state_display().lower()} is not filed again.")
    word = LET_IN if locked.state == LetterState.IGNORED else "again"
    if not locked.blob:
        # Nothing was stored: the collector reads it from the server once more.
        locked.wanted = True
    else:
        locked.state = LetterState.RECEIVED
    locked.trail = [*locked.trail, ["retry", word, f"{by.name} asked to file it"]]
    locked.attempts, locked.next_try = 0, None
    locked.save(update_fields=["state", "wanted", "trail", "attempts", "next_try"])
    record(
        "letter.retried", actor=by, channel=locked.channel, letter=locked.pk, at=timezone.now().isoformat()
    )
    return locked


@transaction.atomic
def fetch_whole(letter: RawMessage, *, by: User) -> RawMessage:
    """Ask the collector for the whole of a letter of which only the head was kept."""
    if not letter.partial:
        raise Refused("This letter is complete.")
    RawMessage.objects.filter(pk=letter.pk).update(wanted=True)
    if letter.channel:
        Channel.objects.filter(pk=letter.channel.pk).update(next_try=None)
    record("letter.wanted", actor=by, channel=letter.channel, letter=letter.pk)
    return letter


@transaction.atomic
def ask_reconciliation(channel: Channel, *, by: User | None) -> None:
    """Have the mailbox compared with the ledger now instead of in the night."""
    if by is not None:
        _supervisor(by)
    if not channel.enabled:
        raise Refused("This channel is off. Switch it on, then its mailbox can be compared.")
    Channel.objects.filter(pk=channel.pk).update(reconcile_due=timezone.now())
    record("channel.reconciliation-asked", actor=by, channel=channel)


def _supervisor(by: User) -> None:
    if not by.is_supervisor:
        raise NotAllowed("Supervisors and administrators may do this.")
