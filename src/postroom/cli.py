"""The `postroom` command: Django's management commands under the product's own name."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from postroom.conf.setting import SettingErrors

DEMO_HOME = "var/demo"
"""Where `postroom demo` keeps its throw-away desk, below the current folder; never the home of a real desk."""


def main() -> None:
    """Run a command; an impossible option is told in one sentence instead of a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postroom.conf.django")
    if sys.argv[1:2] == ["demo"]:
        os.environ.setdefault("POSTROOM_HOME", os.path.abspath(DEMO_HOME))
    try:
        execute_from_command_line(["postroom", *sys.argv[1:]])
    except SettingErrors as wrong:
        for name, text in wrong.errors.items():
            print(f"postroom: {name}: {text}", file=sys.stderr)
        sys.exit(2)
