"""Noting that an agent has looked at their email. It changes no state and records no event."""

from __future__ import annotations

from postroom.models import Case, Interaction, InteractionState, User


def mark_seen(case: Case, *, by: User) -> bool:
    """The case's work is no longer shown as unread, if it is this person's; True if that changed anything."""
    own = Interaction.objects.filter(case=case, agent=by, unread=True).exclude(
        state=InteractionState.FINISHED
    )
    return bool(own.update(unread=False))
