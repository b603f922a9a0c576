"""The table of channels and senders, with the details of one beside it; switches, bulk acts, deleting. Forms are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.actions import channels as channel_actions
from postroom.actions import senders as sender_actions
from postroom.actions.bulk import Outcome
from postroom.actions.letters import ask_reconciliation
from postroom.models import Channel, Queue, Sender, User
from postroom.reports import mailboxes as report
from postroom.reports.history import health_history
from postroom.web.components.sparkline import sparkline
from postroom.web.setup.access import administrators, person
from postroom.web.setup.answers import attempt, back
from postroom.web.setup.inputs import number

PAGE = 100
WAYS = (("", "All"), ("in", "Collecting"), ("out", "Sending"))
STATUSES = (("", "All"), ("active", "Active"), ("inactive", "Inactive"))


@dataclass(frozen=True)
class Shown:
    """A line as the page draws it."""

    line: report.Line
    spark: str

    @property
    def edit_url(self) -> str:
        return reverse("channel" if self.line.is_channel else "sender", args=[self.line.row.pk])

    @property
    def delete_url(self) -> str:
        return reverse("mailbox-delete") + "?" + urlencode({"pick": self.line.ref})

    @property
    def why_not_on(self) -> str:
        """Why its switch cannot be turned on."""
        row = self.line.row
        return channel_actions.why_not_on(row) if isinstance(row, Channel) and not row.enabled else ""


@require_GET
@administrators
def table(request: HttpRequest) -> HttpResponse:
    """The table, its filter and its summary."""
    wanted = wanted_of(request)
    page = Paginator(report.lines(wanted), PAGE).get_page(request.GET.get("page"))
    shown = [_shown(line) for line in report.with_traffic(list(page))]
    context = {
        "wanted": wanted,
        "page": page,
        "lines": shown,
        "numbers": report.numbers(),
        "counts": report.counts(wanted),
        "ways": [_option(request, "way", value, label, wanted.way) for value, label in WAYS],
        "statuses": [_option(request, "status", value, label, wanted.status) for value, label in STATUSES],
        "queues": Queue.objects.all(),
        "is_empty": not Channel.objects.exists() and not Sender.objects.exists(),
        "alerts": [_shown(line) for line in report.lines(report.Wanted()) if line.alerts],
        "details": _details(request.GET.get("show", "")),
        "here": request.get_full_path(),
    }
    return render(request, "postroom/setup/mailboxes.html", context)


def wanted_of(request: HttpRequest) -> report.Wanted:
    """The filter as the address says it; nonsense means no filter."""
    get = request.GET
    return report.Wanted(
        way=get.get("way", "") if get.get("way") in dict(WAYS) else "",
        search=get.get("q", "").strip()[:200],
        status=get.get("status", "") if get.get("status") in dict(STATUSES) else "",
        queue=number(get.get("queue", "")),
    )


@require_POST
@administrators
def switch(request: HttpRequest) -> HttpResponse:
    """Turn one line on or off: the pressed button says which, and what it becomes."""
    ref, _, word = request.POST.get("switch", "").rpartition(":")
    row, on = find(ref), word == "on"
    attempt(request, partial(_switch, row, by=person(request), on=on), f"{row} is {'on' if on else 'off'}.")
    return back(request, "mailboxes")


def _switch(row: Channel | Sender, *, by: User, on: bool) -> object:
    if isinstance(row, Channel):
        return channel_actions.switch_channel(row, by=by, on=on)
    return sender_actions.switch_sender(row, by=by, on=on)


@require_POST
@administrators
def reconcile(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the engine compare this mailbox with the ledger now."""
    channel = find(f"channel-{pk}")
    if isinstance(channel, Channel):
        attempt(
            request,
            partial(ask_reconciliation, channel, by=person(request)),
            f"{channel} is being compared with its mailbox.",
        )
    return back(request, "mailboxes")


@require_POST
@administrators
def bulk(request: HttpRequest) -> HttpResponse:
    """Act on the ticked lines; deleting asks first."""
    picked = request.POST.getlist("pick")
    if not picked:
        messages.error(request, "Tick at least one line first.")
        return back(request, "mailboxes")
    if request.POST.get("act") == "delete":
        return redirect(reverse("mailbox-delete") + "?" + urlencode({"pick": picked}, doseq=True))
    _switch_all(request, [find(ref) for ref in picked], on=request.POST.get("act") == "on")
    return back(request, "mailboxes")


@require_http_methods(["GET", "POST"])
@administrators
def delete(request: HttpRequest) -> HttpResponse:
    """Ask before deleting, then delete: the configuration is gone for ever, the cases stay."""
    rows = [find(ref) for ref in (request.POST if request.method == "POST" else request.GET).getlist("pick")]
    if request.method == "POST":
        _delete_all(request, rows)
        return redirect("mailboxes")
    if not rows:
        return redirect("mailboxes")
    asked = [{"row": row, "ref": ref_of(row), "on": row.enabled, "cases": _cases(row)} for row in rows]
    return render(
        request,
        "postroom/setup/mailbox_delete.html",
        {"asked": asked, "blocked": all(row.enabled for row in rows)},
    )


def find(ref: str) -> Channel | Sender:
    """The row that a line's reference names. Raises Http404."""
    kind, _, pk = ref.partition("-")
    row: Channel | Sender | None = None
    if kind == "channel":
        row = Channel.objects.filter(pk=number(pk)).first()
    elif kind == "sender":
        row = Sender.objects.filter(pk=number(pk)).first()
    if row is None:
        raise Http404(f"There is no {ref}.")
    return row


def ref_of(row: Channel | Sender) -> str:
    """How forms name a row."""
    return f"{'channel' if isinstance(row, Channel) else 'sender'}-{row.pk}"


def _details(ref: str) -> dict[str, Any] | None:
    """What stands beside the table: settings without secrets, and how its health went."""
    if not ref:
        return None
    row = find(ref)
    line = report.with_traffic([report.Line(row, "in" if isinstance(row, Channel) else "out")])[0]
    return {
        "shown": _shown(line),
        "line": line,
        "row": row,
        "history": health_history(row),
        "settings": _settings(row),
        "count": report.accounted(row) if isinstance(row, Channel) else None,
    }


def _settings(row: Channel | Sender) -> list[tuple[str, str]]:
    """The server settings worth a line, without anything secret."""
    values = row.settings
    server = f"{values.get('host', '')}:{values.get('port', '')}"
    security = {"tls": "TLS", "starttls": "STARTTLS", "none": "Not encrypted"}.get(
        str(values.get("security")), ""
    )
    found = [
        ("Protocol", row.connector.upper()),
        ("Server", server),
        ("Security", security),
        ("Login", str(values.get("login") or "None")),
    ]
    found.append(("Password", "Stored, encrypted" if row.secret_sealed else "None"))
    if values.get("accept_any_certificate"):
        found.append(("Certificate", "Any is accepted"))
    elif values.get("pin"):
        found.append(("Certificate", "Pinned"))
    return found


def _shown(line: report.Line) -> Shown:
    what = "emails collected" if line.is_channel else "emails sent"
    return Shown(line, sparkline(line.traffic.hours, what=what, bad=line.alerts))


def _option(request: HttpRequest, name: str, value: str, label: str, chosen: str) -> dict[str, Any]:
    """One button of a filter: the same address with this one thing changed."""
    query = request.GET.copy()
    query.pop("page", None)
    query[name] = value
    if not value:
        query.pop(name)
    return {"value": value, "label": label, "chosen": value == chosen, "url": "?" + query.urlencode()}


def _switch_all(request: HttpRequest, rows: list[Channel | Sender], *, on: bool) -> None:
    by = person(request)
    _tell(
        request,
        channel_actions.switch_channels([r for r in rows if isinstance(r, Channel)], by=by, on=on),
        "on" if on else "off",
    )
    _tell(
        request,
        sender_actions.switch_senders([r for r in rows if isinstance(r, Sender)], by=by, on=on),
        "on" if on else "off",
    )


def _delete_all(request: HttpRequest, rows: list[Channel | Sender]) -> None:
    by = person(request)
    _tell(
        request,
        channel_actions.delete_channels([r for r in rows if isinstance(r, Channel)], by=by),
        "deleted",
    )
    _tell(
        request, sender_actions.delete_senders([r for r in rows if isinstance(r, Sender)], by=by), "deleted"
    )


def _tell(request: HttpRequest, outcome: Outcome[Any], word: str) -> None:
    """One line for what was done, one for each refusal."""
    if outcome.done:
        names = ", ".join(str(row) for row in outcome.done[:3]) + (
            f" and {len(outcome.done) - 3} more" if len(outcome.done) > 3 else ""
        )
        messages.success(request, f"{names}: {word}.")
    for row, reason in outcome.refused:
        messages.error(request, f"{row}: {reason}")


def _cases(row: Channel | Sender) -> int:
    return row.cases.count() if isinstance(row, Channel) else 0
