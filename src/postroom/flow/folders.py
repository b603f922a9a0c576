"""Which folders of a mailbox are collected (CH-08)."""

from __future__ import annotations

from postroom.connectors.base import Inbox
from postroom.models import Channel

NEVER = frozenset({"sent", "drafts", "trash", "all", "archive", "outbox"})
"""Roles of folders that hold our own writing, or letters a second time."""


def folders_to_collect(channel: Channel, inbox: Inbox) -> list[str]:
    """The chosen folder, or every receiving folder; the one we move letters to is never read."""
    if not inbox.can_folders or not channel.all_folders:
        return [channel.folder or "INBOX"]
    names = [one.name for one in inbox.folders() if one.selectable and one.role not in NEVER]
    return [name for name in names if name != channel.move_to] or ["INBOX"]
