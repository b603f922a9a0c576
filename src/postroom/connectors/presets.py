"""What is known of common providers: where their servers are and how they sign in. Not the servers' behaviour (that is quirks)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A provider: `fills` maps a connector's name to setting values, which the form then fixes and hides.

    `sign_ins` are the kinds of sign-in that work there, the best first; `note` is what a person should know before.
    """

    name: str
    label: str
    fills: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sign_ins: tuple[str, ...] = ("password",)
    note: str = ""


def _at(host: str, port: int, security: str) -> dict[str, Any]:
    return {"host": host, "port": port, "security": security}


PRESETS: tuple[Preset, ...] = (
    Preset(
        "outlook365",
        "Outlook 365",
        {
            "imap": _at("outlook.office365.com", 993, "tls"),
            "pop3": _at("outlook.office365.com", 995, "tls"),
            "smtp": _at("smtp.office365.com", 587, "starttls"),
        },
        sign_ins=("oauth",),
        note="Microsoft 365 takes no passwords for IMAP and POP3; for SMTP the administrator must allow them. Sign in with Microsoft.",
    ),
    Preset(
        "gmail",
        "Gmail",
        {
            "imap": _at("imap.gmail.com", 993, "tls"),
            "pop3": _at("pop.gmail.com", 995, "tls"),
            "smtp": _at("smtp.gmail.com", 465, "tls"),
        },
        sign_ins=("oauth", "password"),
        note="With a password: two-step verification must be on, then make an app password and use that. POP3 shows neither spam nor letters already fetched elsewhere.",
    ),
    Preset(
        "yahoo",
        "Yahoo",
        {
            "imap": _at("imap.mail.yahoo.com", 993, "tls"),
            "pop3": _at("pop.mail.yahoo.com", 995, "tls"),
            "smtp": _at("smtp.mail.yahoo.com", 465, "tls"),
        },
        sign_ins=("password",),
        note="Make an app password in the account security page and use that.",
    ),
    Preset(
        "outlook",
        "Hotmail/Outlook.com",
        {
            "imap": _at("outlook.office365.com", 993, "tls"),
            "pop3": _at("outlook.office365.com", 995, "tls"),
            "smtp": _at("smtp-mail.outlook.com", 587, "starttls"),
        },
        sign_ins=("oauth",),
        note="Outlook.com takes no passwords from mail programs. Sign in with Microsoft. POP must be allowed in the mailbox's settings.",
    ),
    Preset("custom", "Other server"),
)

HINTS = {
    "office365.com": "Microsoft takes no passwords here: choose to sign in with Microsoft.",
    "outlook.com": "Microsoft takes no passwords here: choose to sign in with Microsoft.",
    "gmail.com": "Google wants an app password here, not the ordinary one, or a sign-in with Google.",
    "yahoo.com": "Yahoo wants an app password here, not the ordinary one.",
    "icloud.com": "Apple wants an app-specific password here, not the ordinary one.",
    "me.com": "Apple wants an app-specific password here, not the ordinary one.",
}


def preset(name: str) -> Preset:
    """The preset of this name. Raises KeyError."""
    return {p.name: p for p in PRESETS}[name]


def guess(address: str) -> Preset:
    """The preset that an email address suggests, else custom."""
    domain = address.rpartition("@")[2].strip().lower()
    if domain in ("gmail.com", "googlemail.com"):
        return preset("gmail")
    if domain.split(".")[0] in ("outlook", "hotmail", "live", "msn"):
        return preset("outlook")
    if domain.split(".")[0] in ("yahoo", "ymail", "rocketmail"):
        return preset("yahoo")
    return preset("custom")


def sign_in_hint(host: str) -> str:
    """What to know when this provider refuses a password, '' for others."""
    host = host.lower().rstrip(".")
    for domain, hint in HINTS.items():
        if host == domain or host.endswith("." + domain):
            return hint
    return ""
