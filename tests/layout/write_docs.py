"""Writes the tables of docs/reference that come from the code anew: `python -m tests.layout.write_docs` after a setting changed."""

from __future__ import annotations

from tests.layout.documents import REFERENCE, TABLES, filled

if __name__ == "__main__":
    for page in TABLES:
        path = REFERENCE / page
        path.write_text(filled(page, path.read_text(encoding="utf-8")), encoding="utf-8")
