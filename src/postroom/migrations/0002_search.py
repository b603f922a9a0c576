"""The full-text index: FTS5 on SQLite, a tsvector table with GIN on PostgreSQL."""

from django.db import migrations

SQLITE = """
CREATE VIRTUAL TABLE post_search USING fts5(
    subject, people, body, content='', tokenize="unicode61 remove_diacritics 2 tokenchars '_'"
)
"""
POSTGRESQL = [
    "CREATE TABLE post_search (message_id bigint PRIMARY KEY, body tsvector NOT NULL)",
    "CREATE INDEX post_search_body ON post_search USING gin (body) WITH (fastupdate = on)",
]


def make(apps, editor):  # type: ignore[no-untyped-def]
    """Create the index for the database at hand."""
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else [SQLITE]:
        editor.execute(statement)


def drop(apps, editor):  # type: ignore[no-untyped-def]
    """Remove it."""
    editor.execute("DROP TABLE post_search")


class Migration(migrations.Migration):
    dependencies = [("postroom", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
