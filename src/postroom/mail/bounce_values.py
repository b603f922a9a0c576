"""What a bounce says, as values. Reading it out of a letter is done in `bounces.py` and the files beside it."""

from dataclasses import dataclass
from enum import StrEnum


class BounceKind(StrEnum):
    """What the letter as a whole reports about ours."""

    BOUNCE = "bounce"
    """At least one recipient will not get it."""
    DELAYED = "delayed"
    """Nobody has failed; somebody has not got it yet and the server goes on trying."""
    SUCCESS = "success"
    """Delivered, relayed or expanded."""
    COMPLAINT = "complaint"
    """The recipient called it spam or asked to be left alone (RFC 5965)."""
    MDN = "mdn"
    """The recipient's program says what was done with it: displayed, deleted (RFC 8098)."""


@dataclass(frozen=True, kw_only=True)
class BouncedRecipient:
    """One recipient of ours and what became of the letter to it.

    `action` is the word of RFC 3464 ("failed", "delayed", "delivered", "relayed", "expanded"), of RFC 8098 for a receipt
    ("displayed", "deleted"...), or the feedback type of a complaint ("abuse"...). `status` is an enhanced status code
    (RFC 3463), empty where the report tells nothing. `final` comes from the action alone: a failure whose status is 4.x is
    as final as one with 5.x. `original` is the address the letter was first sent to, if the report names another one.
    """

    address: str
    action: str
    status: str
    diagnostic: str
    final: bool
    original: str = ""


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """A report about a letter of ours. `original_message_id` is without brackets and empty when nothing told it."""

    kind: BounceKind
    recipients: tuple[BouncedRecipient, ...]
    original_message_id: str = ""
    original_to: tuple[str, ...] = ()
    original_subject: str = ""
    reporting_mta: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether somebody did not get it, for good or for now."""
        return self.kind in (BounceKind.BOUNCE, BounceKind.DELAYED)
