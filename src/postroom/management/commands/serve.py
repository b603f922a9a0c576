"""`postroom serve`: the whole product in one process tree."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.conf.deployment import deployment
from postroom.engine.supervise import Child, supervise
from postroom.management.preparing import first_administrator_link, prepare
from postroom.models.secret import KeyMissing


class Command(BaseCommand):
    """Migrate, then run web and engine until told to end."""

    help = "Run the whole product: pages and engine"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=deployment.options.host, help="address to listen on")
        parser.add_argument("--port", type=int, default=deployment.options.port, help="port to listen on")

    def handle(self, *args: Any, **options: Any) -> None:
        # Links carry the address that people really use, also in the processes started below.
        host, port = str(options["host"]), int(options["port"])
        deployment.options = replace(deployment.options, host=host, port=port)
        own = {"POSTROOM_HOST": host, "POSTROOM_PORT": str(port)}
        try:
            prepare()
        except KeyMissing as wrong:
            raise CommandError(str(wrong)) from None
        if link := first_administrator_link():
            self.stdout.write(
                f"\nCreate the administrator of this desk (the link works once):\n\n    {link}\n"
            )
        self.stdout.write(f"Postroom is at {deployment.base_url}\n")
        supervise([Child(["web", "--host", host, "--port", str(port)], own), Child(["engine"], own)])
