"""The page of times: how long decisions take, by step and person, for those who look after an approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.app.approvals.speaking import speaking
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.problems import BadRequest
from runtime import approvals
from runtime.approvals.showing.times import MOST
from runtime.workspace import Workspace

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
_COUNTS = ("rejected", "returned", "timed_out", "automatic", "overdue", "waiting")


@dataclass(frozen=True, slots=True)
class Line:
    """One step, or one person. `counts`: text key and number of what happened at all."""

    name: str
    count: int
    median: str
    p90: str
    counts: tuple[tuple[str, int], ...]
    business: bool = False
    slowest: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One approval."""

    label: str
    states: tuple[tuple[str, int], ...]
    nodes: tuple[Line, ...]
    people: tuple[Line, ...]


def approval_times() -> Response:
    """`?from=&until=&approval=`."""
    return context.perform(_shown)


def _shown(ws: Workspace) -> Response:
    ws = speaking(ws)
    reader, given = reader_of(ws), request.args
    wrong: list[str] = []
    try:
        asked = approvals.period(given.get("from"), given.get("until"), given.get("approval"))
        told = approvals.times(ws, asked)
    except BadRequest as refused:
        wrong = [each.message(reader.words.lang) for each in refused.problems]
        told = approvals.times(ws, approvals.period(None, None, None))
    parts = [_part(reader, each) for each in told["approvals"]]
    chosen = given.get("approval", "")
    return page(
        ws,
        "approval_times.html",
        400 if wrong else 200,
        told=told,
        wrong=wrong,
        parts=[each for each in parts if each.nodes or each.states],
        capped=reader.words("approval_times_capped", count=MOST) if told["capped"] else "",
        kinds=[
            {"key": each.key, "label": reader.words.label(each.label), "chosen": chosen in (each.key, each.id)}
            for each in approvals.looks_after(ws)
        ],
    )


def _part(reader: Reader, told: Mapping[str, Any]) -> Part:
    words = reader.words
    nodes = [each for each in told["nodes"] if each["count"] or each["waiting"] or each["timed_out"]]
    return Part(
        told["approval"]["label"],
        tuple((words(f"approval_state_{state}"), count) for state, count in told["requests"].items()),
        tuple(_line(reader, each, each["label"], each["node"] == told["bottleneck"]) for each in nodes),
        tuple(_line(reader, each, each["person"]["name"] or "–", False) for each in told["people"]),
    )


def _line(reader: Reader, told: Mapping[str, Any], name: str, slowest: bool) -> Line:
    counts = tuple((reader.words(f"approval_times_{key}"), told[key]) for key in _COUNTS if told.get(key))
    median, p90 = (_span(reader, told[key]) for key in ("median", "p90"))
    return Line(name, told["count"], median, p90, counts, bool(told.get("business")), slowest)


def _span(reader: Reader, seconds: int | None) -> str:
    """A length of time in its two largest parts; a dash for none."""
    if seconds is None:
        return "–"
    if seconds >= _DAY:
        return reader.words("approval_span_days", days=seconds // _DAY, hours=seconds % _DAY // _HOUR)
    if seconds >= _HOUR:
        return reader.words("approval_span_hours", hours=seconds // _HOUR, minutes=seconds % _HOUR // _MINUTE)
    return reader.words("approval_span_minutes", minutes=max(1, round(seconds / _MINUTE)) if seconds else 0)


ROUTES = (Route("/app/-/approvals/times", "GET", approval_times, PAGE),)
