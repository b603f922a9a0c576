"""May this letter come in: the channel's size limit, its start date, and its recipient-only switch (CH-07, CH-09, CH-12)."""

from __future__ import annotations

from postroom.flow.filing import Desk, Filing, Verdict
from postroom.mail.addresses import read_addresses
from postroom.models import LetterState, Start

DELIVERY = (
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Forwarded-To",
    "Resent-To",
    "Resent-Cc",
)
"""Headers that servers write about where a letter was delivered; looked at before To and Cc (CH-10)."""


def size(filing: Filing, desk: Desk) -> Verdict | None:
    """A letter above the limit is filed with what we have of it, marked, and can be fetched on demand."""
    if not filing.row.partial:
        return None
    filing.flags.append("oversize")
    return Verdict(
        f"{filing.row.size / 1048576:.1f} MB is above the channel's {filing.channel.max_size_mb} MB: head and text are kept"
    )


def start_date(filing: Filing, desk: Desk) -> Verdict | None:
    """POP3 tells no arrival date, so the start date is compared with the letter's own."""
    since = filing.channel.start_since
    if (
        filing.row.arrived is None
        and filing.channel.start == Start.SINCE
        and since
        and filing.letter.date
        and filing.letter.date < since
    ):
        return Verdict(f"Dated before {since:%Y-%m-%d}, the chosen start", ends=LetterState.IGNORED)
    return None


def recipient(filing: Filing, desk: Desk) -> Verdict | None:
    """Work out the address we were reached at; with recipient-only, leave aside what is addressed to nobody of ours."""
    address, evidence = reached(filing)
    if address:
        return Verdict(f"Reached at {address} ({evidence})")
    if filing.channel.recipient_only:
        return Verdict(
            f"Not addressed to {filing.channel.address} or an alias of it", ends=LetterState.IGNORED
        )
    return Verdict(f"Addressed to none of our names; it lay in the mailbox of {filing.channel.address}")


def reached(filing: Filing) -> tuple[str, str]:
    """The address of ours that the letter was sent to, and the header that shows it."""
    ours = filing.channel.addresses
    for name in DELIVERY:
        for value in filing.letter.headers.all(name):
            for one in read_addresses(value):
                if one.key in ours:
                    return one.address, name
    for name, people in (("To", filing.letter.to), ("Cc", filing.letter.cc), ("Bcc", filing.letter.bcc)):
        for one in people:
            if one.key in ours:
                return one.address, name
    return "", ""
