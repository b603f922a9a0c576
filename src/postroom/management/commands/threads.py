"""`postroom threads PATH...`: the conversations of an mbox, a Maildir or a folder of letters. Reads files, writes nothing."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.mail.mailbox_threads import conversations_in
from postroom.mail.threads import SubjectMerging


class Command(BaseCommand):
    help = "Prints the conversations of letters on disk as lists of message ids, oldest conversation first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="+", type=Path, metavar="PATH", help="an mbox, a Maildir, a folder or a letter"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON list of lists of message ids")
        parser.add_argument(
            "--subjects",
            type=SubjectMerging,
            choices=list(SubjectMerging),
            default=SubjectMerging.EVERY,
            help="join conversations by subject: every (as IMAP servers do, RFC 5256), replies, never; default: every",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            conversations = conversations_in(options["paths"], subjects=options["subjects"])
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if options["json"]:
            self.stdout.write(json.dumps(conversations, ensure_ascii=False))
        else:
            self.stdout.write("\n\n".join("\n".join(conversation) for conversation in conversations))
