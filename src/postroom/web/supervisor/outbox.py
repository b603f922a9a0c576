"""The outbox page: what became of each outgoing message, and what a person can do about it. Sending is the engine's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from postroom.actions import outbox as actions
from postroom.models import Message, OutState, RecipientState, Sender, User
from postroom.reports import outbox as report
from postroom.web.setup.access import everybody, person
from postroom.web.setup.answers import attempt, back
from postroom.web.setup.inputs import number

TONES = {
    OutState.FAILED: "bad",
    OutState.UNKNOWN: "bad",
    OutState.PARTIAL: "bad",
    OutState.DEFERRED: "warn",
    OutState.SENT: "ok",
}
FILTERS = (
    ("", "All"),
    ("trouble", "Needs a person"),
    ("waiting", "On the way"),
    ("sent", "Sent"),
    ("returned", "Returned"),
    ("cancelled", "Cancelled"),
)
CAN = {
    "retry": {OutState.FAILED, OutState.DEFERRED, OutState.UNKNOWN, OutState.PARTIAL},
    "cancel": {OutState.HELD, OutState.QUEUED, OutState.DEFERRED},
    "sender": {OutState.HELD, OutState.QUEUED, OutState.DEFERRED, OutState.FAILED},
    "arrived": {OutState.UNKNOWN},
}


@dataclass(frozen=True)
class Shown:
    """A message as the page draws it."""

    message: Message

    @property
    def is_returned(self) -> bool:
        """True when some recipient's server sent it back later."""
        return any(one.state == RecipientState.BOUNCED for one in self.message.recipients.all())

    @property
    def tone(self) -> str:
        return "bad" if self.is_returned else TONES.get(OutState(self.message.state), "")

    @property
    def word(self) -> str:
        """Its state; what came back says so too."""
        return (
            f"{self.message.get_state_display()}, returned"
            if self.is_returned
            else str(self.message.get_state_display())
        )

    @property
    def can(self) -> dict[str, bool]:
        """Which buttons make sense in its state."""
        return {act: self.message.state in states for act, states in CAN.items()}

    @property
    def to(self) -> str:
        names = [
            one.get("name") or one.get("address", "")
            for one in (*self.message.to, *self.message.cc, *self.message.bcc)
        ]
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@require_GET
@everybody
def table(request: HttpRequest) -> HttpResponse:
    """The messages, newest first."""
    user, wanted = person(request), wanted_of(request)
    found, more = report.page(user, wanted)
    counts = report.counts(user, wanted)
    context = {
        "lines": [Shown(message) for message in found],
        "wanted": wanted,
        "filters": [
            {
                "label": label,
                "count": counts.get(value, 0),
                "chosen": value == wanted.state,
                "url": _url(request, state=value),
            }
            for value, label in FILTERS
        ],
        "senders": Sender.objects.all(),
        "enabled_senders": Sender.objects.filter(enabled=True),
        "next_url": _url(request, before=str(found[-1].pk)) if more else "",
        "open": request.GET.get("show", ""),
        "here": request.get_full_path(),
        "is_empty": not report.outgoing(user).exists(),
    }
    return render(request, "postroom/supervisor/outbox.html", context)


@require_POST
@everybody
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Retry, cancel, change the sender, or confirm that it arrived: the pressed button says which."""
    user = person(request)
    message = report.outgoing(user).filter(pk=pk).first()
    if message is None:
        raise Http404("There is no such message in your outbox.")
    do, done = _act_of(request, message, user)
    attempt(request, do, done)
    return back(request, "outbox")


def wanted_of(request: HttpRequest) -> report.Wanted:
    """The filter as the address says it."""
    get = request.GET
    state = get.get("state", "")
    return report.Wanted(
        state=state if state in (*OutState.values, *dict(FILTERS)) else "",
        sender=number(get.get("sender", "")),
        search=get.get("q", "").strip()[:200],
        before=number(get.get("before", "")),
    )


def _act_of(request: HttpRequest, message: Message, user: User) -> tuple[Callable[[], object], str]:
    what = request.POST.get("act", "")
    if what == "retry":
        return partial(actions.retry, message, by=user), "It is tried again now."
    if what == "cancel":
        return partial(actions.cancel, message, by=user), "It is cancelled and will not leave."
    if what == "arrived":
        return partial(actions.confirm_arrived, message, by=user), "It counts as sent."
    if what == "sender":
        sender = Sender.objects.filter(pk=number(request.POST.get("sender", ""))).first()
        if sender:
            return partial(
                actions.change_sender, message, by=user, sender=sender
            ), f"It leaves through {sender.name}."
    raise Http404("There is no such act.")


def _url(request: HttpRequest, **changed: str) -> str:
    query = {name: request.GET.get(name, "") for name in ("q", "sender", "state")}
    return "?" + urlencode({name: value for name, value in {**query, **changed}.items() if value})
