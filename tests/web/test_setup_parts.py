"""The small parts of the set-up pages: sparklines, what a form becomes, how the reports bound what they read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from postroom.actions import protocols
from postroom.actions.channel_fields import FIELDS
from postroom.models import Channel, LetterState, Queue, RawMessage
from postroom.models.secret import verify_key
from postroom.reports.mailboxes import (
    HOURS,
    Wanted,
    lines,
    median_delay,
    newest_before,
    numbers,
    traffic_of_channels,
)
from postroom.web.components.sparkline import sparkline
from postroom.web.setup import connection, inputs


def test_a_sparkline_says_its_sum_and_its_highest_in_words() -> None:
    drawn = sparkline([0, 4, 2], what="emails collected")
    assert 'aria-label="6 emails collected in 3 hours, at most 4 in one"' in drawn
    assert drawn.count("<path") == 2
    assert "svg" not in sparkline([0, 0], what="emails collected")
    assert 'class="spark bad"' in sparkline([1], what="emails", bad=True)


def test_a_select_of_rows_gives_a_number_even_where_a_row_is_named_like_one() -> None:
    post = QueryDict("default_queue=12&name=12&all_folders=false&all_folders=true")
    assert inputs.typed(post, FIELDS) == {"default_queue": 12, "name": "12", "all_folders": "true"}


def test_what_a_provider_fixes_is_not_taken_from_the_form() -> None:
    post = QueryDict("connector=imap&preset=gmail&settings.host=evil.example&settings.login=me&password=x")
    typed = connection.typed_connection(post, protocols.inboxes())
    assert typed["settings"] == {"host": "imap.gmail.com", "port": 993, "security": "tls", "login": "me"}


def test_the_port_of_the_other_protocol_becomes_this_ones() -> None:
    values = {"connector": "pop3", "preset": "custom", "settings": {"port": "993"}}
    assert connection.after_choice(values, protocols.inboxes())["settings"]["port"] == 995
    own = {"connector": "pop3", "preset": "custom", "settings": {"port": "1995"}}
    assert connection.after_choice(own, protocols.inboxes())["settings"]["port"] == "1995"


def test_an_unknown_protocol_falls_back_to_a_known_one() -> None:
    assert (
        connection.typed_connection(QueryDict("connector=gopher&preset=none"), protocols.inboxes())[
            "connector"
        ]
        == "imap"
    )


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "9" * 30, "²"])
def test_a_row_number_that_is_none_is_zero(text: str) -> None:
    assert inputs.number(text) == 0


@pytest.fixture
def channel(db: None) -> Channel:
    """A channel that is on."""
    verify_key()
    queue = Queue.objects.create(name="Support")
    return Channel.objects.create(
        name="Help", key="H", address="help@desk.test", connector="imap", enabled=True, default_queue=queue
    )


def letter(channel: Channel, uid: int, at: datetime, **more: object) -> RawMessage:
    return RawMessage.objects.create(channel=channel, uid=str(uid), collected=at, **more)


def test_letters_are_counted_by_the_hour_and_silence_keeps_the_last(channel: Channel) -> None:
    now = timezone.now()
    quiet = Channel.objects.create(name="Quiet", key="Q", address="quiet@desk.test", connector="imap")
    old = letter(quiet, 1, now - timedelta(days=40))
    for uid, hours in enumerate((30, 5, 5, 0), start=1):
        letter(channel, uid, now - timedelta(hours=hours))
    letter(channel, 9, now, state=LetterState.GONE)
    found = traffic_of_channels([channel.pk, quiet.pk])
    assert sum(found[channel.pk].hours) == 3
    assert found[channel.pk].hours[-1] == 1
    assert found[channel.pk].hours[-6] == 2
    assert found[quiet.pk].last == old.collected
    assert found[quiet.pk].hours == [0] * HOURS


def test_what_happened_since_a_moment_is_read_without_what_lies_long_before(channel: Channel) -> None:
    now = timezone.now()
    long_ago = letter(channel, 1, now - timedelta(days=90))
    letter(channel, 2, now - timedelta(days=2))
    letter(channel, 3, now)
    assert newest_before(RawMessage, "collected", now) == long_ago.pk


def test_the_median_runs_from_arrival_to_filing_and_leaves_the_archive_out(channel: Channel) -> None:
    now = timezone.now()
    for uid, seconds in enumerate((2, 4, 60), start=1):
        letter(
            channel, uid, now, arrived=now, filed=now + timedelta(seconds=seconds), state=LetterState.FILED
        )
    letter(channel, 8, now, arrived=datetime(2001, 1, 1, tzinfo=UTC), filed=now, archive=True)
    letter(channel, 9, now)
    assert median_delay(RawMessage.objects.all()) == 4.0
    assert numbers().collected == 5


def test_letters_that_lay_there_before_the_channel_looked_are_not_in_the_median(channel: Channel) -> None:
    now = timezone.now()
    channel.folders.create(name="INBOX", opened=now)
    old, new = now - timedelta(days=30), now + timedelta(seconds=1)
    letter(channel, 1, now, arrived=old, filed=now, state=LetterState.FILED)
    letter(channel, 2, now, arrived=new, filed=new + timedelta(seconds=3), state=LetterState.FILED)
    assert median_delay(RawMessage.objects.all()) == 3.0


def test_an_empty_desk_has_no_median(db: None) -> None:
    assert numbers().median_seconds is None
    assert lines(Wanted()) == []
