"""The records of a calendar: on which days each is, and how it is written there as HTML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from blueprints.app import cards, cells
from blueprints.app.spans import Span
from blueprints.assets import icon
from blueprints.texts import Words
from metadata.expressions.binding import zone
from metadata.model import Field

_NO_CARD = cards.Card("", 0, "", "")


@dataclass(frozen=True, slots=True)
class Event:
    """A record on a calendar. Minutes are since midnight of its first day; None for whole days."""

    record: Mapping[str, Any]
    first: dt.date
    last: dt.date
    tint: str
    start: str
    until: str
    minute: int | None = None
    minutes: int = 60
    card: cards.Card = _NO_CARD
    """Only of those that are shown."""

    @property
    def time(self) -> str:
        return "" if self.minute is None else f"{self.minute // 60:02}:{self.minute % 60:02}"

    @property
    def several_days(self) -> bool:
        return self.first != self.last


@dataclass(frozen=True, slots=True)
class Maker:
    """What of a record says when it is, and in which colour."""

    start: Field
    until: Field | None
    color: Field | None
    timezone: str

    def event(self, record: Mapping[str, Any]) -> Event:
        start = str(record[self.start.key])
        until = str(record.get(self.until.key) or "") if self.until is not None else ""
        first = cards.day_of(start, self.timezone)
        last = max(first, cards.day_of(until, self.timezone)) if until else first
        minute, minutes = self._minutes(start, until)
        return Event(record, first, last, self._tint(record), start, until, minute, minutes)

    def _tint(self, record: Mapping[str, Any]) -> str:
        color = self.color
        return cards.tint(color.option(str(record.get(color.key)))) if color is not None else "blue"

    def _minutes(self, start: str, until: str) -> tuple[int | None, int]:
        if self.start.type != "datetime":
            return None, 60
        begin = cards.moment_of(start)
        local = begin.astimezone(zone(self.timezone))
        minutes = int((cards.moment_of(until) - begin).total_seconds() // 60) if until else 60
        return local.hour * 60 + local.minute, max(minutes, 30)

    def spread(self, records: Iterable[Mapping[str, Any]], shown: Span) -> dict[dt.date, list[Event]]:
        """Every day with the events that touch it: those of several days first, then by time."""
        found: dict[dt.date, list[Event]] = {}
        for each in map(self.event, records):
            day = max(each.first, shown.first)
            while day <= min(each.last, shown.last):
                found.setdefault(day, []).append(each)
                day += dt.timedelta(days=1)
        for held in found.values():
            held.sort(key=lambda each: (not each.several_days, each.start))
        return found


class Writer:
    """Writes events as HTML: what is the same in all of them is made once for the page."""

    def __init__(self, words: Words, movable: bool) -> None:
        self._show = cells.shower(words)
        self._move = cells.safe(words.calendar_move)
        self._sign = str(icon("calendar-event")) if movable else ""

    def list(self, events: Sequence[Event], day: dt.date, long: bool = False) -> Markup:
        """The events of a day. `long`: with what their cards tell."""
        written = "".join([self._one(each, day, long, "") for each in events])
        return Markup(f'<ul class="cal-events{" long" if long else ""}">{written}</ul>') if written else Markup("")

    def placed(self, event: Event, day: dt.date, row: int, rows: int, lane: str) -> Markup:
        """One event on a grid of hours."""
        return Markup(self._one(event, day, False, f' data-row="{row}" data-rows="{rows}" data-lane="{lane}"'))

    def _one(self, event: Event, day: dt.date, long: bool, place: str) -> str:
        card = event.card
        title = cells.safe(card.title)
        told = "".join([f" · {cells.safe(each.text)}" for each in card.details])
        time = f"<time>{event.time}</time> " if event.time and event.first == day else ""
        return (
            f'<li class="{_class(event, day)}" data-event="{card.id}" data-version="{card.version}" '
            f'data-start="{event.start}" data-until="{event.until}" data-day="{event.first}" data-time="{event.time}" '
            f'data-title="{title}"{place}><a href="{card.url}" title="{title}{told}">{time}<span>{title}</span></a>'
            f"{self._told(card) if long else ''}{self._mover(title)}</li>"
        )

    def _told(self, card: cards.Card) -> str:
        parts = [
            f'<span title="{cells.safe(each.label)}"><span class="visually-hidden">{cells.safe(each.label)}</span> '
            f"{cards.said(each, self._show)}</span>"
            for each in card.details
        ]
        owner = f"<span>{cells.safe(card.owner)}</span>" if card.owner else ""
        return f'<p class="cal-event-details">{"".join(parts)}{owner}</p>'

    def _mover(self, title: str) -> str:
        if not self._sign:
            return ""
        return (
            f'<button class="cal-event-move" type="button" data-move hidden aria-label="{self._move}: {title}" '
            f'title="{self._move}">{self._sign}</button>'
        )


def _class(event: Event, day: dt.date) -> str:
    names = [
        name
        for name, is_so in (
            ("begins", event.first == day),
            ("ends", event.last == day),
            ("several", event.several_days),
        )
        if is_so
    ]
    return " ".join(["cal-event", f"tint-{event.tint}", *names])
