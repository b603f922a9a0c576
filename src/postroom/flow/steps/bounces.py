"""Is it a report about a message of ours (RFC 3464)? Then it belongs to that message, whatever else its header says."""

from __future__ import annotations

from postroom.flow.filing import Desk, Filing, Verdict


def recognise(filing: Filing, desk: Desk) -> Verdict | None:
    """Tie a bounce to the exact message it is about, by our own ids only: a report can be forged too."""
    bounce = filing.bounce
    if bounce is None:
        return None
    filing.flags.append("bounce" if any(r.final for r in bounce.recipients) else "report")
    filing.automatic = True
    ids = [bounce.original_message_id, *filing.parents]
    filing.bounced = next((found for one in ids if one and (found := desk.own_message(one))), None)
    who = ", ".join(r.address for r in bounce.recipients[:3]) or "somebody"
    if filing.bounced is None:
        return Verdict(f"A {bounce.kind} report about {who}, but of no message of ours")
    filing.case = filing.bounced.case
    filing.needs_agent = any(r.final and r.action == "failed" for r in bounce.recipients)
    return Verdict(f"A {bounce.kind} report about {who}: message {filing.bounced.pk}")
