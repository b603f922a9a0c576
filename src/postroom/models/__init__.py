"""What we remember: one noun per file, with its tables, constraints, states and queries."""

from postroom.models.case import Case, CaseState
from postroom.models.channel import AfterCollect, Channel, ChannelFolder, Start
from postroom.models.claim import Claim, Claimable
from postroom.models.contact import Contact, ContactAddress
from postroom.models.event import Event
from postroom.models.interaction import Interaction, InteractionState, Offer, OfferState
from postroom.models.letter import LetterState, RawMessage
from postroom.models.link import OneTimeLink
from postroom.models.message import (
    Attachment,
    Message,
    MessageKind,
    OutState,
    Purpose,
    Recipient,
    RecipientState,
)
from postroom.models.people import Presence, Role, User
from postroom.models.queue import Disposition, Queue, QueueMember
from postroom.models.secret import KeyCheck
from postroom.models.sender import Health, Sender

__all__ = [
    "AfterCollect",
    "Attachment",
    "Case",
    "CaseState",
    "Channel",
    "ChannelFolder",
    "Claim",
    "Claimable",
    "Contact",
    "ContactAddress",
    "Disposition",
    "Event",
    "Health",
    "Interaction",
    "InteractionState",
    "KeyCheck",
    "LetterState",
    "Message",
    "MessageKind",
    "Offer",
    "OfferState",
    "OneTimeLink",
    "OutState",
    "Presence",
    "Purpose",
    "Queue",
    "QueueMember",
    "RawMessage",
    "Recipient",
    "RecipientState",
    "Role",
    "Sender",
    "Start",
    "User",
]
