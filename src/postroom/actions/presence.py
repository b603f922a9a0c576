"""Presence: available, paused, away, logged out; and the sign that the browser is still there."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from postroom.actions.refusals import Refused
from postroom.models import Interaction, InteractionState, Offer, OfferState, Presence, User
from postroom.models.event import record


@transaction.atomic
def set_presence(user: User, presence: str, *, reason: str = "", by: User | None = None) -> User:
    """Change where a person is. Open offers are withdrawn when they are no longer available."""
    if presence not in Presence.values:
        raise Refused(errors={"presence": f"Choose one of: {', '.join(Presence.values)}."})
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    before = user.presence
    user.set_presence(presence, reason)
    user.last_seen = timezone.now()
    user.save(update_fields=["presence", "presence_reason", "presence_since", "missed_offers", "last_seen"])
    if presence != Presence.AVAILABLE:
        withdraw_offers(user, reason=f"{user.name} is {user.get_presence_display().lower()}")
    record("presence.changed", user=user, actor=by or user, before=before, after=presence, reason=reason)
    return user


def withdraw_offers(user: User, *, reason: str) -> None:
    """Give every open offer of this person back to its queue."""
    for offer in Offer.objects.select_related("interaction", "interaction__case").filter(
        agent=user, state=OfferState.MADE
    ):
        end_offer(offer, OfferState.WITHDRAWN, reason=reason)


def end_offer(offer: Offer, state: str, *, reason: str = "", actor: User | None = None) -> None:
    """Close an open offer without acceptance: the interaction waits again, keeping its place by `waiting_since`."""
    offer.state, offer.ended, offer.reason = state, timezone.now(), reason[:200]
    open_one = Offer.objects.filter(pk=offer.pk, state=OfferState.MADE)
    if not open_one.update(state=offer.state, ended=offer.ended, reason=offer.reason):
        return  # It was accepted or ended at this moment; that stands.
    interaction = offer.interaction
    Interaction.objects.filter(pk=interaction.pk, state=InteractionState.OFFERED).update(
        state=InteractionState.WAITING, agent=None, reason=reason[:300]
    )
    record(
        f"offer.{state}",
        actor=actor,
        user=offer.agent,
        case=interaction.case,
        interaction=interaction,
        queue=interaction.queue,
        offer=offer.pk,
        reason=reason,
    )


def heartbeat(user: User) -> None:
    """The browser says that it is still there; written at most every few seconds by the page."""
    User.objects.filter(pk=user.pk).update(last_seen=timezone.now())
