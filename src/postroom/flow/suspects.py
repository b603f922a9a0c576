"""Letters at which the connection breaks: tried a few times, then put aside so that the rest of the mailbox goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from postroom.connectors.base import Ref
from postroom.models import ChannelFolder

MOST_TRIES = 3
"""Attempts at one letter that the server breaks off at, before it is put aside and the rest go on."""
BREAKS_OFF = "The server breaks off whenever this letter is read"


@dataclass
class Suspects:
    """Letters at which the connection broke, by (folder, validity, uid), with the number of times."""

    tries: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def blame(self, folder: ChannelFolder, ref: Ref) -> None:
        """Remember that reading this letter failed."""
        key = (folder.name, folder.validity, ref.uid)
        self.tries[key] = self.tries.get(key, 0) + 1

    def is_hopeless(self, folder: ChannelFolder, ref: Ref) -> bool:
        """True when it has failed often enough to be put aside."""
        return self.tries.get((folder.name, folder.validity, ref.uid), 0) >= MOST_TRIES

    def any_in(self, folder: ChannelFolder) -> bool:
        """True if letters of this folder must be read one by one to find the bad one."""
        return any(name == folder.name for name, _, _ in self.tries)
