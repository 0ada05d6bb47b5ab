"""A calendar: the records of a month, week or day by a date, or as an agenda; never more than can be looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request

from blueprints import context, visibility
from blueprints.addresses import address_of
from blueprints.app import cards, hours, layouts, sieve
from blueprints.app.calendar_events import Event, Maker, Writer
from blueprints.app.shell import page, text_context
from blueprints.app.sieve import Sieve
from blueprints.app.spans import MODES, Span, day_text, instant, parse_day, span, weekday
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field, View
from metadata.problems import BadRequest, NotFound
from runtime import queries
from runtime.queries import Query
from runtime.queries.query import MAX_LIMIT, unknown_entity
from runtime.saved_views import SavedView
from runtime.workspace import Workspace

PER_DAY = {"month": 4, "week": 12, "day": 200, "agenda": 50}
"""Records of one day that are shown; the others are counted."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day with what is shown of it; `more`: how many are not."""

    date: dt.date
    name: str
    text: str
    events: tuple[Event, ...]
    more: int
    url: str
    new_url: str | None
    outside: bool
    today: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar's view as the actor may see it."""

    entity: Entity
    view: View
    start: Field
    until: Field | None
    color: Field | None
    face: cards.Face
    movable: bool
    creatable: bool
    drawer: str
    """Which form opens for something new: `quick` when the short one has the date, or the whole one."""

    @property
    def timed(self) -> bool:
        return self.start.type == "datetime"


def show(ws: Workspace, entity: Entity, view: View, mine: Sequence[SavedView] = ()) -> Response:
    """The whole page. Raises NotFound when the actor may not read the date."""
    words, reading = Words(context.language()), text_context(ws)
    calendar = visibility.kept_for(ws, ("calendar", view.id), lambda: _calendar(ws, entity, view))
    if calendar is None:
        raise NotFound(unknown_entity(name=view.key))
    asked = sieve.asked(view)
    today = cards.today(ws, reading.timezone)
    mode = request.args.get("mode", "")
    shown = span(mode if mode in MODES else "month", parse_day(request.args.get("day", "")) or today, words)
    try:
        found, problems = _found(ws, calendar, asked, shown, reading), []
    except BadRequest as error:
        found, problems = Found({}, {}), [each.message(words.lang) for each in error.problems]
    addresses = _addresses(calendar, asked)
    days = [_day(shown, each, found, addresses, words, today) for each in shown.days]
    return page(
        ws,
        "calendar.html",
        422 if problems else 200,
        heading=words.label(view.label),
        entity_label=words.label(entity.label),
        entity_plural=words.label(entity.plural),
        views=sieve.views(ws, entity, asked, words, mine),
        filters=sieve.filters(ws, entity, asked, words),
        asked=asked,
        searchable=bool(entity.search),
        problems=problems,
        calendar=calendar,
        span=shown,
        days=days,
        weekdays=[weekday(each.date, words) for each in days[:7]],
        events=Writer(words, calendar.movable),
        grid=hours.grid(days) if calendar.timed and shown.mode in ("week", "day") else None,
        any_event=any(each.events for each in days),
        overfull=found.overfull,
        timezone=reading.timezone,
        urls=_urls(calendar, asked, shown, found, today),
        modes=[
            {"key": each, "label": words(f"calendar_{each}"), "url": asked.url(entity, mode=each, day=str(shown.about))}
            for each in MODES
        ],
        kept=[("view", view.key), ("mode", shown.mode), ("day", str(shown.about))],
    )


def _calendar(ws: Workspace, entity: Entity, view: View) -> Calendar | None:
    readable = {each.id for each in visibility.readable(ws, entity)}
    props = view.props
    if props["from"] not in readable or not sieve.may_use(ws, entity, view):
        return None
    writable = {each.id for each in visibility.writable(ws, entity)}
    start = entity.fields[props["from"]]
    until = entity.fields.get(props["until"] or "") if props["until"] in readable else None
    moved = {start.id, *([until.id] if until is not None else ())}
    return Calendar(
        entity,
        view,
        start,
        until,
        entity.fields.get(props["color"] or "") if props["color"] in readable else None,
        cards.face(ws, entity, props.get("card", ()), None, view.id),
        visibility.may(ws, entity, "update") and moved <= writable,
        visibility.may(ws, entity, "create"),
        "quick" if start.id in layouts.quick_fields(ws, entity) else "",
    )


# -- the records


@dataclass(frozen=True, slots=True)
class Found:
    """Events by day, and how many there are on each."""

    by_day: Mapping[dt.date, Sequence[Event]]
    """Those that are shown."""
    counts: Mapping[dt.date, int]
    overfull: bool = False
    next: str | None = None


def _found(ws: Workspace, calendar: Calendar, asked: Sieve, shown: Span, reading: TextContext) -> Found:
    """One statement for what a person can look at; when there is more, a few records and a count for each day."""
    agenda = shown.mode == "agenda"
    limit = PER_DAY["agenda"] if agenda else MAX_LIMIT
    after = request.args.get("after") or None if agenda else None
    most = PER_DAY[shown.mode]
    page = _page(ws, calendar, asked, shown.first, shown.last, reading, limit, after)
    if page.next is None or agenda:
        spread = _maker(calendar, reading).spread(queries.as_json(page), shown)
        by_day = _carded(ws, calendar, {day: events[:most] for day, events in spread.items()}, reading)
        return Found(by_day, {day: len(events) for day, events in spread.items()}, next=page.next)
    some: dict[dt.date, Sequence[Event]] = {}
    counts: dict[dt.date, int] = {}
    for each in shown.days:
        found = _page(ws, calendar, asked, each, each, reading, most, None, "capped")
        some[each] = [_maker(calendar, reading).event(record) for record in queries.as_json(found)]
        counts[each] = found.count or 0
    return Found(_carded(ws, calendar, some, reading), counts, overfull=True)


def _maker(calendar: Calendar, reading: TextContext) -> Maker:
    return Maker(calendar.start, calendar.until, calendar.color, reading.timezone)


def _carded(
    ws: Workspace, calendar: Calendar, events: Mapping[dt.date, Sequence[Event]], reading: TextContext
) -> dict[dt.date, Sequence[Event]]:
    """What is shown gets a card; what is only counted needs none."""
    records = {each.record["id"]: each.record for held in events.values() for each in held}
    made = cards.cards(ws, calendar.entity, calendar.face, [*records.values()], reading, True)
    by_id = {each.id: each for each in made}
    return {day: [replace(each, card=by_id[each.record["id"]]) for each in held] for day, held in events.items()}


def _page(
    ws: Workspace,
    calendar: Calendar,
    asked: Sieve,
    first: dt.date,
    last: dt.date,
    reading: TextContext,
    limit: int,
    after: str | None = None,
    count: Any = "none",
) -> queries.Page:
    more = (calendar.start, calendar.until, calendar.color)
    fields = (*calendar.face.asked, *(each.key for each in more if each is not None))
    query = Query(
        calendar.entity.id,
        where=sieve.condition(calendar.entity, asked, _between(calendar, first, last, reading.timezone)),
        sort=(calendar.start.key,),
        fields=tuple(dict.fromkeys(fields)),
        limit=limit,
        after=after,
        count=count,
        q=asked.q or None,
    )
    return queries.find(ws, query)


def _between(calendar: Calendar, first: dt.date, last: dt.date, timezone: str) -> str:
    """The condition that a record touches some days, as they are in the person's zone."""
    start, until = calendar.start.key, calendar.until.key if calendar.until is not None else None
    begin, end = str(first), str(last + dt.timedelta(days=1))
    if calendar.timed:
        begin, end = instant(first, timezone), instant(last + dt.timedelta(days=1), timezone)
    after = f"{start} >= '{begin}'"
    if until is not None:
        after = f"({after} or {until} >= '{begin}')"
    return f"{start} < '{end}' and {after}"


# -- what the template says


_ANY_DAY = "0000-00-00"


def _addresses(calendar: Calendar, asked: Sieve) -> tuple[str, str | None]:
    """Where a day is shown and where something new on it is written, for any day: built once, not for each."""
    new: dict[str, Any] = {calendar.start.key: f"{_ANY_DAY}T09:00" if calendar.timed else _ANY_DAY}
    return (
        asked.url(calendar.entity, mode="day", day=_ANY_DAY),
        address_of("app.new", entity=calendar.entity.key, **new) if calendar.creatable else None,
    )


def _day(
    shown: Span, date: dt.date, found: Found, addresses: tuple[str, str | None], words: Words, today: dt.date
) -> Day:
    some = tuple(found.by_day.get(date, ()))
    total = max(found.counts.get(date, 0), len(some))
    url, new_url = addresses
    return Day(
        date,
        weekday(date, words),
        day_text(date, words),
        some,
        total - len(some),
        url.replace(_ANY_DAY, str(date)),
        new_url.replace(_ANY_DAY, str(date)) if new_url is not None else None,
        shown.mode == "month" and date.month != shown.about.month,
        date == today,
    )


def _urls(calendar: Calendar, asked: Sieve, shown: Span, found: Found, today: dt.date) -> dict[str, str | None]:
    def at(day: dt.date, **more: Any) -> str:
        return asked.url(calendar.entity, mode=shown.mode, day=str(day), **more)

    return {
        "previous": at(shown.previous),
        "next": at(shown.next),
        "today": at(today),
        "later": at(shown.about, after=found.next) if found.next else None,
        "clear": address_of("app.find", entity=calendar.entity.key, view=calendar.view.key, mode=shown.mode),
        "new": address_of("app.new", entity=calendar.entity.key) if calendar.creatable else None,
    }
