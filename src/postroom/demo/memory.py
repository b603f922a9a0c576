"""What the demo world remembers between two runs: who has begun what, and what is about to happen. One JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Conversation:
    """A customer's matter in progress. `step` is the number of letters written so far; `answered` tells that the firm wrote."""

    customer: str
    matter: int
    order: str
    step: int = 0
    answered: bool = False
    message_ids: list[str] = field(default_factory=list)


@dataclass
class Event:
    """Something that happens at `due` (seconds since 1970). `mail` names the message it is about, in the sent folder.

    What: begin, write (the customer answers), away, fail, delay.
    """

    due: float
    what: str
    customer: str = ""
    conversation: int = -1
    mail: str = ""
    sender: str = ""
    recipient: str = ""
    trouble: str = ""


@dataclass
class Memory:
    """Everything remembered. `next_order` numbers orders, `begun` counts a customer's matters so far."""

    next_order: int = 48210
    begun: dict[str, int] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def unanswered(self) -> int:
        """Conversations that wait for the firm's first answer."""
        return sum(not one.answered for one in self.conversations)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), ensure_ascii=False), encoding="utf-8")
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Memory:
        """What was saved, or the beginning of the world."""
        if not path.exists():
            return cls()
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            next_order=found["next_order"],
            begun=found["begun"],
            conversations=[Conversation(**one) for one in found["conversations"]],
            events=[Event(**one) for one in found["events"]],
        )
