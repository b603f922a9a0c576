"""What can be set of a channel, and the rules that look at more than one field. The server settings are the connector's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from postroom.actions.fields import (
    Choice,
    Field,
    Mailbox,
    Mailboxes,
    Moment,
    Number,
    One,
    Text,
    YesNo,
    complete,
)
from postroom.actions.reaching import Connection
from postroom.conf.deployment import deployment
from postroom.connectors import registry
from postroom.connectors.base import Inbox
from postroom.models import AfterCollect, Channel, Queue, Sender, Start

FIELDS: tuple[Field, ...] = (
    Field(name="name", kind=Text(120), label="Name", required=True, help="Letters, digits, @ _ . and more"),
    Field(name="key", kind=Text(5), label="Key", default="", help="At most 5 letters or digits, shown on the agent's work; made from the name if left out"),
    Field(name="address", kind=Mailbox(), label="Email address", required=True, help="Where customers write to; unique over the channels"),
    Field(name="aliases", kind=Mailboxes(), label="Other addresses", default=(), help="More addresses that are delivered to the same mailbox"),
    Field(name="description", kind=Text(400), label="Description", default=""),
    Field(name="default_queue", kind=One(Queue, "queue"), label="Default queue", help="Where letters go; a channel without one cannot be switched on"),
    Field(name="default_sender", kind=One(Sender, "sender"), label="Default sender", help="What answers leave through"),
    Field(name="language", kind=Text(12), label="Language hint", default="", help="Such as en, de or cs"),
    Field(name="folder", kind=Text(255), label="Folder", default="INBOX", required=True, help="The folder that is collected (IMAP)"),
    Field(name="all_folders", kind=YesNo(), label="All folders", default=False, help="The inbox, its sub-folders, junk and other receiving folders (IMAP)"),
    Field(name="after_collect", kind=Choice(tuple(AfterCollect.values)), label="After collecting", help="What happens on the server once the letter is safe here; POP3 can leave and delete only", default="mark-read"),
    Field(name="move_to", kind=Text(255), label="Folder for collected letters", default="", help="For `after_collect = \"move\"`"),
    Field(name="delete_days", kind=Number(1, 3650), label="Delete after", default=30, help="Days; for `after_collect = \"delete-later\"`"),
    Field(name="start", kind=Choice(tuple(Start.values)), label="Letters already there", default="none", help="What to do with letters that lie in the mailbox when it is connected"),
    Field(name="start_since", kind=Moment(), label="Since", help="For `start = \"since\"`"),
    Field(name="max_size_mb", kind=Number(5, deployment.options.letter_megabytes), label="Largest letter", default=5, help="MB; of a larger letter the header is kept, and it can be fetched on demand"),
    Field(name="recipient_only", kind=YesNo(), label="Only letters addressed to this channel", default=False, help="Others are listed as ignored, not lost"),
    Field(name="poll_seconds", kind=Number(5, 86400), label="Look for mail every", default=60, help="Seconds, where the server cannot tell of new mail itself"),
    Field(name="node", kind=Text(80), label="Node", default="", help="Pins the channel to one host of several"),
)  # fmt: skip

WHERE = ("folder", "all_folders")
KEY = re.compile(r"[^\W_][\w-]{0,4}")


def new_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new channel with the defaults below them; a protocol that cannot mark letters leaves them."""
    inbox = registry.inboxes().get(str(values.get("connector") or "imap"))
    marks = inbox is None or inbox.can_mark
    return {
        **complete(FIELDS, values),
        "after_collect": values.get("after_collect", "mark-read" if marks else "leave"),
    }


def address_faults(channel: Channel) -> dict[str, str]:
    """Names, keys and addresses that other channels already have, without regard to case."""
    others = Channel.objects.exclude(pk=channel.pk)
    faults: dict[str, str] = {}
    if channel.name and (other := others.filter(name__iexact=channel.name).first()):
        faults["name"] = f"There is already a channel named {other.name}. Choose another name."
    if channel.key and not KEY.fullmatch(channel.key):
        faults["key"] = "Use 1 to 5 letters or digits."
    elif other := others.filter(key__iexact=channel.key).first():
        faults["key"] = f"The channel {other.name} has the key {other.key} already. Choose another."
    taken = {address: one.name for one in others for address in one.addresses}
    if owner := taken.get(channel.address.lower()):
        faults["address"] = f"The channel {owner} has the address {channel.address} already."
    for alias in channel.aliases or ():
        if owner := taken.get(alias.lower()):
            faults["aliases"] = (
                f"The channel {owner} has the address {alias} already. Remove it here or there."
            )
    return faults


def rule_faults(
    channel: Channel, inbox: type[Inbox], was: Mapping[str, Any], connection: Connection
) -> dict[str, str]:
    """What this protocol cannot do, and settings that need another one."""
    faults = _settle_faults(channel, inbox)
    if not inbox.can_folders and channel.all_folders:
        faults["all_folders"] = "This protocol has no folders. Switch this off, or choose IMAP."
    if not inbox.can_folders and channel.folder.upper() != "INBOX":
        faults["folder"] = "This protocol has no folders. Write INBOX, or choose IMAP."
    if channel.start == Start.SINCE and channel.start_since is None:
        faults["start_since"] = "Choose the date from which letters are collected."
    elif channel.start == Start.SINCE and channel.start_since and channel.start_since > timezone.now():
        faults["start_since"] = "This date is still to come. Choose a past one, or collect only new letters."
    if _is_late(channel, was, connection):
        faults["start"] = (
            "This is chosen when a mailbox is connected, and letters of this one are collected already. "
            "Make another channel to collect its older letters."
        )
    if channel.enabled and channel.default_queue is None:
        faults["default_queue"] = (
            "A channel that is on needs a default queue. Choose one, or switch the channel off first."
        )
    return faults


def _settle_faults(channel: Channel, inbox: type[Inbox]) -> dict[str, str]:
    if channel.after_collect == AfterCollect.MARK_READ and not inbox.can_mark:
        return {"after_collect": "This protocol cannot mark letters. Choose leave, delete or delete-later."}
    if channel.after_collect == AfterCollect.MOVE and not inbox.can_move:
        return {"after_collect": "This protocol cannot move letters. Choose leave, delete or delete-later."}
    if channel.after_collect == AfterCollect.MOVE and not channel.move_to:
        return {"move_to": "Name the folder to which collected letters are moved."}
    if channel.after_collect == AfterCollect.MOVE and channel.move_to == channel.folder:
        return {"move_to": "This is the folder that is collected. Name another one."}
    return {}


def _is_late(channel: Channel, was: Mapping[str, Any], connection: Connection) -> bool:
    """True when `start` changes though the same mailbox has been listed already."""
    if (was["start"], was["start_since"]) == (channel.start, channel.start_since) or not channel.pk:
        return False
    same = was["connector"] == connection.connector and all(
        was[name] == connection.settings.get(name) for name in ("host", "login")
    )
    return same and all(was[name] == getattr(channel, name) for name in WHERE) and channel.folders.exists()


def suggest_key(name: str) -> str:
    """A free key made from the name: SALES, SALE2, ..."""
    letters = "".join(c for c in name.upper() if c.isalnum())[:5] or "CH"
    used = {key.upper() for key in Channel.objects.values_list("key", flat=True)}
    for number in range(1, 10_000):
        tail = "" if number == 1 else str(number)
        key = letters[: 5 - len(tail)] + tail
        if key not in used:
            return key
    return ""
