"""From the composer's form to a draft on the server. What a draft may become is decided by the actions."""

from __future__ import annotations

import re

from django.http import HttpRequest

from postroom.actions.drafts import Written, clean, discard_draft, open_draft, save_draft
from postroom.actions.modes import change_mode
from postroom.mail.html import sanitise
from postroom.models import Case, Message, Purpose, User
from postroom.reports.thread import own_draft

# The composer's words for what is written.
MODES = {"reply": Purpose.REPLY, "all": Purpose.REPLY_ALL, "forward": Purpose.FORWARD}
# Markup that says no more than line breaks do: such a text is sent as plain text.
_FORMATTED = re.compile(r"<(?!/?(?:div|br|p)\b)", re.IGNORECASE)


def draft_of(case: Case, request: HttpRequest, *, by: User) -> Message:
    """The person's draft on this case, turned into the kind the form says; made if there is none."""
    mode = request.POST.get("mode", "")
    draft = own_draft(case, by, note=False)
    if draft is None:
        return open_draft(case, by=by, purpose=MODES.get(mode, Purpose.REPLY))
    return change_mode(draft, by=by, purpose=MODES[mode]) if mode in MODES else draft


def keep_reply(case: Case, request: HttpRequest, *, by: User) -> Message | None:
    """Store what the form says. An emptied text with nothing attached leaves no draft behind (None)."""
    draft = own_draft(case, by, note=False)
    written = written_in(request)
    if not _says_something(written) and (draft is None or not draft.attachments.exists()):
        if draft is not None:
            discard_draft(draft, by=by)
        return None
    return save_draft(draft_of(case, request, by=by), by=by, written=written)


def _says_something(written: Written) -> bool:
    return bool((written.text or "").strip() or (written.html or "").strip())


def written_in(request: HttpRequest) -> Written:
    """The fields of the reply form that are there."""
    post = request.POST
    sender = post.get("sender", "")
    text = post.get("body")
    return Written(
        to=post.get("to"),
        cc=post.get("cc"),
        bcc=post.get("bcc"),
        subject=post.get("subject"),
        text=text,
        # Without a text there is no rich text either, whatever an editor left behind.
        html=None if text is None else clean_html(post.get("body_html", "")) if text.strip() else "",
        sender=int(sender) if sender.isascii() and sender.isdigit() else None,
    )


def clean_html(html: str) -> str:
    """Rich text as it may be stored; empty if it has no format that plain text lacks."""
    if not _FORMATTED.search(html):
        return ""
    return sanitise(clean(html), images=True, cid=lambda cid: None).html


def keep_note(case: Case, text: str, *, by: User) -> Message | None:
    """Store the draft of a note; an empty one leaves nothing behind."""
    draft = own_draft(case, by, note=True)
    if not text.strip():
        if draft is not None:
            discard_draft(draft, by=by)
        return None
    draft = draft or open_draft(case, by=by, purpose=Purpose.NOTE)
    return save_draft(draft, by=by, written=Written(text=text))
