"""Writing many rows of one table fast: one prepared statement for all, instead of one that Django compiles for each batch.

Measured on filing, Django's `bulk_create` spends nine tenths of its time on building SQL. Numbers are taken from the table's own sequence
before the rows are written, so that rows may point at each other. Call inside a transaction; signals are not sent (we use none).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, models

Convert = Callable[[Any], Any]


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model and give them their numbers."""
    if not rows:
        return
    model = type(rows[0])
    for row, number in zip(rows, _numbers(model, len(rows)), strict=True):
        row.pk = number
    columns = _columns(model)
    marks = ", ".join(["%s"] * len(columns))
    quoted = ", ".join(f'"{field.column}"' for field, _ in columns)
    sql = f'INSERT INTO "{model._meta.db_table}" ({quoted}) VALUES ({marks})'
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_values(row, columns) for row in rows])
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def update(rows: Iterable[models.Model], names: Sequence[str]) -> None:
    """Write the named columns of existing rows of one model."""
    changed = list(rows)
    if not changed:
        return
    model = type(changed[0])
    columns = _columns(model)
    wanted = [(field, convert) for field, convert in columns if field.name in names]
    sets = ", ".join(f'"{field.column}" = %s' for field, _ in wanted)
    with connection.cursor() as cursor:
        cursor.executemany(
            f'UPDATE "{model._meta.db_table}" SET {sets} WHERE id = %s',
            [[*_values(row, wanted), row.pk] for row in changed],
        )


def _values(row: models.Model, columns: Sequence[tuple[models.Field, Convert]]) -> list[Any]:
    _resolve(row)
    # The instance's own dictionary: going through the fields' descriptors costs more than all the rest.
    held = row.__dict__
    return [None if (value := held[field.attname]) is None else convert(value) for field, convert in columns]


def _resolve(row: models.Model) -> None:
    """The row it points at may have got its number after it was pointed at."""
    for name, attname in _relations(type(row)):
        if row.__dict__[attname] is None:
            other = row._state.fields_cache.get(name)
            if other is not None:
                setattr(row, attname, other.pk)


@cache
def _relations(model: type[models.Model]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.attname) for field in model._meta.concrete_fields if field.is_relation)


@cache
def _columns(model: type[models.Model]) -> tuple[tuple[models.Field, Convert], ...]:
    return tuple((field, _converter(field)) for field in model._meta.concrete_fields if not field.generated)


def _converter(field: models.Field) -> Convert:
    if isinstance(field, models.DateTimeField):
        return _moment
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.CharField | models.TextField):
        return _text
    return _same


def _json(value: Any) -> str:
    # Most lists of a letter are empty.
    return "[]" if value == [] else json.dumps(value)


def _moment(value: datetime) -> Any:
    if connection.vendor == "sqlite":
        # What Django's own adapter writes, without its detours: UTC without an offset.
        return str((value if value.tzinfo is UTC else value.astimezone(UTC)).replace(tzinfo=None))
    return value


def _text(value: Any) -> str:
    return value if type(value) is str else str(value)


def _same(value: Any) -> Any:
    return value


def _numbers(model: type[models.Model], count: int) -> Sequence[int]:
    """The next numbers of the table; nobody else gets them."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [number for (number,) in cursor.fetchall()]
        # SQLite: the transaction holds the only write lock, and the sequence follows the largest number written.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
        start = (last[0] if last else 0) + 1
        return range(start, start + count)
