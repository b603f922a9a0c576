"""Drafts: what an agent is writing, kept on the server from the first letter on; and what a reply starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from postroom.actions.refusals import NotAllowed, Refused
from postroom.conf.deployment import deployment
from postroom.mail.addresses import Address, read_people
from postroom.models import Attachment, Case, Channel, Message, MessageKind, OutState, Purpose, Sender, User
from postroom.models.blob import blobs
from postroom.models.event import record
from postroom.models.rights import may_work_on

Person = dict[str, str]


def open_draft(case: Case, *, by: User, purpose: str, answers: Message | None = None) -> Message:
    """The author's draft of this purpose on this case; made with recipients, subject and sender filled in if there is none."""
    if purpose not in Purpose.values:
        raise Refused(errors={"purpose": f"Choose one of: {', '.join(Purpose.values)}."})
    if not may_work_on(by, case):
        raise NotAllowed("Somebody else has this email.")
    found = Message.objects.filter(case=case, author=by, purpose=purpose, state=OutState.DRAFT).first()
    return found or _start(case, by, purpose, answers or last_incoming(case))


def _start(case: Case, by: User, purpose: str, answers: Message | None) -> Message:
    channel = (answers and answers.channel) or case.channel
    sender, _ = choose_sender(case)
    draft = Message(
        case=case,
        author=by,
        purpose=purpose,
        state=OutState.DRAFT,
        answers=answers,
        channel=channel,
        sender=sender,
    )
    draft.kind = MessageKind.NOTE if purpose == Purpose.NOTE else MessageKind.OUT
    draft.seen = newest(case)
    draft.to, draft.cc = recipients(purpose, answers, channel)
    subject = (answers.subject if answers else "") or case.subject
    draft.subject = forward_subject(subject) if purpose == Purpose.FORWARD else reply_subject(subject)
    try:
        with transaction.atomic():
            draft.save()
            if purpose == Purpose.FORWARD and answers:
                _copy_files(answers, draft)
    except IntegrityError:  # A second tab was faster: the constraint on (case, author, purpose) says so.
        return Message.objects.get(case=case, author=by, purpose=purpose, state=OutState.DRAFT)
    return draft


def _copy_files(source: Message, draft: Message) -> None:
    """A forward carries the files along; they are read from the letter when it is sent."""
    for one in source.attachments.all():
        blob = one.blob or f"letter:{source.letter_id}:{one.position}"
        Attachment.objects.create(
            message=draft,
            position=one.position,
            name=one.name,
            type=one.type,
            size=one.size,
            inline=one.inline,
            content_id=one.content_id,
            blob=blob,
        )


def last_incoming(case: Case) -> Message | None:
    """The newest letter of the case that a person wrote; a returned mail is no one to answer."""
    incoming = list(case.messages.filter(kind=MessageKind.IN).order_by("-created", "-id")[:20])
    return next((m for m in incoming if "bounce" not in m.flags), incoming[0] if incoming else None)


def newest(case: Case) -> int:
    """The id of the newest message others can see: what the collision check compares."""
    return (
        case.messages.exclude(state=OutState.DRAFT).order_by("-id").values_list("id", flat=True).first() or 0
    )


def recipients(
    purpose: str, answers: Message | None, channel: Channel | None
) -> tuple[list[Person], list[Person]]:
    """Whom a reply goes to, and its Cc; our own addresses are left out of a reply to all."""
    if answers is None or purpose in (Purpose.FORWARD, Purpose.NOTE):
        return [], []
    # A page asks this for every way to answer: nothing is looked up where nothing can lead back to us.
    ours = own_addresses(channel) if answers.reply_to or purpose == Purpose.REPLY_ALL else set()
    author = [{"name": answers.from_name, "address": answers.from_address}]
    # A Reply-To that leads back to us would make a ring; a letter may also name nobody.
    to = [p for p in answers.reply_to if p["address"] and p["address"].lower() not in ours] or [
        p for p in author if p["address"]
    ]
    if purpose != Purpose.REPLY_ALL:
        return to, []
    taken = ours | {p["address"].lower() for p in to} | {""}
    others: list[Person] = []
    for person in [*answers.to, *answers.cc]:
        if person["address"].lower() not in taken:
            taken.add(person["address"].lower())
            others.append(person)
    return to, others


def own_addresses(channel: Channel | None) -> set[str]:
    """Addresses we send from or collect at, lower case."""
    ours = {address.lower() for address in Sender.objects.values_list("address", flat=True)}
    for one in Channel.objects.all():
        ours |= one.addresses
    return ours


def choose_sender(case: Case) -> tuple[Sender | None, str]:
    """The sender a reply should use and why: the channel's, else the queue's, else one with the address that was written to."""
    if case.channel and case.channel.default_sender:
        return case.channel.default_sender, f"Default sender of the channel {case.channel.name}"
    if case.queue and case.queue.default_sender:
        return case.queue.default_sender, f"Default sender of the queue {case.queue.name}"
    enabled = Sender.objects.filter(enabled=True)
    if case.channel:
        same = enabled.filter(address__iexact=case.channel.address).first()
        if same:
            return same, "Has the address the customer wrote to"
    only = enabled.first()
    return only, "The first sender that is on" if only else "No sender is set up"


@dataclass(frozen=True)
class Written:
    """What the composer sends: None leaves a field as it is."""

    to: str | None = None
    cc: str | None = None
    bcc: str | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    sender: int | None = None


@transaction.atomic
def save_draft(draft: Message, *, by: User, written: Written) -> Message:
    """Keep what was written. Nothing is checked here: half an address must survive too."""
    locked = own_draft(draft, by)
    for name in ("to", "cc", "bcc"):
        value = getattr(written, name)
        if value is not None:
            setattr(locked, name, typed_people(value))
    for name in ("subject", "text", "html"):
        value = getattr(written, name)
        if value is not None:
            setattr(locked, name, clean(value)[: 998 if name == "subject" else 2_000_000])
    if written.sender is not None:
        locked.sender = Sender.objects.filter(pk=written.sender).first()
    locked.save()
    return locked


def typed_people(text: str) -> list[Person]:
    """The recipients as typed. What is no address is kept in the address's place, so that nothing typed is lost and sending names it."""
    people = [one for one in read_people(clean(text)) if one.address or one.name]
    return [as_person(one) if one.address else {"name": "", "address": one.name} for one in people[:1000]]


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which databases refuse."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")


def as_person(address: Address) -> Person:
    """How addresses are stored."""
    return {"name": address.name, "address": address.address}


@transaction.atomic
def discard_draft(draft: Message, *, by: User) -> None:
    """Throw a draft away, with its files."""
    own_draft(draft, by).delete()


@transaction.atomic
def add_file(draft: Message, *, by: User, name: str, type: str, content: bytes) -> Attachment:
    """Attach a file; refused before it is stored if the message would grow too large."""
    locked = own_draft(draft, by)
    limit = min(deployment.options.upload_megabytes, locked.sender.size_limit_mb if locked.sender else 150)
    used = sum(locked.attachments.values_list("size", flat=True))
    grown = encoded_size(used + len(content))
    if grown > limit * 1024 * 1024:
        raise Refused(
            errors={
                "file": f"{name} makes the message {grown / 1048576:.1f} MB as sent; the limit is {limit} MB. Remove a file or share a link."
            }
        )
    reference, _ = blobs().store(content)
    last = locked.attachments.order_by("-position").values_list("position", flat=True).first()
    return Attachment.objects.create(
        message=locked,
        position=0 if last is None else last + 1,
        name=clean(name).replace("/", "_").replace("\\", "_").strip()[:255] or "file",
        type=clean(type)[:120] or "application/octet-stream",
        size=len(content),
        blob=reference,
    )


def encoded_size(size: int) -> int:
    """Bytes on the wire: base64 with its line ends (RFC 2045 section 6.8)."""
    return (size + 2) // 3 * 4 * 78 // 76


@transaction.atomic
def remove_file(attachment: Attachment, *, by: User) -> None:
    """Take a file off a draft."""
    own_draft(attachment.message, by)
    attachment.delete()


def own_draft(draft: Message, by: User) -> Message:
    """The draft, locked; refused if it has been sent or belongs to somebody else."""
    locked = Message.objects.select_for_update(of=("self",)).filter(pk=draft.pk).first()
    if locked is None or locked.state != OutState.DRAFT:
        raise Refused("This message has been sent or discarded already.")
    if locked.author_id != by.pk:
        raise NotAllowed("This draft belongs to somebody else.")
    return locked


def reply_subject(subject: str) -> str:
    """With one "Re:" in front; a customer's own mark in another language is left as it is."""
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()


def forward_subject(subject: str) -> str:
    """With one "Fwd:" in front."""
    return subject if subject.lower().startswith(("fwd:", "fw:")) else f"Fwd: {subject}".strip()


def touch(case: Case) -> None:
    """Put the case on top of lists."""
    Case.objects.filter(pk=case.pk).update(updated=timezone.now())


def announce(kind: str, draft: Message, **facts: Any) -> None:
    """Record an event about an outgoing message."""
    record(kind, actor=draft.author, case=draft.case, queue=draft.case.queue, message=draft.pk, **facts)
