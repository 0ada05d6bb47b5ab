"""What a record's page says of its clocks, and the page that counts how many promised times were kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flask import Response, request, url_for

from blueprints import context
from blueprints.addresses import address_of
from blueprints.app.processes.looks import moment
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import entity_of, page
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.model import Entity
from runtime.sla import reporting, showing
from runtime.sla.books import book_of
from runtime.sla.showing import Mark, Shown, Stretch, Told
from runtime.workspace import Workspace

_LOOKS = {
    "running": ("clock", "blue"),
    "paused": ("player-pause", "amber"),
    "met": ("circle-check", "green"),
    "breached": ("alert-triangle", "red"),
    "away": ("circle-dashed", "gray"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a clock did, or an alert, in words."""

    what: str
    iso: str | None
    when: str
    much: str


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock as a badge, and why it stands as it does. `badge` empty: the reader may not know."""

    label: str
    badge: str
    icon: str
    tint: str
    detail: str
    iso: str | None
    by: str
    lines: tuple[Line, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clocks:
    found: tuple[Clock, ...]
    report: str


def clocks(reader: Reader, entity: Entity, id: str) -> Clocks | None:
    """None for a record of which nothing is measured. Nothing is asked of entities without an SLA."""
    if book_of(reader.ws, entity) is None:
        return None
    latest: dict[tuple[str, str], Shown] = {}
    for each in showing.of_record(reader.ws, entity, id):
        latest[each.sla, each.target] = each
    if not latest:
        return None
    found = tuple(_clock(reader, each) for each in latest.values())
    return Clocks(found, url_for("app.sla_report", entity=entity.key))


def _clock(reader: Reader, shown: Shown) -> Clock:
    words, told = reader.words, shown.told
    label = words.label(shown.target_label)
    if told is None:
        return Clock(label, "", "lock", "gray", words.sla_hidden, None, "", (), ())
    icon, tint = _LOOKS[told.status]
    said, at = _detail(reader, told)
    return Clock(
        label=label,
        badge=_badge(words, told),
        icon=icon,
        tint=tint,
        detail=said,
        iso=None if at is None else at.isoformat(),
        by=_by(words, told),
        lines=tuple(_line(reader, each) for each in told.stretches),
        alerts=tuple(_alert(reader, each) for each in told.alerts),
    )


def _badge(words: Words, told: Told) -> str:
    if told.status == "breached":
        done = told.stopped_at is not None
        return words.sla_status_missed if done else words("sla_status_breached", over=span(words, -told.remaining))
    return words(f"sla_status_{told.status}", left=span(words, told.remaining))


def _detail(reader: Reader, told: Told) -> tuple[str, dt.datetime | None]:
    """The moment that counts, in words, and as it is."""
    words = reader.words
    if told.stopped_at is not None:
        return words("sla_done", at=moment(reader, told.stopped_at.isoformat())), told.stopped_at
    if told.due_at is None:
        at = told.breached_at
        return (words.sla_held, None) if at is None else (words("sla_was_due", at=moment(reader, at.isoformat())), at)
    said = "sla_was_due" if told.status == "breached" else "sla_due"
    return words(said, at=moment(reader, told.due_at.isoformat())), told.due_at


def _by(words: Words, told: Told) -> str:
    found = words(
        "sla_by", policy=words.label(told.policy[1]), level=words.label(told.level[1]), within=span(words, told.total)
    )
    if told.calendar is None:
        found += f" {words.sla_clock_round}"
    else:
        found += " " + words("sla_in_calendar", calendar=words.label(told.calendar[1]))
    return found if told.cycle == 1 else f"{found} · {words('sla_cycle', n=told.cycle)}"


def _line(reader: Reader, stretch: Stretch) -> Line:
    words = reader.words
    began = moment(reader, stretch.began.isoformat())
    until = words.sla_until_now if stretch.until is None else moment(reader, stretch.until.isoformat())
    what = words(f"sla_kind_{stretch.kind}")
    if stretch.kind == "stopped" and stretch.until is None:
        return Line(what, stretch.began.isoformat(), began, "")
    much = words("sla_counted", span=span(words, stretch.seconds))
    return Line(what, stretch.began.isoformat(), f"{began} – {until}", much)


def _alert(reader: Reader, mark: Mark) -> str:
    label = reader.words.label(mark.label)
    if mark.at is None:
        return reader.words("sla_alert_held", label=label)
    said = "sla_alert_came" if mark.reached else "sla_alert_comes"
    return reader.words(said, label=label, at=moment(reader, mark.at.isoformat()))


def span(words: Words, seconds: int) -> str:
    """A length of business time: in hours however many, since its days are not of 24."""
    minutes = max(seconds, 0) // 60
    parts = [words(key, n=n) for key, n in (("sla_h", minutes // 60), ("sla_m", minutes % 60)) if n]
    return " ".join(parts) or words.sla_less


# -- the report


def sla_report(entity: str) -> Response:
    """How many clocks were met, by target: `?since=2026-01-01&until=2026-02-01`, days in the reader's zone."""

    def found(ws: Workspace) -> Response:
        of, reader = entity_of(ws, entity), reader_of(ws)
        since, until = (_day(reader, name) for name in ("since", "until"))
        after = None if until is None else until + dt.timedelta(days=1)
        return page(
            ws,
            "sla_report.html",
            plural=reader.words.label(of.plural),
            rows=[
                (reader.words.label(each.sla_label), reader.words.label(each.target_label), each)
                for each in reporting.report(ws, of, since, after)
            ],
            since=_text(since),
            until=_text(until),
            urls={"list": address_of("app.find", entity=of.key), "self": url_for("app.sla_report", entity=of.key)},
        )

    return context.perform(found)


def _day(reader: Reader, name: str) -> dt.datetime | None:
    """The midnight of a day; what is no day is left out."""
    try:
        day = dt.date.fromisoformat(request.args.get(name, "")[:10])
        return dt.datetime.combine(day, dt.time(), reader.moment(reader.ws.now.isoformat()).tzinfo)
    except (ValueError, OverflowError):
        return None


def _text(day: dt.datetime | None) -> str:
    return "" if day is None else day.date().isoformat()


ROUTES = (Route("/app/<entity>/sla", "GET", sla_report, PAGE),)
