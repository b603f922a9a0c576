"""Fast writing: the rows are the same as Django's own save would write, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.models import (
    Attachment,
    Case,
    Channel,
    Contact,
    ContactAddress,
    Event,
    Interaction,
    Message,
    RawMessage,
    bulk,
)
from tests.desk import make_desk

pytestmark = pytest.mark.django_db

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
moments = st.datetimes(
    datetime(1971, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def table_row(row: Any) -> dict[str, Any]:
    """The row as it lies in the table, without its number."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{row._meta.db_table}" WHERE id = %s', [row.pk])
        found = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    found.pop("id")
    return found


def both(model: type, **columns: Any) -> tuple[Any, Any]:
    """One row written by Django and one written by us."""
    theirs, ours = model(**columns), model(**columns)
    theirs.save()
    with transaction.atomic():
        bulk.insert([ours])
    return theirs, ours


@quick
@given(
    text=words,
    moment=moments,
    maybe=st.none() | moments,
    size=st.integers(0, 2**62),
    flag=st.booleans(),
    data=st.lists(values, max_size=3),
)
def test_a_letter_is_written_as_django_would(text, moment, maybe, size, flag, data):
    desk_free = {
        "channel": None,
        "subject": text,
        "collected": moment,
        "sent": maybe,
        "size": size,
        "partial": flag,
        "trail": data,
    }
    theirs, ours = both(RawMessage, **{**desk_free, "uid": "x"})
    assert table_row(ours) == table_row(theirs)
    ours.refresh_from_db()
    assert (ours.subject, ours.collected, ours.sent, ours.size, ours.partial, ours.trail) == (
        text,
        moment,
        maybe,
        size,
        flag,
        data,
    )


@quick
@given(text=words, moment=moments, data=values)
def test_messages_cases_and_events_are_written_as_django_would(text, moment, data):
    case = Case.objects.create(subject=text)
    one, other = both(
        Message,
        case=case,
        kind="in",
        text=text,
        subject=text,
        date=moment,
        created=moment,
        to=[{"name": text, "address": "a@b.example"}],
        flags=[data],
    )
    assert table_row(one) == table_row(other)
    one, other = both(Case, subject=text, participants=[text], created=moment, updated=moment)
    assert table_row(one) == table_row(other)
    one, other = both(Event, kind="case.test", at=moment, case=case, data={"data": data, "word": text})
    assert table_row(one) == table_row(other)
    one, other = both(Attachment, message=Message.objects.first(), name=text, size=5, inline=True)
    assert table_row(one) == table_row(other)


@quick
@given(
    text=words,
    state=st.sampled_from(["open", "pending", "closed"]),
    moment=moments,
    closed=st.none() | moments,
    data=st.lists(words, max_size=4),
)
def test_an_update_writes_the_named_columns_and_no_others(text, state, moment, closed, data):
    names = ("subject", "state", "updated", "closed", "participants")
    theirs, ours = (
        Case.objects.create(subject="before", preview="kept"),
        Case.objects.create(subject="before", preview="kept"),
    )
    ours.created = theirs.created
    ours.save()
    for one in (theirs, ours):
        one.subject, one.state, one.updated, one.closed, one.participants, one.preview = (
            text,
            state,
            moment,
            closed,
            data,
            "not this",
        )
    theirs.save(update_fields=names)
    with transaction.atomic():
        bulk.update([ours], names)
    assert table_row(ours) == table_row(theirs)
    assert table_row(ours)["preview"] == "kept"


def test_rows_may_point_at_rows_of_the_same_batch():
    desk = make_desk()
    with transaction.atomic():
        contact = Contact(name="Jonas")
        case = Case(subject="Parcel", contact=contact, queue=desk.queue, channel=desk.channel)
        message = Message(case=case, kind="in", contact=contact)
        bulk.insert([contact])
        bulk.insert(
            [ContactAddress(contact=contact, address="jonas@customer.example", key="jonas@customer.example")]
        )
        bulk.insert([case])
        bulk.insert([message])
        bulk.insert([Interaction(case=case, queue=desk.queue)])
    kept = Message.objects.select_related("case__contact", "case__queue").get()
    assert (kept.case.contact.name, kept.case.queue) == ("Jonas", desk.queue)
    assert Interaction.objects.get().case == kept.case
    assert ContactAddress.objects.get().contact == kept.case.contact


def test_numbers_go_on_after_rows_of_both_kinds_and_after_deletion():
    made = [Case.objects.create(subject="by Django")]
    for _ in range(3):
        rows = [Case(subject="by us") for _ in range(3)]
        with transaction.atomic():
            bulk.insert(rows)
        made += [*rows, Case.objects.create(subject="by Django")]
    assert [c.pk for c in made] == sorted({c.pk for c in made})
    highest = made[-1].pk
    Case.objects.all().delete()
    later = [Case(subject="later")]
    with transaction.atomic():
        bulk.insert(later)
    assert later[0].pk > highest


def test_a_row_the_table_refuses_writes_none_of_its_batch():
    desk = make_desk()
    same = {"channel": desk.channel, "uid": "1", "validity": "7"}
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([RawMessage(**same), RawMessage(**same)])
    assert not RawMessage.objects.exists()


def test_nothing_is_written_for_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        bulk.insert([])
        bulk.update([], ["subject"])


def test_a_written_row_is_one_that_django_updates():
    row = Case(subject="one")
    with transaction.atomic():
        bulk.insert([row])
    row.subject = "two"
    row.save()
    assert list(Case.objects.values_list("subject", flat=True)) == ["two"]
    assert Channel.objects.count() == 0
