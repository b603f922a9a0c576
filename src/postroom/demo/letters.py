"""Writes the customers' letters as bytes, the way different mail programs do (RFC 5322, 2045, 3834). Sends nothing."""

from __future__ import annotations

import html
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses

from postroom.demo.customers import Customer, Look
from postroom.demo.papers import make_paper

LONGEST_REFERENCES = 20
"""Message-IDs carried on; the first one is always kept."""
CRLF_SPACE = "\r\n "


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What goes into one letter. `to` is an address of the firm; `answered` is the raw message it answers, if any."""

    customer: Customer
    to: str
    subject: str
    text: str
    order: str
    when: datetime
    look: Look = Look.PLAIN
    file: str = ""
    answered: bytes = b""
    message_id: str = field(default="")


@dataclass(frozen=True)
class Answered:
    """What a customer sees of the message that they answer."""

    message_id: str
    references: tuple[str, ...]
    subject: str
    who: str
    address: str
    when: datetime | None
    text: str
    reply_to: str


def new_message_id(domain: str) -> str:
    """`<...@domain>`."""
    return f"<{secrets.token_hex(10)}@{domain}>"


def write_letter(sheet: Sheet) -> bytes:
    """The letter as its mail program would send it, lines ending in CRLF."""
    if sheet.look is Look.UNLABELLED:
        return _unlabelled(sheet)
    message = _headed(sheet)
    answered = read_answered(sheet.answered) if sheet.answered else None
    if sheet.look is Look.CP1250:
        message.set_content(_plain(sheet, answered), charset="windows-1250", cte="quoted-printable")
    elif sheet.look is Look.OUTLOOK:
        message.set_content(_outlook(sheet, answered), subtype="html", cte="quoted-printable")
    else:
        message.set_content(_plain(sheet, answered))
        if sheet.look in (Look.HTML, Look.SHOP, Look.NEWSLETTER):
            message.add_alternative(_html(sheet, answered), subtype="html", cte="quoted-printable")
    if sheet.file:
        paper = make_paper(sheet.file, sheet.order)
        main, sub = paper.kind.split("/")
        message.add_attachment(paper.data, maintype=main, subtype=sub, filename=paper.name)
    return _threaded(answered) + message.as_bytes()


def write_away(sheet: Sheet) -> bytes:
    """An automatic reply (RFC 3834 section 3): marked as such, and without a quote."""
    message = _headed(sheet)
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message["Precedence"] = "bulk"
    message.set_content(sheet.text + "\n")
    return _threaded(read_answered(sheet.answered)) + message.as_bytes()


def read_answered(raw: bytes) -> Answered:
    """What the customer's program shows of our message. Never raises on what a mail program writes."""
    found = message_from_bytes(raw, policy=policy.default)
    body = found.get_body(("plain",))
    _, address = (getaddresses([str(found.get("From", ""))]) or [("", "")])[0]
    name = getaddresses([str(found.get("From", ""))])[0][0] if found.get("From") else ""
    date = found["Date"]
    return Answered(
        message_id=str(found.get("Message-ID", "")).strip(),
        references=tuple(str(found.get("References", "")).split()),
        subject=str(found.get("Subject", "")),
        who=name or address,
        address=address,
        when=date.datetime if date is not None else None,
        text=body.get_content().strip() if body is not None else "",
        reply_to=getaddresses([str(found.get("Reply-To") or found.get("From", ""))])[0][1],
    )


def is_automatic(raw: bytes) -> bool:
    """Whether a machine wrote it: customers' machines do not answer machines (RFC 3834 section 2)."""
    found = message_from_bytes(raw, policy=policy.default)
    submitted = str(found.get("Auto-Submitted", "no")).lower()
    return not submitted.startswith("no") or str(found.get("Precedence", "")).lower() in ("bulk", "list", "junk")  # fmt: skip


def _headed(sheet: Sheet) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    customer = sheet.customer
    message["From"] = Address(customer.name, addr_spec=customer.address)
    message["To"] = sheet.to
    message["Subject"] = sheet.subject
    message["Date"] = format_datetime(sheet.when)
    message["Message-ID"] = sheet.message_id or new_message_id(customer.domain)
    if sheet.look is Look.NEWSLETTER:
        message["List-Id"] = f"{customer.name} <weekly.{customer.domain}>"
        message["List-Unsubscribe"] = f"<https://{customer.domain}/leave?u=8831>, <mailto:leave@{customer.domain}>"  # fmt: skip
        message["Precedence"] = "list"
    return message


def _threaded(answered: Answered | None) -> bytes:
    """The two thread fields, literally: `email` would encode long Message-IDs, and nobody could read them then."""
    if answered is None:
        return b""
    return (
        f"In-Reply-To: {answered.message_id}\r\nReferences: {CRLF_SPACE.join(_chain(answered))}\r\n".encode()
    )


def _chain(answered: Answered) -> tuple[str, ...]:
    whole = (*answered.references, answered.message_id)
    if len(whole) <= LONGEST_REFERENCES:
        return whole
    return (whole[0], *whole[1 - LONGEST_REFERENCES :])


def _wrote(sheet: Sheet, answered: Answered) -> str:
    words = sheet.customer.words
    date = answered.when.strftime(words.date) if answered.when else ""
    return words.wrote.format(date=date, who=f"{answered.who} <{answered.address}>")


def _plain(sheet: Sheet, answered: Answered | None) -> str:
    if answered is None:
        return _with_enclosure(sheet) + "\n"
    quoted = "\n".join(f"> {line}".rstrip() for line in answered.text.splitlines())
    return f"{sheet.text}\n\n{_wrote(sheet, answered)}\n{quoted}\n"


def _with_enclosure(sheet: Sheet) -> str:
    if sheet.look is not Look.SHOP:
        return sheet.text
    return f"{sheet.text}\n\n---------- Forwarded message ---------\nFrom: Nordlys <shop@nordlys.example>\nSubject: Your order {sheet.order} is on its way\n\nHurray! Your order {sheet.order} has left our warehouse."  # fmt: skip


def _paragraphs(text: str) -> str:
    paragraphs = (html.escape(one, quote=False).replace("\n", "<br>\n") for one in text.split("\n\n"))
    return "\n".join(f"<p>{one}</p>" for one in paragraphs)


def _direction(sheet: Sheet) -> str:
    return "rtl" if sheet.customer.language == "ar" else "ltr"


def _html(sheet: Sheet, answered: Answered | None) -> str:
    if sheet.look is Look.NEWSLETTER:
        return _newsletter(sheet)
    body = f'<div dir="{_direction(sheet)}">{_paragraphs(sheet.text)}</div>'
    if sheet.look is Look.SHOP and answered is None:
        body += _confirmation(sheet)
    if answered is not None:
        body += (
            f'<br><div class="gmail_quote"><div dir="{_direction(sheet)}" class="gmail_attr">{html.escape(_wrote(sheet, answered))}<br></div>'
            '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex">'
            f"{_paragraphs(answered.text)}</blockquote></div>"
        )
    return f"<html><body>{body}</body></html>\n"


def _outlook(sheet: Sheet, answered: Answered | None) -> str:
    style = "<style>p.MsoNormal {margin:0cm;font-size:11.0pt;font-family:Calibri,sans-serif}</style>"
    body = _paragraphs(sheet.text).replace("<p>", '<p class="MsoNormal">')
    if answered is not None:
        sent = answered.when.strftime(sheet.customer.words.date) if answered.when else ""
        body += (
            '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">'
            f"<b>From:</b> {html.escape(answered.who)} &lt;{html.escape(answered.address)}&gt;<br><b>Sent:</b> {sent}<br>"
            f"<b>To:</b> {html.escape(sheet.customer.name)}<br><b>Subject:</b> {html.escape(answered.subject)}</p></div>"
            f"{_paragraphs(answered.text)}"
        )
    return f'<html><head>{style}</head><body lang="{sheet.customer.language}"><div class="WordSection1">{body}</div></body></html>\n'


def _confirmation(sheet: Sheet) -> str:
    return f"""<div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: <b>Nordlys</b> &lt;shop@nordlys.example&gt;<br>Subject: Your order {sheet.order} is on its way<br></div>
<table width="600" cellpadding="0" cellspacing="0" style="background:#f4efe6;font-family:Georgia,serif"><tr><td style="padding:24px" align="center">
<img src="https://img.nordlys.example/mail/header.jpg" width="552" height="160" alt="Nordlys: light for long evenings"></td></tr>
<tr><td style="padding:0 24px 24px"><h2 style="color:#1d3b4f">Hurray! Your order {sheet.order} has left our warehouse.</h2>
<p>It will be with you in two to four days.</p><p><a href="https://track.nordlys.example/p/{sheet.order}" style="background:#1d3b4f;color:#ffffff;padding:12px 20px;text-decoration:none">Track the parcel</a></p></td></tr></table>
<img src="https://track.nordlys.example/o.gif?m={sheet.order}" width="1" height="1" alt=""></div>"""


def _newsletter(sheet: Sheet) -> str:
    lamps = "".join(
        f'<tr><td style="padding:12px"><img src="https://cdn.{sheet.customer.domain}/lamps/{number}.jpg" width="180" height="120" alt="Lamp {number}"></td>'
        f'<td style="padding:12px"><h3>{name}</h3><p>From {price} euros.</p></td></tr>'
        for number, (name, price) in enumerate((("Fjell", 149), ("Fyr", 89), ("Måne", 210), ("Sti", 64), ("Glød", 120)), 1)
    )  # fmt: skip
    return f"""<html><body style="background:#ffffff"><table width="620" align="center" style="font-family:Helvetica,Arial,sans-serif"><tr><td colspan="2"><img src="https://cdn.{sheet.customer.domain}/head.png" width="620" height="120" alt="{html.escape(sheet.customer.name)}">
{_paragraphs(sheet.text)}</td></tr>{lamps}<tr><td colspan="2" style="font-size:11px;color:#777777">You get this because you asked for it. <a href="https://{sheet.customer.domain}/leave?u=8831">Leave the list</a></td></tr></table>
<img src="https://open.{sheet.customer.domain}/p.gif?u=8831" width="1" height="1" alt=""></body></html>
"""


def _unlabelled(sheet: Sheet) -> bytes:
    """What old web forms send: raw 8-bit bytes, no MIME header at all. Characters outside Latin-1 become their nearest."""
    answered = read_answered(sheet.answered) if sheet.answered else None
    lines = [
        f"From: {sheet.customer.name} <{sheet.customer.address}>",
        f"To: {sheet.to}",
        f"Subject: {sheet.subject}",
        f"Date: {format_datetime(sheet.when)}",
        f"Message-ID: {sheet.message_id or new_message_id(sheet.customer.domain)}",
    ]
    if answered is not None:
        lines.append(_threaded(answered).decode().rstrip().replace("\r\n", "\n"))
    text = "\n".join((*lines, "", _plain(sheet, answered)))
    return text.translate(_NEAREST).encode("latin-1", "replace").replace(b"\n", b"\r\n")


_NEAREST = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "œ": "oe"})
