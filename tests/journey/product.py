"""The product as its users start it: a home, a setup file, `postroom serve` as a process tree. Not an import of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.servers.ports import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


class Product:
    """One running desk. `run` calls a command of it."""

    def __init__(self, home: Path, database_url: str = "") -> None:
        self.home, self.port = home, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("POSTROOM_", "DJANGO_"))}
        self.environment |= {
            "POSTROOM_HOME": str(home),
            "POSTROOM_PORT": str(self.port),
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.environment |= {"POSTROOM_UNDO_SECONDS": "1", "POSTROOM_LOG_LEVEL": "warning"}
        if database_url:
            self.environment["POSTROOM_DATABASE_URL"] = database_url
        self.process: subprocess.Popen[str] | None = None
        self.log = home / "log"

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`postroom ARGUMENTS`."""
        done = subprocess.run(
            [sys.executable, "-m", "postroom", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def apply(self, setup: str) -> str:
        """`postroom apply` of a file with this text."""
        path = self.home / "setup.toml"
        path.write_text(setup)
        return self.run("apply", str(path)).stdout

    def start(self) -> None:
        """`postroom serve`, until the pages answer."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "postroom", "serve"],
            env=self.environment,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(self.answers, within=60, what="the sign-in page")

    def answers(self) -> bool:
        """The pages are there."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def explain(self, name: str) -> list[dict[str, str]]:
        """`postroom explain NAME --json`."""
        return json.loads(self.run("explain", name, "--json").stdout)

    def stop(self) -> None:
        """As an operator does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(40)
        shutil.rmtree(self.home, ignore_errors=True)
