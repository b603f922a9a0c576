"""The audit trail of administrative changes: who changed what, from what to what. Secrets are masked; reading it is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postroom.actions.refusals import NotAllowed
from postroom.models import User
from postroom.models.event import Event, record

MASK = "(secret)"
SECRETS = ("password", "settings.password", "settings.client_secret")


def require_administrator(by: User | None) -> None:
    """Raises NotAllowed unless an active administrator acts; None is the system itself, as the apply command."""
    if by is not None and not (by.is_active and by.is_administrator):
        raise NotAllowed("Only an administrator may change this. Ask one to do it.")


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, as it was and as it is."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: _masked(name, before) for name in changed}, {name: _masked(name, after) for name in changed}


def _masked(name: str, facts: Mapping[str, Any]) -> Any:
    value = facts.get(name)
    return MASK if value and name in SECRETS else value


def recorded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the trail keeps of a row that was made or deleted: what is set, and nothing of its secrets."""
    return {name: value for name, value in facts.items() if value not in ("", None) and name not in SECRETS}


def record_change(
    kind: str, *, by: User | None, before: Mapping[str, Any], after: Mapping[str, Any], **facts: Any
) -> Event | None:
    """Write an event with what differs; nothing is written when nothing differs."""
    was, is_now = difference(before, after)
    return record(kind, actor=by, before=was, after=is_now, **facts) if is_now else None
