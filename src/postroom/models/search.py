"""Full-text search of messages: FTS5 on SQLite, tsvector on PostgreSQL, one interface. Newest first.

The index is a table of its own (`post_search`), written by filing and sending, so that a rebuild never touches the messages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from django.db import connection

LIMIT_TEXT = 100_000
MOST_WORDS = 50
"""Words of a question that count; nobody types more, and each costs a look into the index."""
ACCENTS = re.compile("[\u0300-\u036f]+")
NO_WORD = re.compile(r"\W+")


Entry = tuple[int, str, str, str]
"""Message id, subject, people, text."""


def index(rows: Sequence[Entry]) -> None:
    """Add messages that are not in the index yet."""
    values = [(pk, subject, people, text[:LIMIT_TEXT]) for pk, subject, people, text in rows]
    if not values:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.executemany(
                "INSERT INTO post_search (message_id, body) VALUES (%s, setweight(to_tsvector('simple', %s), 'A') || "
                "setweight(to_tsvector('simple', %s), 'B') || to_tsvector('simple', %s)) ON CONFLICT (message_id) DO UPDATE SET body = excluded.body",
                [(pk, *map(_plain, texts)) for pk, *texts in values],
            )
        else:
            cursor.executemany(
                "INSERT INTO post_search (rowid, subject, people, body) VALUES (%s, %s, %s, %s)",
                values,
            )


def has(pk: int) -> bool:
    """True if this message is in the index."""
    column = "message_id" if connection.vendor == "postgresql" else "rowid"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM post_search WHERE {column} = %s", [pk])
        return cursor.fetchone() is not None


def remove(rows: Sequence[Entry]) -> None:
    """Take messages out, given as they were put in: the index of SQLite keeps no text of its own to know the words by."""
    values = [(pk, subject, people, text[:LIMIT_TEXT]) for pk, subject, people, text in rows]
    if not values:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.executemany(
                "DELETE FROM post_search WHERE message_id = %s", [value[:1] for value in values]
            )
        else:
            cursor.executemany(
                "INSERT INTO post_search (post_search, rowid, subject, people, body) VALUES ('delete', %s, %s, %s, %s)",
                values,
            )


def search(text: str, *, limit: int = 50) -> list[int]:
    """Ids of the newest messages that hold every word; the last word may be a beginning."""
    words = [
        w
        for w in "".join(c if c.isalnum() or c in "@._-" else " " for c in text).split()
        if any(c.isalnum() for c in w)
    ][:MOST_WORDS]
    if not words:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            query = " & ".join(" <-> ".join(f"'{piece}'" for piece in _plain(word).split()) for word in words)
            query += ":*"
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


def _plain(text: str) -> str:
    """What FTS5 does by itself and PostgreSQL does not: words without accents, and addresses and numbers cut into words."""
    if not text.isascii():
        text = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return NO_WORD.sub(" ", text)
