"""What every page's frame needs: navigation with counts, presence, the set-up checklist, the event stream. Lazy: a fragment asks for none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from postroom.models import Presence, User
from postroom.reports.mailboxes import count_alerts
from postroom.reports.setup import checklist
from postroom.reports.workspace import Sidebar, View, sidebar
from postroom.web.feed import newest_event

SHORTCUTS = {"mine": "g i", "drafts": "g d", "snoozed": "g h", "waiting": "g w"}
PAUSES = ("Break", "Lunch", "Meeting", "Training")


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return {"theme": "", "sign_in_url": reverse("sign-in")}
    # A workspace page has counted already.
    side: Callable[[], Sidebar] = _once(lambda: getattr(request, "side", None) or sidebar(user))
    return {
        "nav": SimpleLazyObject(lambda: navigation(request, user, side())),
        "presence": SimpleLazyObject(lambda: presence(user, side().in_hand)),
        "setup": SimpleLazyObject(lambda: setup(user)),
        "me": {"name": user.name, "key": user.pk, "url": reverse("profile")},
        "sign_out_url": reverse("sign-out"),
        "sign_in_url": reverse("sign-in"),
        "search_url": reverse("palette"),
        "keys": user.preferences.get("keys", "on"),
        "sound": user.preferences.get("sound", ""),
        "notify": user.preferences.get("notify", ""),
        "live_url": "/live",
        "live_last": SimpleLazyObject(newest_event),
    }


def _once(make: Callable[[], Sidebar]) -> Callable[[], Sidebar]:
    kept: list[Sidebar] = []

    def get() -> Sidebar:
        if not kept:
            kept.append(make())
        return kept[0]

    return get


def navigation(request: HttpRequest, user: User, side: Sidebar) -> list[dict[str, Any]]:
    """The groups of the sidebar. `request.view_name` says which list is open on a workspace page."""
    chosen = getattr(request, "view_name", None)
    mine = [_view_item(view, chosen) for view in side.mine]
    mine.append(_item(request, "Search", "search", "search", key="/"))
    groups = [{"label": "", "items": mine}]
    if side.queues:
        items = [_view_item(view, chosen) for view in side.queues]
        items[0]["key"] = "g q"
        groups.append(
            {
                "label": "Queues" if user.is_supervisor else "My queues",
                "items": items,
            }
        )
    desk = [_item(request, "Outbox", "outbox", "send")]
    if user.is_supervisor:
        desk.append(_item(request, "Letters", "letters", "archive"))
    if user.is_administrator:
        desk += [
            _item(request, "Channels", "mailboxes", "at") | {"count": count_alerts() or "", "hot": True},
            _item(request, "Queues", "queues", "list"),
            _item(request, "Dispositions", "dispositions", "tag"),
            _item(request, "People", "people", "users"),
        ]
    groups.append({"label": "Desk", "items": desk})
    return groups


def _view_item(view: View, chosen: str | None) -> dict[str, Any]:
    url = reverse("workspace") if view.name == "mine" else reverse("view", args=[view.name])
    item: dict[str, Any] = {
        "url": url,
        "label": view.title,
        "count": view.count or "",
        "hot": view.hot,
        "active": view.name == chosen,
    }
    item["key"] = SHORTCUTS.get(view.name, "")
    return item | ({"icon": view.icon} if view.icon else {"colour": view.colour})


def _item(request: HttpRequest, label: str, name: str, icon: str, *, key: str = "") -> dict[str, Any]:
    url = reverse(name)
    return {"url": url, "label": label, "icon": icon, "active": request.path.startswith(url), "key": key}


STATES = {
    Presence.AVAILABLE: "available",
    Presence.PAUSED: "paused",
    Presence.AWAY: "paused",
    Presence.LOGGED_OUT: "out",
}


def presence(user: User, in_hand: int) -> dict[str, Any]:
    """The card that says where one is and how much is in hand."""
    label = str(user.get_presence_display())
    if user.presence_reason and user.presence != Presence.AVAILABLE:
        label = f"{label}: {user.presence_reason}"
    return {
        "state": STATES[Presence(user.presence)],
        "label": label,
        "since": user.presence_since,
        "used": in_hand,
        "capacity": user.capacity,
        "url": reverse("presence"),
        "choices": list(_choices(user)),
    }


def _choices(user: User) -> list[dict[str, Any]]:
    choices = [
        {
            "value": "available",
            "label": "Available",
            "state": "available",
            "active": user.presence == Presence.AVAILABLE,
        }
    ]
    paused = user.presence == Presence.PAUSED
    choices.append(
        {
            "value": "paused",
            "label": "Paused",
            "state": "paused",
            "active": paused and not user.presence_reason,
        }
    )
    for reason in PAUSES:
        choices.append(
            {
                "value": f"paused:{reason}",
                "label": reason,
                "state": "paused",
                "active": paused and user.presence_reason == reason,
            }
        )
    return choices


def setup(user: User) -> dict[str, Any] | None:
    """How far the desk is set up; nothing once all is done."""
    steps = checklist(user)
    open_steps = [step for step in steps if not step.done]
    if not open_steps:
        return None
    return {
        "done": len(steps) - len(open_steps),
        "total": len(steps),
        "next": open_steps[0].title,
        "url": open_steps[0].url,
        "steps": steps,
    }
