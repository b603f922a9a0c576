"""What a letter carries beside its text: one Attachment per part. Not the choice which parts those are."""

import hashlib
from dataclasses import dataclass, field

from . import headers, limits
from .parts import Part


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not shown as body. `name` is what the sender called it (empty if nothing), made safe to show."""

    name: str
    type: str
    inline: bool
    content_id: str
    part: Part = field(repr=False, compare=False)

    def content(self) -> bytes:
        """The decoded bytes."""
        return self.part.content()

    @property
    def size(self) -> int:
        """Decoded size in bytes; decodes the part. `part.approx_size` does not."""
        return len(self.part.content())

    def sha256(self) -> str:
        """Hash of the decoded bytes, hexadecimal."""
        return hashlib.sha256(self.part.content()).hexdigest()


def attach(part: Part) -> Attachment:
    """The part as an attachment; nothing is decoded."""
    return Attachment(_name(part), part.type, _is_inline(part), part.content_id, part)


def _is_inline(part: Part) -> bool:
    """Shown within the text: said so, or a picture the HTML beside it refers to."""
    if part.disposition:
        return part.disposition == "inline"
    return bool(part.content_id) and part.parent is not None and part.parent.type == "multipart/related"


def _name(part: Part) -> str:
    """The sender's name for it; an attached message is called after its subject."""
    if part.filename:
        return part.filename
    if part.rest or (part.is_multipart and part.depth >= limits.DEPTH):
        return "rest.eml"
    if part.message is not None:
        return _after_subject(part.message.headers.get("subject")) + ".eml"
    return ""


def _after_subject(subject: str) -> str:
    stem = headers.tidy(subject).replace("/", "_").replace("\\", "_").strip(" .")
    return stem[:100].strip() or "message"
