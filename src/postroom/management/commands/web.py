"""`postroom web`: serves the pages. Not the engine, which may run on another host; `serve` runs both."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.conf.deployment import deployment
from postroom.conf.parent import end_with_parent
from postroom.management.database import require_tables
from postroom.models.secret import KeyMissing, verify_key
from postroom.web.server import make_server


class Command(BaseCommand):
    help = "Serves the pages; stop it with Ctrl+C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default="", help=f"address to listen on; default: {deployment.options.host}"
        )
        parser.add_argument(
            "--port", type=int, default=0, help=f"port to listen on; default: {deployment.options.port}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        end_with_parent()
        try:
            require_tables()
            verify_key()
        except KeyMissing as wrong:
            raise CommandError(str(wrong)) from None
        server = make_server(host=options["host"], port=options["port"])
        self.stdout.write(f"Postroom listens on http://{server.config.host}:{server.config.port}")
        server.run()
