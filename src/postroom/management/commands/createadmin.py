"""`postroom createadmin EMAIL [NAME]`: makes an administrator, or lets one in again who forgot the password. Exit 2 if refused."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from postroom.actions.passwords import set_password
from postroom.actions.people import change_person, create_person, switch_person
from postroom.actions.refusals import Refused
from postroom.management.database import prepare_database
from postroom.models import User


class Command(BaseCommand):
    help = "Make an administrator. The password is asked for, or read from standard input when that is no terminal."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name", nargs="?", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        prepare_database()
        password = _ask()
        try:
            with transaction.atomic():
                person = _administrator(options["email"], options["name"])
                set_password(person, by=None, password=password)
        except Refused as no:
            raise CommandError(no.text, returncode=2) from None
        self.stdout.write(f"{person.name} is an administrator and signs in as {person.email}.")


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password (12 characters or more): ")
    if getpass.getpass("Once more: ") != password:
        raise CommandError("The two passwords differ. Type the same one twice.", returncode=2)
    return password


def _administrator(email: str, name: str) -> User:
    person = User.objects.filter(email=email.strip().lower()).first()
    if person is None:
        return create_person(by=None, values={"email": email, "name": name or email, "role": "administrator"})
    person = change_person(person, by=None, values={"role": "administrator"})
    return switch_person(person, by=None, on=True)
