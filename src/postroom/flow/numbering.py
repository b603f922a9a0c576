"""When a server renumbers a folder (a new UIDVALIDITY, RFC 3501 section 2.3.1.1): start over and match by content.

Letters that we have keep their ledger row: while the folder is listed anew, the same bytes under an old numbering get the new number.
"""

from __future__ import annotations

import logging

from django.db import transaction

from postroom.connectors.base import Inbox, Ref
from postroom.models import Channel, ChannelFolder
from postroom.models.event import record
from postroom.models.letter import forget_places

log = logging.getLogger(__name__)


@transaction.atomic
def settle_new_numbering(channel: Channel, folder: ChannelFolder, validity: str) -> None:
    """Believe the new numbering from now on."""
    log.warning("channel %s: folder %s was renumbered by its server", channel.pk, folder.pk)
    # The numbers of long ago may come back, for other letters: those are matched by their bytes, too.
    forget_places(channel.letters.filter(folder=folder.name, validity=validity))
    record("channel.renumbered", channel=channel, folder=folder.name, before=folder.validity, after=validity)
    folder.validity, folder.cursor, folder.baseline = validity, 0, 2**62 if folder.baseline else 0
    folder.save(update_fields=["validity", "cursor", "baseline"])


def by_bytes(folder: ChannelFolder, inbox: Inbox, ref: Ref) -> bool:
    """True where the server's name of a letter holds for one session only, so that the bytes alone tell letters apart:
    POP3 without usable UIDLs (`?1`), and IMAP without UIDVALIDITY."""
    return ref.uid.startswith("?") or (inbox.can_folders and not folder.validity)
