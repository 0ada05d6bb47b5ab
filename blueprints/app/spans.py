"""The days that a calendar shows: month, week, day or agenda, what they are called and where they begin in a zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from blueprints.texts import Words
from metadata.expressions.binding import zone

MODES = ("month", "week", "day", "agenda")
AGENDA_DAYS = 31
_EARLIEST, _LATEST = dt.date(1900, 1, 8), dt.date(2199, 12, 20)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days, both ends included. `about`: the day that was asked for."""

    mode: str
    about: dt.date
    first: dt.date
    last: dt.date
    previous: dt.date
    next: dt.date
    title: str

    @property
    def days(self) -> list[dt.date]:
        return [self.first + dt.timedelta(days=each) for each in range((self.last - self.first).days + 1)]


def span(mode: str, about: dt.date, words: Words) -> Span:
    """What a mode shows around a day; weeks begin on Monday."""
    about = min(max(about, _EARLIEST), _LATEST)
    week = about - dt.timedelta(days=about.weekday())
    match mode:
        case "week":
            last = week + dt.timedelta(days=6)
            beside = dt.timedelta(days=7)
            return Span(mode, about, week, last, about - beside, about + beside, range_text(week, last, words))
        case "day":
            beside = dt.timedelta(days=1)
            return Span(mode, about, about, about, about - beside, about + beside, day_text(about, words, year=True))
        case "agenda":
            last = about + dt.timedelta(days=AGENDA_DAYS - 1)
            beside = dt.timedelta(days=AGENDA_DAYS)
            return Span(mode, about, about, last, about - beside, about + beside, range_text(about, last, words))
    begin = about.replace(day=1)
    following = (begin + dt.timedelta(days=32)).replace(day=1)
    first = begin - dt.timedelta(days=begin.weekday())
    end = following - dt.timedelta(days=1)
    last = end + dt.timedelta(days=6 - end.weekday())
    return Span("month", about, first, last, begin - dt.timedelta(days=1), following, month_text(begin, words))


def parse_day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def weekday(day: dt.date, words: Words) -> str:
    return words.calendar_weekdays.split()[day.weekday()]


def month_text(day: dt.date, words: Words) -> str:
    return f"{day.year}年{day.month}月" if words.lang == "zh" else f"{_month(day, words)} {day.year}"


def day_text(day: dt.date, words: Words, year: bool = False) -> str:
    if words.lang == "zh":
        return (f"{day.year}年" if year else "") + f"{day.month}月{day.day}日 {weekday(day, words)}"
    return f"{weekday(day, words)}, {day.day} {_month(day, words)}" + (f" {day.year}" if year else "")


def range_text(first: dt.date, last: dt.date, words: Words) -> str:
    if words.lang == "zh":
        year = f"{last.year}年" if last.year != first.year else ""
        month = f"{last.month}月" if (last.year, last.month) != (first.year, first.month) else ""
        return f"{first.year}年{first.month}月{first.day}日 – {year}{month}{last.day}日"
    end = f"{last.day} {_month(last, words)} {last.year}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} – {end}"
    year = f" {first.year}" if first.year != last.year else ""
    return f"{first.day} {_month(first, words)}{year} – {end}"


def _month(day: dt.date, words: Words) -> str:
    return words.calendar_months.split()[day.month - 1]


def instant(day: dt.date, timezone: str) -> str:
    """The beginning of a day in a zone as a moment of a condition."""
    begin = dt.datetime(day.year, day.month, day.day, tzinfo=zone(timezone)).astimezone(dt.UTC)
    return begin.strftime("%Y-%m-%dT%H:%M:%SZ")
