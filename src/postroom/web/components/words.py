"""Times, durations and sizes as people say them, in the reader's language and time zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def say_when(when: datetime, now: datetime | None = None) -> str:
    """A moment in a list: the time today, "Yesterday", the day this year, the whole date otherwise."""
    moment, today = timezone.localtime(when), timezone.localtime(now or timezone.now())
    days = (today.date() - moment.date()).days
    if days == 0:
        return formats.time_format(moment, "H:i")
    if days == 1:
        return _("Yesterday")
    return formats.date_format(moment, "j M" if moment.year == today.year else "j M Y")


def say_when_fully(when: datetime) -> str:
    """A moment without doubt: day, year, time and zone."""
    moment = timezone.localtime(when)
    return f"{formats.date_format(moment, 'j F Y')}, {formats.time_format(moment, 'H:i:s')} {moment.tzname()}"


def say_duration(seconds: float) -> str:
    """A span of time in its two largest units: "8 s", "42 min", "1 h 12 min", "3 days"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return _("%(n)d s") % {"n": whole}
    minutes = whole // 60
    if minutes < 60:
        return _("%(n)d min") % {"n": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return _("%(h)d h %(m)02d min") % {"h": hours, "m": rest} if rest else _("%(h)d h") % {"h": hours}
    days = hours // 24
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def say_due(when: datetime, now: datetime | None = None) -> tuple[str, str]:
    """A due time as (words, state): state is "bad" when overdue, "warn" within the hour, else empty."""
    left = when - (now or timezone.now())
    if left < timedelta(0):
        return _("%(time)s overdue") % {"time": say_duration(-left.total_seconds())}, "bad"
    return say_duration(left.total_seconds()), "warn" if left <= timedelta(hours=1) else ""


def say_size(size: int) -> str:
    """A size in bytes with decimal units, as file managers show them: "182 kB", "1.4 MB"."""
    if size < 1000:
        return ngettext("%(n)d byte", "%(n)d bytes", size) % {"n": size}
    number = float(size)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.5 or unit == "GB":
            break
    places = 0 if unit == "kB" or number >= 100 else 1
    # Django cuts decimals off; people round.
    return f"{formats.number_format(round(number, places), places)} {unit}"
