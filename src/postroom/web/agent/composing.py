"""What the composer starts with: recipients of each mode, senders, signature, the draft so far. It writes nothing."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.urls import reverse

from postroom.actions.drafts import (
    Person,
    choose_sender,
    forward_subject,
    last_incoming,
    recipients,
    reply_subject,
)
from postroom.conf.deployment import deployment
from postroom.models import Case, Interaction, Message, Purpose, Sender, User
from postroom.reports.thread import own_drafts
from postroom.web.agent.writing import MODES
from postroom.web.components.words import say_size

LABELS = {"reply": "Reply", "all": "Reply to all", "forward": "Forward"}
PURPOSES = {str(purpose): mode for mode, purpose in MODES.items()}


def composer(
    case: Case, user: User, *, newest: int, active: Interaction | None, works: bool
) -> dict[str, Any] | None:
    """What composer.html reads; None when somebody else has the case. A note may be written by everybody who sees it."""
    written, noted = own_drafts(case, user)
    note = _note(case, user, noted)
    if not works:
        return {"kind": "note", "note": note, "reply": None}
    reply = _reply(case, user, written, newest, active)
    signatures = json.dumps({one["value"]: one["signature"] for one in reply["senders"]})
    return {"kind": "reply", "note": note, "reply": reply, "signatures": signatures}


def _note(case: Case, user: User, draft: Message | None) -> dict[str, Any]:
    return {
        "action": reverse("note", args=[case.pk]),
        "draft_key": f"{case.pk}:{user.pk}:note",
        "save_url": reverse("note-save", args=[case.pk]),
        "body": draft.text if draft else "",
        "key": uuid.uuid4().hex,
    }


def _reply(
    case: Case, user: User, draft: Message | None, newest: int, active: Interaction | None
) -> dict[str, Any]:
    modes = _modes(case, draft)
    chosen = next(mode for mode in modes if mode["active"])
    sender = draft.sender if draft else choose_sender(case)[0]
    limit = min(deployment.options.upload_megabytes, sender.size_limit_mb if sender else 150) * 1_000_000
    return {
        "action": reverse("send", args=[case.pk]),
        "draft_key": f"{case.pk}:{user.pk}:reply",
        "save_url": reverse("save", args=[case.pk]),
        "upload_url": reverse("upload", args=[case.pk]),
        "suggest_url": reverse("contacts"),
        "limit": limit * 3 // 4,
        "limit_label": say_size(limit * 3 // 4),
        "key": uuid.uuid4().hex,
        "seen": newest,
        "senders": _senders(sender, user),
        "modes": modes,
        "to": typed(draft.to) if draft else chosen["to"],
        "cc": typed(draft.cc) if draft else chosen["cc"],
        "bcc": typed(draft.bcc) if draft else "",
        "subject": draft.subject if draft else chosen["subject"],
        "body": draft.text if draft else "",
        "body_html": draft.html if draft else "",
        "signature": signature(sender, user),
        "files": [_file(one.pk, one.name, one.size) for one in draft.attachments.all()] if draft else [],
        "close": active is not None,
        "rich": True,
        "saved": draft is not None,
    }


def _modes(case: Case, draft: Message | None) -> list[dict[str, Any]]:
    """Reply, reply to all and forward with whom each would go to."""
    answers = (draft.answers if draft else None) or last_incoming(case)
    same = answers is None or answers.channel_id == case.channel_id
    channel = case.channel if same or answers is None else answers.channel
    subject = (answers.subject if answers else "") or case.subject
    current = PURPOSES.get(draft.purpose, "reply") if draft else "reply"
    modes = []
    # With one recipient there is nobody else to reply to, and nothing to look up.
    alone = answers is None or len(answers.to) + len(answers.cc) <= 1
    for mode, purpose in MODES.items():
        to, cc = recipients(
            Purpose.REPLY if alone and purpose == Purpose.REPLY_ALL else purpose, answers, channel
        )
        line = forward_subject(subject) if purpose == Purpose.FORWARD else reply_subject(subject)
        modes.append(
            {
                "value": mode,
                "label": LABELS[mode],
                "to": typed(to),
                "cc": typed(cc),
                "subject": line,
                "active": mode == current,
            }
        )
    return modes


def _senders(chosen: Sender | None, user: User) -> list[dict[str, Any]]:
    """The enabled senders, and the chosen one even if it is off, so that the form says what it has."""
    senders = list(Sender.objects.filter(enabled=True))
    if chosen and chosen not in senders:
        senders.insert(0, chosen)
    return [
        {
            "value": one.pk,
            "label": one.name,
            "active": chosen is not None and one.pk == chosen.pk,
            "signature": signature(one, user),
        }
        for one in senders
    ]


def typed(people: list[Person]) -> str:
    """Addresses as a person types them."""
    return ", ".join(_one(p) for p in people)


def _one(person: Person) -> str:
    name, address = person.get("name", ""), person["address"]
    if not name:
        return address
    quoted = (
        '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if any(c in name for c in ',;<>"@')
        else name
    )
    return f"{quoted} <{address}>"


def signature(sender: Sender | None, user: User) -> str:
    """The sender's signature as it will be under the letter."""
    return sender.signature.replace("{{ agent.name }}", user.name).strip() if sender else ""


def _file(pk: int, name: str, size: int) -> dict[str, Any]:
    return {
        "id": pk,
        "name": name,
        "size": size,
        "ending": name.rpartition(".")[2][:4] if "." in name else "file",
    }
