"""Writes the tables of docs/reference/setup-file.md anew: `python -m tests.actions.write_reference` after a key changed."""

from __future__ import annotations

import os
from pathlib import Path

import django

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "setup-file.md"

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from postroom.actions.setup.reference import rewritten

    PAGE.write_text(rewritten(PAGE.read_text()))
