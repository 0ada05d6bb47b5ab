"""The clocks of a record and why they stand as they do, and how many were met."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.records import entity_of
from metadata.problems import BadRequest, Label, Problem, kind, say
from runtime.sla import reporting, showing
from runtime.sla.reporting import Count
from runtime.sla.showing import Shown, Told
from runtime.workspace import Workspace

NOT_A_MOMENT = kind(
    "argument_moment",
    en="{key} is a moment like 2026-01-31T09:00:00Z.",
    zh="{key} 必须是时间点，例如 2026-01-31T09:00:00Z。",
)


def clocks(entity: str, id: str) -> Response:
    """`{"data": [{sla, target, hidden, status, due_at, remaining_seconds, …, segments, alerts}]}`."""
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        lang = context.language()
        return json_answer({"data": [_shown(each, lang) for each in showing.of_record(ws, entity_of(ws, entity), id)]})

    return context.perform(found)


def report(entity: str) -> Response:
    """`{"data": [{sla, target, met, breached, late, running, paused, met_percent}]}` of clocks that began from `since`
    on and before `until`."""
    given = arguments.read(request, "since", "until")
    problems: list[Problem] = []
    since, until = (_moment(given, key, problems) for key in ("since", "until"))
    if problems:
        raise BadRequest(problems)

    def found(ws: Workspace) -> Response:
        lang = context.language()
        counts = reporting.report(ws, entity_of(ws, entity), since, until)
        return json_answer({"data": [_count(each, lang) for each in counts]})

    return context.perform(found)


def _moment(given: dict[str, str], key: str, problems: list[Problem]) -> dt.datetime | None:
    if key not in given:
        return None
    try:
        found = dt.datetime.fromisoformat(given[key])
        if found.tzinfo is not None:
            return found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    problems.append(NOT_A_MOMENT(key, key=key))
    return None


def _count(count: Count, lang: str) -> dict[str, Any]:
    return {
        "sla": _named(count.sla, count.sla_label, lang),
        "target": _named(count.target, count.target_label, lang),
        "met": count.met,
        "breached": count.breached,
        "late": count.late,
        "running": count.running,
        "paused": count.paused,
        "met_percent": count.percent,
    }


def _shown(shown: Shown, lang: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sla": _named(shown.sla, shown.sla_label, lang),
        "target": _named(shown.target, shown.target_label, lang),
        "hidden": shown.told is None,
    }
    return found if shown.told is None else found | _told(shown.told, lang)


def _told(told: Told, lang: str) -> dict[str, Any]:
    return {
        "status": told.status,
        "cycle": told.cycle,
        "policy": _named(*told.policy, lang),
        "level": _named(*told.level, lang),
        "within": told.within,
        "calendar": None if told.calendar is None else _named(*told.calendar, lang),
        "started_at": _iso(told.started_at),
        "due_at": _iso(told.due_at),
        "stopped_at": _iso(told.stopped_at),
        "breached_at": _iso(told.breached_at),
        "total_seconds": told.total,
        "used_seconds": told.used,
        "remaining_seconds": told.remaining,
        "used_percent": told.percent,
        "segments": [
            {"kind": each.kind, "from": _iso(each.began), "until": _iso(each.until), "business_seconds": each.seconds}
            for each in told.stretches
        ],
        "alerts": [
            {"key": each.key, "label": say(each.label, lang), "at": _iso(each.at), "reached": each.reached}
            for each in told.alerts
        ],
    }


def _named(key: str, label: Label, lang: str) -> dict[str, str]:
    return {"key": key, "label": say(label, lang)}


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
