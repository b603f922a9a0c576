"""A small desk for the tests of administration: an administrator, an agent, a queue, values of a channel and a sender."""

from __future__ import annotations

from typing import Any

from postroom.models import Queue, Role, User

PASSWORD = "a lamp in the harbour"


def administrator(name: str = "Ada", **more: Any) -> User:
    return User.objects.create_user(
        f"{name.lower()}@desk.test", name, role=Role.ADMINISTRATOR, password=PASSWORD, **more
    )


def agent(name: str = "Max", **more: Any) -> User:
    return User.objects.create_user(f"{name.lower()}@desk.test", name, password=PASSWORD, **more)


def queue(name: str = "Support") -> Queue:
    return Queue.objects.create(name=name)


def channel_values(**more: Any) -> dict[str, Any]:
    usual = {
        "name": "Support",
        "key": "SUP",
        "address": "support@desk.test",
        "connector": "imap",
        "settings": {"host": "imap.desk.test", "port": 993, "login": "support"},
        "password": "mailbox-secret",
    }
    return {**usual, **more}


def sender_values(**more: Any) -> dict[str, Any]:
    usual = {
        "name": "Support",
        "address": "support@desk.test",
        "settings": {"host": "smtp.desk.test", "port": 587, "login": "support"},
        "password": "mailbox-secret",
    }
    return {**usual, **more}
