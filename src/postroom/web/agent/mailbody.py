"""The HTML of a letter, in a document of its own for the sandboxed frame; and the letter as it was received.

Three walls: the sanitiser, the Content-Security-Policy of this document, and the frame's sandbox. None trusts the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from postroom.mail.html import sanitise
from postroom.mail.letter import read
from postroom.mail.quotes import fold_html
from postroom.models import Message, MessageKind
from postroom.models.blob import BlobError, blobs
from postroom.web.agent.finding import find_message
from postroom.web.security import FILE_POLICY, mail_policy
from postroom.web.signed import person, signed_in

PAGE = (
    '<!doctype html><html class="{paper}"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Message</title><style>'
    ":root{{color-scheme:light}}:root.theme{{color-scheme:light dark}}"
    "body{{margin:0;padding:10px 12px;font:14px/1.55 system-ui,sans-serif;color:#1b1f27;background:#fff;overflow-wrap:anywhere}}"
    ".theme body{{padding:2px 0 0;color:light-dark(#1b1f27,#e9ebef);background:transparent}}.theme a{{color:light-dark(#2340c0,#a9bcff)}}"
    "body>:first-child,body>:first-child>:first-child{{margin-top:0}}img{{max-width:100%;height:auto}}img:not([src]){{display:none}}table{{max-width:100%}}pre{{white-space:pre-wrap}}"
    "blockquote{{margin:0 0 0 2px;padding-left:12px;border-left:2px solid #9aa1ad}}"
    "summary{{display:inline-block;list-style:none;cursor:pointer;background:#e4e6eb;border-radius:5px;padding:0 9px;margin-top:6px;color:#4b5160;min-height:24px}}"
    "summary::-webkit-details-marker{{display:none}}</style></head><body>{body}</body></html>"
)
# A letter that brings colours or pictures lies on white paper; any other takes the colours of the page.
_COLOURED = re.compile(
    r"(?:^|[^-\w])(?:color|background(?:-color)?|bgcolor)\s*[:=]|<(?:img|font)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Blocked:
    """What the banner above a letter says, and whether the letter brings its own colours."""

    images: int
    trackers: int
    cut: bool
    coloured: bool = True


@signed_in
@require_GET
def body(request: HttpRequest, message: int) -> HttpResponse:
    """The HTML of a letter. `?images=1` lets it load what lies on other servers, this time."""
    found = find_message(person(request), message)
    images = request.GET.get("images") == "1" or trusts(request, found)
    paper = "white" if blocked(found).coloured else "theme"
    response = HttpResponse(PAGE.format(body=render_html(found, images=images), paper=paper))
    response.headers["Content-Security-Policy"] = mail_policy(images=images)
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    # The address is the same before and after somebody decides to trust a sender.
    response.headers["Cache-Control"] = "private, no-store"
    return response


def trusts(request: HttpRequest, message: Message) -> bool:
    """True if this person always shows the images of this sender."""
    return message.from_address.lower() in person(request).preferences.get("images", [])


def render_html(message: Message, *, images: bool) -> str:
    """Sanitised HTML: what was said, and what was quoted behind a button."""
    html = html_of(message)
    said, quoted = fold_html(html)
    shown = sanitise(said, images=images, cid=_inline(message))
    if not quoted.strip():
        return shown.html
    folded = sanitise(quoted, images=images, cid=_inline(message))
    return f'{shown.html}<details><summary title="Show quoted text">•••</summary>{folded.html}</details>'


def html_of(message: Message) -> str:
    """The HTML as it was sent: from the letter's bytes, or as we wrote it."""
    if message.kind == MessageKind.OUT:
        return message.html
    if message.letter is None or not message.letter.blob:
        raise Http404
    return read(_bytes(message)).html


def _inline(message: Message) -> _Inline:
    return _Inline(
        {one.content_id.strip("<>"): one.pk for one in message.attachments.all() if one.content_id}
    )


class _Inline:
    """The address of an attached image by its Content-ID."""

    def __init__(self, files: dict[str, int]) -> None:
        self._files = files

    def __call__(self, cid: str) -> str | None:
        pk = self._files.get(cid)
        return reverse("file-inline", args=[pk]) if pk else None


def blocked(message: Message) -> Blocked:
    """What would be loaded from elsewhere if one let it. Counted once per letter; letters never change."""
    return _count(message.pk, message.letter.blob if message.letter else "")


@lru_cache(maxsize=4096)
def _count(message: int, blob: str) -> Blocked:
    if not blob:
        return Blocked(0, 0, False)
    try:
        safe = sanitise(read(blobs().read(blob)).html, images=False, cid=lambda cid: None)
    except BlobError:
        return Blocked(0, 0, False)
    return Blocked(safe.remote_images, safe.trackers, safe.too_large, bool(_COLOURED.search(safe.html)))


def _bytes(message: Message) -> bytes:
    assert message.letter is not None
    try:
        return blobs().read(message.letter.blob)
    except BlobError as gone:
        raise Http404(str(gone)) from gone


@signed_in
@require_GET
def raw(request: HttpRequest, message: int) -> HttpResponse:
    """The letter byte for byte, as a download."""
    found = find_message(person(request), message)
    if found.letter is not None and found.letter.blob:
        content = _bytes(found)
    elif found.blob:
        content = blobs().read(found.blob)
    else:
        raise Http404
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="message-{found.pk}.eml"'
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response
