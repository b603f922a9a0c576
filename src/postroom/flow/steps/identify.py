"""Who wrote it: a contact we know by the address, or a new one."""

from __future__ import annotations

from postroom.flow.filing import Desk, Filing, Verdict
from postroom.models import Contact


def contact(filing: Filing, desk: Desk) -> Verdict | None:
    """Find or make the contact of the From address; the name is only what the sender claims."""
    sender = filing.letter.from_
    if sender is None or not sender.address:
        filing.flags.append("no-sender")
        return Verdict("It names no sender")
    found = desk.contacts.get(filing.from_key)
    if found is not None:
        filing.contact = found
        return Verdict(f"From {sender.address}, whom we know")
    filing.contact = Contact(name=sender.name[:200], created=filing.moment)
    desk.contacts[filing.from_key] = filing.contact
    return Verdict(f"From {sender.address}, a new contact")
