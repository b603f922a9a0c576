"""Where is my mail? The ledger of every letter that was ever listed in a mailbox, and the trail of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from postroom.actions import letters as actions
from postroom.models import Channel, LetterState, RawMessage
from postroom.models.blob import BlobError, blobs
from postroom.reports import ledger as report
from postroom.web.security import FILE_POLICY
from postroom.web.setup.access import person, supervisors
from postroom.web.setup.answers import attempt, back
from postroom.web.setup.inputs import number

TONES = {LetterState.FILED: "ok", LetterState.STUCK: "bad", LetterState.IGNORED: "warn"}
EXPLAINED = {
    LetterState.RECEIVED: "It is stored and waits to be filed; that takes a moment.",
    LetterState.FILED: "It became a message of a case.",
    LetterState.IGNORED: "It was left out on purpose; the reason is below. Nothing is lost: it can be filed after all.",
    LetterState.DUPLICATE: "The same letter was collected before.",
    LetterState.STUCK: "It could not be filed. Its bytes are safe; after the cause is gone, file it again.",
    LetterState.GONE: "It was listed, but was no longer on the server when it was read.",
}
# What a step said that ended the way; "on" means that the letter went on.
VERDICTS = {"stuck": "bad", "ignored": "warn", "duplicate": "warn"}


@require_GET
@supervisors
def table(request: HttpRequest) -> HttpResponse:
    """The search and the letters it finds, newest first."""
    wanted = wanted_of(request.GET)
    found, more = report.page(wanted)
    counts = report.counts(wanted)
    states = [("", "All"), *((str(value), str(label)) for value, label in LetterState.choices)]
    context = {
        "letters": [{"letter": letter, "tone": TONES.get(LetterState(letter.state), "")} for letter in found],
        "wanted": wanted,
        "states": [
            {
                "value": value,
                "label": label,
                "count": counts[value],
                "chosen": value == wanted.state,
                "url": _url(request, state=value, before=""),
            }
            for value, label in states
        ],
        "channels": Channel.objects.all(),
        "next_url": _url(request, before=str(found[-1].pk)) if more else "",
        "is_empty": not RawMessage.objects.exists(),
        "collecting": Channel.objects.filter(enabled=True).first(),
    }
    return render(request, "postroom/supervisor/letters.html", context)


@require_GET
@supervisors
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One letter: its state with the reason, its trail, what it became."""
    letter = get_object_or_404(
        RawMessage.objects.select_related("channel", "duplicate_of", "message__case__channel"), pk=pk
    )
    state = LetterState(letter.state)
    context = {
        "letter": letter,
        "tone": TONES.get(state, ""),
        "explained": EXPLAINED[state],
        "trail": [_trail_line(entry) for entry in letter.trail],
        "message": getattr(letter, "message", None),
        "can_retry": state in (LetterState.STUCK, LetterState.IGNORED),
        "can_fetch": letter.partial and not letter.wanted,
    }
    return render(request, "postroom/supervisor/letter.html", context)


@require_POST
@supervisors
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """File it again, or fetch the whole of it."""
    letter, by = get_object_or_404(RawMessage, pk=pk), person(request)
    if request.POST.get("act") == "retry":
        attempt(request, partial(actions.retry_letter, letter, by=by), "It is filed again now.")
    elif request.POST.get("act") == "fetch":
        attempt(
            request,
            partial(actions.fetch_whole, letter, by=by),
            "The whole letter is fetched with the next visit to the mailbox.",
        )
    else:
        raise Http404("There is no such act.")
    return back(request, "letters") if "next" in request.POST else redirect("letter", pk=pk)


@require_GET
@supervisors
def raw(request: HttpRequest, pk: int) -> HttpResponse:
    """The bytes exactly as received. They are a stranger's: saved, never shown."""
    letter = get_object_or_404(RawMessage, pk=pk)
    if not letter.blob:
        raise Http404("Nothing of this letter was stored.")
    try:
        found = blobs().read(letter.blob)
    except BlobError as damaged:
        raise Http404(str(damaged)) from damaged
    headers = {
        "Content-Disposition": f'attachment; filename="letter-{letter.pk}.eml"',
        "Content-Security-Policy": FILE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(found, content_type="message/rfc822", headers=headers)


def wanted_of(get: Mapping[str, Any]) -> report.Wanted:
    """The search as the address says it; nonsense means no condition."""
    text = {
        name: str(get.get(name, "")).strip()[:300]
        for name in ("q", "sender", "subject", "message_id", "state", "channel", "before")
    }
    return report.Wanted(
        search=text["q"],
        sender=text["sender"],
        subject=text["subject"],
        message_id=text["message_id"],
        first=_day(get.get("first")),
        last=_day(get.get("last")),
        channel=number(text["channel"]),
        state=text["state"] if text["state"] in LetterState.values else "",
        before=number(text["before"]),
    )


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def _trail_line(entry: Any) -> dict[str, str]:
    """One step of the trail: [step, verdict, words]."""
    step, verdict, words = (*(str(part) for part in entry), "", "", "")[:3]
    return {
        "step": step.replace("_", " ").replace("-", " ").capitalize(),
        "verdict": "" if verdict == "on" else verdict,
        "words": words,
        "tone": VERDICTS.get(verdict, "ok"),
    }


def _url(request: HttpRequest, **changed: str) -> str:
    query = {
        name: request.GET.get(name, "")
        for name in ("q", "sender", "subject", "message_id", "first", "last", "channel", "state")
    }
    return "?" + urlencode({name: value for name, value in {**query, **changed}.items() if value})
