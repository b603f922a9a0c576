"""`postroom explain` with what is no number and with a desk that has no tables yet: one sentence, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from postroom.management.commands.explain import find


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["²", "m²", "SUP-²", "9" * 30, "m" + "9" * 30, "SUP-" + "9" * 30, "-", "m", "<>"]
)
def test_what_is_no_name_of_anything_is_not_found(name):
    assert find(name) is None


def test_a_desk_without_tables_is_told_what_to_run(tmp_path: Path):
    environment = {**os.environ, "POSTROOM_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("POSTROOM_DATABASE_URL", None)
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    ran = subprocess.run(
        [sys.executable, "-m", "postroom", "explain", "1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "Run: postroom migrate" in ran.stderr
    assert "Traceback" not in ran.stderr
