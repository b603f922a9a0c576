"""`postroom explain ID`: the trail of a letter, message or case."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.management.database import require_tables
from postroom.models import Case, Message, RawMessage
from postroom.reports.explain import Line, explain_case, explain_letter, explain_message


class Command(BaseCommand):
    """Print what happened, in order."""

    help = "Tell what happened to a letter (number or Message-ID), a message (m12) or a case (its reference, such as SUP-7)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "id", help="letter number, m<number> of a message, a case's reference, or a Message-ID"
        )
        parser.add_argument("--json", action="store_true", help="one JSON list of {at, what, words}")

    def handle(self, *args: Any, **options: Any) -> None:
        require_tables()
        lines = find(options["id"])
        if lines is None:
            raise CommandError(
                f"Nothing is known under {options['id']!r}. Give a letter's number, m<number>, a case's reference or a Message-ID."
            )
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    [
                        {"at": one.at.isoformat() if one.at else None, "what": one.what, "words": one.words}
                        for one in lines
                    ]
                )
            )
            return
        for one in lines:
            self.stdout.write(f"{one.at:%Y-%m-%d %H:%M:%S}  " if one.at else " " * 21, ending="")
            self.stdout.write(f"{one.what:<22} {one.words}")


def find(name: str) -> list[Line] | None:
    """The trail of whatever carries this name, or None."""
    name = name.strip().strip("<>")
    if _is_number(name):
        letter = RawMessage.objects.select_related("channel").filter(pk=int(name)).first()
        return explain_letter(letter) if letter else None
    if name[:1] == "m" and _is_number(name[1:]):
        message = Message.objects.filter(pk=int(name[1:])).first()
        return explain_message(message) if message else None
    key, _, number = name.rpartition("-")
    if key and _is_number(number) and "@" not in name:
        case = Case.objects.filter(pk=int(number)).first()
        return explain_case(case) if case else None
    letter = RawMessage.objects.select_related("channel").filter(message_id=name).order_by("-id").first()
    if letter:
        return explain_letter(letter)
    message = Message.objects.filter(message_id=name).first()
    return explain_message(message) if message else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
