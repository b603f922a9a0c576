"""Files: downloads of what strangers sent, and uploads to a draft. A stranger's file is never opened as one of our pages."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from postroom.actions.drafts import add_file, remove_file
from postroom.actions.refusals import Refused
from postroom.mail.letter import read
from postroom.models import Attachment, RawMessage
from postroom.models.blob import BlobError, blobs
from postroom.reports.thread import name_of
from postroom.web.agent.finding import find_case, find_file
from postroom.web.agent.writing import draft_of
from postroom.web.security import FILE_POLICY
from postroom.web.signed import person, signed_in

# Raster images that a browser draws without running anything. SVG is not one of them.
SAFE_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"})
MAGIC = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


@signed_in
@require_GET
def download(request: HttpRequest, file: int) -> HttpResponse:
    """The file, always as a download."""
    found = find_file(person(request), file)
    response = _answer(content_of(found), "application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition_header(True, name_of(found)) or "attachment"
    return response


@signed_in
@require_GET
def inline(request: HttpRequest, file: int) -> HttpResponse:
    """A picture inside a letter or on its card: only what its bytes prove to be a raster image."""
    found = find_file(person(request), file)
    content = content_of(found)
    kind = image_type(content)
    if kind is None:
        raise Http404
    response = _answer(content, kind)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def image_type(content: bytes) -> str | None:
    """What the bytes are, whatever the sender calls them; None if not a safe image."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return next((kind for magic, kind in MAGIC if content.startswith(magic)), None)


def content_of(file: Attachment) -> bytes:
    """The bytes: from an upload's own blob, or out of the letter they came in."""
    try:
        if file.blob and not file.blob.startswith("letter:"):
            return blobs().read(file.blob)
        letter, position = file.message.letter, file.position
        if file.blob:
            _, pk, at = file.blob.split(":")
            letter, position = RawMessage.objects.filter(pk=int(pk)).first(), int(at)
        if letter is None or not letter.blob:
            raise Http404
        return read(blobs().read(letter.blob)).attachments[position].content()
    except (BlobError, IndexError) as gone:
        raise Http404("The file cannot be read.") from gone


def _answer(content: bytes, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@signed_in
@require_POST
def upload(request: HttpRequest, case: int) -> HttpResponse:
    """Attach a file to the draft of a case; the draft is made if there is none."""
    user = person(request)
    found = find_case(user, case)
    given = request.FILES.get("file")
    if not isinstance(given, UploadedFile):
        return JsonResponse({"error": "Choose a file."}, status=422)
    try:
        draft = draft_of(found, request, by=user)
        made = add_file(
            draft, by=user, name=given.name or "file", type=given.content_type or "", content=given.read()
        )
    except Refused as refused:
        return JsonResponse({"error": refused.text}, status=422)
    return JsonResponse({"id": str(made.pk), "name": made.name, "size": made.size})


@signed_in
@require_POST
def remove(request: HttpRequest, file: int) -> HttpResponse:
    """Take a file off a draft."""
    found = find_file(person(request), file)
    try:
        remove_file(found, by=person(request))
    except Refused as refused:
        return JsonResponse({"error": refused.text}, status=409)
    return HttpResponse(status=204)
