"""`postroom demo`: the whole product on a throw-away home, beside a mail world in which customers write and answer.

The product treats that world as any other mail server; it is set up by a setup file, as `postroom apply` does.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from postroom.actions.setup import SetupErrors, apply_text
from postroom.conf.deployment import deployment
from postroom.demo.firm import PASSWORD, PEOPLE, Premises, is_free, move_in, setup_text
from postroom.engine.run import AlreadyRunning, take_lock
from postroom.engine.supervise import Child, supervise
from postroom.management.preparing import prepare
from postroom.models.secret import KeyMissing

WORLD = "world"
"""The folder of the home with the demo's mail; a home that has it belongs to a demo."""
WORLD_STARTS_WITHIN = 20
"""Seconds."""


class Command(BaseCommand):
    """Prepare a home, start the world, then run pages and engine until told to end."""

    help = "Try it out: the whole product with a made-up firm and customers who write (on loopback only)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=deployment.options.port, help="port of the pages")
        parser.add_argument("--pace", type=float, default=40, help="usual seconds between two new letters; 0: no new ones")  # fmt: skip
        parser.add_argument("--seed", type=int, default=1, help="another number is another day")
        parser.add_argument("--fresh", action="store_true", help="begin anew: forgets the last demo")

    def handle(self, *args: Any, **options: Any) -> None:
        if any(find_spec(name) is None for name in ("pymap", "aiosmtpd")):
            raise CommandError("The demo needs two more packages: pip install 'postroom[demo]'")
        port: int = options["port"]
        if not is_free(port):
            raise CommandError(f"Port {port} is taken. Choose another one: postroom demo --port {port + 1}")
        self._take_home(fresh=options["fresh"])
        premises = move_in(deployment.home / WORLD)
        folder = str(deployment.home / WORLD)
        world = Child(["demo_world", "--folder", folder, "--pace", str(options["pace"]), "--seed", str(options["seed"])])  # fmt: skip
        try:
            prepare()
            world.keep_alive()
            _wait_for(world, premises)
            apply_text(setup_text(premises), folder=deployment.home)
            threading.Thread(target=self._tell_when_ready, args=(port,), daemon=True).start()
            supervise([world, *_desk(port)])
        except KeyMissing as wrong:
            raise CommandError(str(wrong)) from None
        except SetupErrors as wrong:
            raise CommandError("\n".join(str(problem) for problem in wrong.problems)) from None
        finally:
            world.ask_to_end()
            world.wait(time.monotonic() + 5)

    def _take_home(self, *, fresh: bool) -> None:
        home = deployment.home
        if (home / "postroom.sqlite3").exists() and not (home / WORLD).exists():
            raise CommandError(f"{home} is the home of a real desk. Set POSTROOM_HOME to another folder.")
        if not deployment.is_sqlite:
            raise CommandError("The demo has a database of its own. Unset POSTROOM_DATABASE_URL.")
        try:
            lock = take_lock()
        except AlreadyRunning:
            raise CommandError(f"Another demo is running on {home}.") from None
        if fresh:
            _empty(home)
        if lock is not None:
            # the engine will want it; closing the descriptor gives it up
            os.close(lock)

    def _tell_when_ready(self, port: int) -> None:
        """The address is worth something only once a browser can open it."""
        while not _answers(port):
            time.sleep(0.1)
        self._tell(port)

    def _tell(self, port: int) -> None:
        people = "\n".join(f"    {one.email:<28}{one.role:<15}{one.name}" for one in PEOPLE)
        self.stdout.write(
            f"\nPostroom is at http://127.0.0.1:{port}\n\nSign in as\n\n{people}\n\nEverybody's password is  {PASSWORD}\n"
            f"\nCustomers write every now and then, and answer what you send. Everything lies in {deployment.home}\n"
            "Ctrl+C ends it; it goes on where it was the next time.\n"
        )
        self.stdout.flush()


def _desk(port: int) -> list[Child]:
    # links in the pages carry the port that people really use
    own = {"POSTROOM_PORT": str(port)}
    return [Child(["web", "--host", "127.0.0.1", "--port", str(port)], own), Child(["engine"], own)]


def _wait_for(world: Child, premises: Premises) -> None:
    """Until the mail server answers, so that the engine does not begin with a refused connection."""
    deadline = time.monotonic() + WORLD_STARTS_WITHIN
    for port in (premises.imap_port, premises.smtp_port):
        while not _answers(port):
            if time.monotonic() > deadline:
                raise CommandError("The demo's mail server does not start.")
            world.keep_alive()
            time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _empty(home: Path) -> None:
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
