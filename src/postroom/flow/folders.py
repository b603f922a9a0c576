"""Which folders of a mailbox are collected (CH-08)."""

from __future__ import annotations

from postroom.connectors.base import Inbox
from postroom.connectors.folder_names import receiving
from postroom.models import Channel


def folders_to_collect(channel: Channel, inbox: Inbox) -> list[str]:
    """The chosen folder, or every receiving folder; the one we move letters to is never read."""
    if not inbox.can_folders or not channel.all_folders:
        return [channel.folder or "INBOX"]
    names = [one.name for one in receiving(inbox.folders())]
    return [name for name in names if name != channel.move_to] or ["INBOX"]
