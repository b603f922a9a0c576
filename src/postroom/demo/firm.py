"""Nordlys, a made-up firm with a desk: its mailboxes, its people, and the setup file that says so. Changes no desk."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

DOMAIN = "nordlys.example"
MAILBOXES = tuple(f"{name}@{DOMAIN}" for name in ("help", "returns", "billing", "bonjour"))
FILE = "premises.json"
PASSWORD = "northern-lights"
"""Of everybody at the desk. It is printed at every start: this is for looking at, on loopback only."""


@dataclass(frozen=True)
class Person:
    """Somebody to sign in as."""

    email: str
    name: str
    role: str


PEOPLE = (
    Person(f"ingrid@{DOMAIN}", "Ingrid Solberg", "administrator"),
    Person(f"mateo@{DOMAIN}", "Mateo Reyes", "supervisor"),
    Person(f"anna@{DOMAIN}", "Anna Novak", "agent"),
    Person(f"ben@{DOMAIN}", "Ben Whitaker", "agent"),
    Person(f"chloe@{DOMAIN}", "Chloé Laurent", "agent"),
    Person(f"dana@{DOMAIN}", "Dana Haddad", "agent"),
)


@dataclass(frozen=True)
class Premises:
    """Where the firm's mail server is and with which passwords; kept, so that a second run finds the same."""

    imap_port: int
    smtp_port: int
    accounts: dict[str, str]


def move_in(folder: Path) -> Premises:
    """The premises kept in this folder, or new ones. A port that somebody else has taken meanwhile is exchanged."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE
    if path.exists():
        kept = premises_in(folder)
        found = Premises(_free(kept.imap_port), _free(kept.smtp_port), kept.accounts)
    else:
        found = Premises(_free(), _free(), {address: secrets.token_urlsafe(16) for address in MAILBOXES})
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(vars(found), file)
    part.replace(path)
    return found


def premises_in(folder: Path) -> Premises:
    """The premises kept in this folder, as they are."""
    return Premises(**json.loads((folder / FILE).read_text()))


def setup_text(premises: Premises) -> str:
    """The firm's setup file, for its mail server as it is now."""
    values = {f"{address.partition('@')[0]}_password": word for address, word in premises.accounts.items()}
    template = Template(files(__package__).joinpath("nordlys.toml").read_text(encoding="utf-8"))
    return template.substitute(values, imap=premises.imap_port, smtp=premises.smtp_port, password=PASSWORD)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free(wanted: int = 0) -> int:
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
