"""Is it our own mail that comes back, or mail that goes round in circles?"""

from __future__ import annotations

from postroom.flow.filing import Desk, Filing, Verdict
from postroom.mail.automatic import AutomaticKind, judge_automatic
from postroom.models import LetterState

MOST_HOPS = 50
"""Received lines after which a letter is going round (Postfix's hopcount_limit)."""


def stop(filing: Filing, desk: Desk) -> Verdict | None:
    """Leave aside copies of what we sent, and letters with too many hops."""
    hops = len(filing.letter.headers.all("Received"))
    if hops > MOST_HOPS:
        return Verdict(f"It has passed {hops} servers and goes round in circles", ends=LetterState.IGNORED)
    ours = desk.own_message(filing.letter.message_id)
    if ours and not _is_for_us(filing, ours.recipients.values_list("address", flat=True)):
        return Verdict(f"A copy of our own message {ours.pk}", ends=LetterState.IGNORED)
    automatic = judge_automatic(filing.letter, filing.bounce)
    if automatic.kind:
        filing.automatic = True
        filing.auto_reply = automatic.kind == AutomaticKind.AUTO_REPLY
        if filing.bounce is None:
            filing.flags.append(f"automatic:{automatic.kind}")
        return Verdict(f"Automatic mail: {automatic.kind} ({', '.join(automatic.evidence)})")
    return None


def _is_for_us(filing: Filing, recipients: object) -> bool:
    """An agent may write to another mailbox of this desk; that is a letter, not a copy."""
    return bool({str(address).lower() for address in recipients} & filing.channel.addresses)  # type: ignore[attr-defined]
