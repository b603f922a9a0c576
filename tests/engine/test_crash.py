"""The crash harness, short: the engine dies with SIGKILL at every labelled point and nothing is lost or doubled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
URL = "POSTROOM_DATABASE_URL"
# The tests run once for each database; each run plays on its own.
DATABASES = ["postgresql" if os.environ.get(URL) else "sqlite"]


@pytest.mark.requirement("RX-03", "SE-09")
@pytest.mark.parametrize("database", DATABASES)
def test_an_engine_that_is_killed_at_every_point_loses_and_doubles_nothing(database):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    command = [sys.executable, "bench/crash.py", "--letters", "60", "--rounds", "1", "--database", database]
    played = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    print(played.stdout)
    assert played.returncode == 0, played.stdout + played.stderr[-3000:]
    figures = re.search(r"(\d+) letters, (\d+) labels x 1, (\d+) kills, 0 problems", played.stdout)
    assert figures is not None, played.stdout
    letters, labels, kills = map(int, figures.groups())
    assert letters >= 60
    assert labels >= 15
    assert kills >= labels
