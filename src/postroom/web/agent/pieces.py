"""One piece of a thread as its template reads it: a letter in or out, a note, a draft of a colleague, or an event line."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.safestring import mark_safe

from postroom.mail.text import text_to_html
from postroom.models import Attachment, Message, MessageKind, OutState, User
from postroom.reports.thread import Item, badges, files, name_of, returned
from postroom.web.agent.mailbody import blocked

TABLES = ("csv", "xls", "xlsx", "ods", "tsv")
STATES = {
    OutState.HELD: ("Sending soon", "", "clock"),
    OutState.QUEUED: ("Queued", "", "send"),
    OutState.SENDING: ("Sending", "", "send"),
    OutState.SENT: ("Sent", "ok", "check"),
    OutState.DEFERRED: ("Will be tried again", "warn", "clock"),
    OutState.PARTIAL: ("Sent to some", "warn", "warning"),
    OutState.FAILED: ("Failed", "bad", "warning"),
    OutState.UNKNOWN: ("Perhaps sent", "warn", "help"),
    OutState.CANCELLED: ("Cancelled", "", "x"),
    OutState.DRAFT: ("Draft", "acc", "pen"),
    OutState.REVIEW: ("In review", "", "eye"),
}


def piece_of(item: Item, user: User) -> dict[str, Any]:
    """What piece.html reads."""
    if item.message is None:
        return {"line": item.line}
    message = item.message
    piece: dict[str, Any] = {
        "message": message,
        "files": [_file(one) for one in files(message)],
        "badges": badges(message),
    }
    piece["kind"] = "note" if message.kind == MessageKind.NOTE else str(message.kind)
    piece["who"] = _who(message, user)
    piece["face"] = user.name if piece["who"] == "You" else piece["who"]
    piece["to"] = ", ".join(p.get("name") or p["address"] for p in [*message.to, *message.cc][:6])
    if message.kind == MessageKind.OUT:
        piece["state"] = STATES.get(OutState(message.state)) if message.state else None
        piece["returned"] = returned(message)
        sent = message.state == OutState.SENT
        piece["accepted"] = (
            f"Accepted by the server: {message.server_line}" if message.server_line else "Sent"
        )
        piece["said"] = [] if sent and not piece["returned"] else _said(message)
    piece |= _body(message, user)
    return piece


def _said(message: Message) -> list[str]:
    """The servers' own words about a message in trouble: about each recipient, else about the whole."""
    lines = [f"{one.address}: {one.line}" for one in message.recipients.all() if one.line]
    return lines or ([message.server_line] if message.server_line else [])


def _who(message: Message, user: User) -> str:
    if message.author_id == user.pk and message.kind != MessageKind.IN:
        return "You"
    if message.kind != MessageKind.IN and message.author:
        return message.author.name
    return message.from_name or message.from_address or "Unknown sender"


def _body(message: Message, user: User) -> dict[str, Any]:
    if (
        message.kind == MessageKind.IN
        and message.has_html
        and message.letter is not None
        and message.letter.blob
    ):
        found = blocked(message)
        trusted = message.from_address.lower() in user.preferences.get("images", [])
        url = reverse("body", args=[message.pk])
        return {
            "frame": url,
            "blocked": None if trusted or not found.images else found,
            "cut": found.cut,
            "paper": "" if found.coloured else "theme",
        }
    # text_to_html escapes everything it does not make itself.
    folded = mark_safe(text_to_html(message.folded)) if message.folded.strip() else ""
    return {"text": mark_safe(text_to_html(message.text.strip())), "folded": folded}


def _file(one: Attachment) -> dict[str, Any]:
    name = name_of(one)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    kind = (
        "pdf"
        if ending == "pdf"
        else "img"
        if one.type.startswith("image/")
        else "tab"
        if ending in TABLES
        else ""
    )
    return {
        "name": name,
        "size": one.size,
        "url": reverse("file", args=[one.pk]),
        "kind": kind,
        "ending": ending[:4] or ("rpt" if one.type.endswith("delivery-status") else "file"),
    }
