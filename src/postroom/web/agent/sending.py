"""The composer's acts: save, send, take back, note, discard. What may leave and when is decided by actions/replies."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from postroom.actions import work
from postroom.actions.account import trust_images
from postroom.actions.drafts import add_file, discard_draft, remove_file
from postroom.actions.notes import add_note
from postroom.actions.refusals import Refused
from postroom.actions.replies import Newer, send, undo
from postroom.mail.addresses import read_addresses
from postroom.models import Case, Interaction, InteractionState, Message, MessageKind, OutState, User
from postroom.reports.thread import dispositions, own_draft
from postroom.web.agent.answers import came_from, go_on, refuse, stay, view_of
from postroom.web.agent.finding import find_case, find_message
from postroom.web.agent.showing import case_url
from postroom.web.agent.work import disposition_of
from postroom.web.agent.writing import draft_of, keep_note, keep_reply
from postroom.web.signed import person, signed_in, wants_fragment


@signed_in
@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Autosave of the reply."""
    user = person(request)
    try:
        keep_reply(find_case(user, pk), request, by=user)
    except Refused as refused:
        return JsonResponse({"error": refused.text, "errors": refused.errors}, status=409)
    return HttpResponse(status=204)


@signed_in
@require_POST
def save_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Autosave of the note."""
    user = person(request)
    try:
        keep_note(find_case(user, pk), request.POST.get("body", ""), by=user)
    except Refused as refused:
        return JsonResponse({"error": refused.text, "errors": refused.errors}, status=409)
    return HttpResponse(status=204)


@signed_in
@require_POST
def send_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Send, and finish if the form says so; both or neither. The text is kept first, whatever comes after."""
    user = person(request)
    case = find_case(user, pk)
    closes = request.POST.get("after") == "close"
    try:
        draft = _store(case, request, user)
        check_addresses(request)
        with transaction.atomic():
            if already_sent(case, request, draft):
                discard_draft(draft, by=user)
                return stay(request, case, "This reply is on its way already.")
            send(draft, by=user, seen=_seen(request), anyway=request.POST.get("anyway") == "1")
            if closes:
                _finish(case, request, user)
    except Newer as newer:
        return _collision(request, case, newer)
    except Refused as refused:
        return _refused(request, case, refused)
    return go_on(request, case, "") if closes else stay(request, case, "")


def check_addresses(request: HttpRequest) -> None:
    """What was typed as a recipient and is none must be said; the draft has no place to keep it."""
    typed = {name: request.POST.get(name, "").strip() for name in ("to", "cc", "bcc")}
    wrong = {name: text for name, text in typed.items() if text and not read_addresses(text)}
    if wrong:
        raise Refused(
            errors={
                name: f"{text[:80]!r} is not an email address. Correct or remove it."
                for name, text in wrong.items()
            }
        )


@transaction.atomic
def _store(case: Case, request: HttpRequest, user: User) -> Message:
    draft = keep_reply(case, request, by=user) or draft_of(case, request, by=user)
    for file in request.FILES.getlist("files"):
        add_file(draft, by=user, name=file.name or "file", type=file.content_type or "", content=file.read())
    if request.headers.get("HX-Request"):
        _drop_removed(draft, request, user)
    return draft


def _drop_removed(draft: Message, request: HttpRequest, user: User) -> None:
    """Files the composer no longer shows are not sent. A form without scripts cannot take files off, so it lists none."""
    listed = set(request.POST.getlist("attachment"))
    for one in draft.attachments.all():
        if str(one.pk) not in listed and not one.blob.startswith("letter:"):
            remove_file(one, by=user)


def already_sent(case: Case, request: HttpRequest, draft: Message) -> bool:
    """A second press of the button, or the same form in a second tab: the same words were sent since the form was written.

    Asked in the transaction that sends: of two presses at once, the second finds either the draft of the first or its message.
    """
    seen = _seen(request)
    if seen is None:
        return False
    since = case.messages.filter(author=draft.author, kind=MessageKind.OUT, pk__gt=seen)
    since = since.exclude(pk=draft.pk).exclude(state__in=[OutState.DRAFT, OutState.CANCELLED])
    return any(message.text == draft.text and message.to == draft.to for message in since)


def _seen(request: HttpRequest) -> int | None:
    """The newest message the author has seen; the warning about a newer one carries that one's number, and it comes last."""
    given = request.POST.getlist("seen")
    return int(given[-1]) if given and given[-1].isdecimal() and len(given[-1]) < 19 else None


def _finish(case: Case, request: HttpRequest, user: User) -> None:
    active = Interaction.objects.filter(case=case).exclude(state=InteractionState.FINISHED).first()
    if active is not None:
        waiting = request.POST.get("outcome") == "waiting"
        if active.agent_id is None:
            active = work.pull(by=user, interaction=active)
        work.finish(active, by=user, disposition=disposition_of(request), waiting_on_customer=waiting)


def _collision(request: HttpRequest, case: Case, newer: Newer) -> HttpResponse:
    context = {
        "newer": newer.messages,
        "newest": max(m.pk for m in newer.messages),
        "case": case,
        "view": view_of(request),
    }
    if wants_fragment(request):
        return render(request, "postroom/agent/newer.html", context, status=409)
    return render(
        request, "postroom/agent/newer_page.html", {**context, "form": _fields(request)}, status=409
    )


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    """What the form said, to be sent again by a page without scripts."""
    skipped = {"csrfmiddlewaretoken", "seen", "anyway"}
    return [(name, value) for name, values in request.POST.lists() if name not in skipped for value in values]


def _refused(request: HttpRequest, case: Case, refused: Refused) -> HttpResponse:
    if not wants_fragment(request):
        return refuse(request, case, refused)
    context = {
        "errors": refused.errors,
        "text": refused.text,
        "dispositions": dispositions(case.queue) if "disposition" in refused.errors else [],
    }
    return render(request, "postroom/agent/problem.html", context, status=422)


@signed_in
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add an internal note."""
    user = person(request)
    case = find_case(user, pk)
    try:
        add_note(case, by=user, text=request.POST.get("body", ""))
    except Refused as refused:
        return _refused(request, case, refused)
    return stay(request, case, "")


@signed_in
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw away what one has begun to write."""
    user = person(request)
    case = find_case(user, pk)
    draft = own_draft(case, user, note=request.POST.get("kind") == "note")
    if draft is not None:
        try:
            discard_draft(draft, by=user)
        except Refused as refused:
            return refuse(request, case, refused)
    return stay(request, case, "Draft discarded.")


@signed_in
@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo a message that has not left."""
    user = person(request)
    found = find_message(user, pk)
    try:
        undo(found, by=user)
    except Refused as refused:
        messages.error(request, refused.text)
        return redirect(came_from(request, case_url(found.case, "mine")))
    messages.success(request, "Taken back: it is a draft again.")
    return redirect(case_url(found.case, "mine"))


@signed_in
@require_POST
def trust(request: HttpRequest, pk: int) -> HttpResponse:
    """Always show the images of this letter's sender."""
    user = person(request)
    found = find_message(user, pk)
    if found.from_address:
        trust_images(user, found.from_address)
        user.refresh_from_db()
    return stay(request, found.case, "")
