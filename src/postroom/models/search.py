"""Full-text search of messages: FTS5 on SQLite, tsvector on PostgreSQL, one interface. Newest first.

The index is a table of its own (`post_search`), written by filing and sending, so that a rebuild never touches the messages.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

LIMIT_TEXT = 100_000


def index(rows: Sequence[tuple[int, str, str, str]]) -> None:
    """Add messages: (message id, subject, people, text)."""
    values = [(pk, subject, people, text[:LIMIT_TEXT]) for pk, subject, people, text in rows]
    if not values:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.executemany(
                "INSERT INTO post_search (message_id, body) VALUES (%s, setweight(to_tsvector('simple', %s), 'A') || "
                "setweight(to_tsvector('simple', %s), 'B') || to_tsvector('simple', %s)) ON CONFLICT (message_id) DO UPDATE SET body = excluded.body",
                values,
            )
        else:
            cursor.executemany(
                "INSERT OR REPLACE INTO post_search (rowid, subject, people, body) VALUES (%s, %s, %s, %s)",
                values,
            )


def search(text: str, *, limit: int = 50) -> list[int]:
    """Ids of the newest messages that hold every word; the last word may be a beginning."""
    words = [
        w
        for w in "".join(c if c.isalnum() or c in "@._-" else " " for c in text).split()
        if any(c.isalnum() for c in w)
    ]
    if not words:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            query = " & ".join(
                "'" + w.replace("'", "''") + "'" + (":*" if w is words[-1] else "") for w in words
            )
            cursor.execute(
                "SELECT message_id FROM post_search WHERE body @@ to_tsquery('simple', %s) ORDER BY message_id DESC LIMIT %s",
                [query, limit],
            )
        else:
            query = " ".join('"' + w + '"' + ("*" if w is words[-1] else "") for w in words)
            cursor.execute(
                "SELECT rowid FROM post_search WHERE post_search MATCH %s ORDER BY rowid DESC LIMIT %s",
                [query, limit],
            )
        return [row[0] for row in cursor.fetchall()]
