"""How long decisions take: by approval, node and person, in business time, for those who look after the approvals.

Numbers are counted by the database. Times are computed from the newest tasks, so the cost has a bound.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metadata.approvals import Approval, Human
from metadata.calendars import Calendar, business_time_between
from metadata.expressions.printing import quoted
from metadata.problems import BadRequest, Forbidden, NotFound, kind, say
from runtime import queries
from runtime.approvals.keeping import definitions
from runtime.approvals.keeping.listing import REQUEST, TASK, as_platform, id_of, node_name
from runtime.approvals.showing.boxes import definition
from runtime.approvals.world.people import People
from runtime.queries import Query
from runtime.queries.query import MAX_LIMIT
from runtime.queries.rules import token_allows
from runtime.workspace import Workspace

LONGEST = dt.timedelta(days=366)
USUAL = dt.timedelta(days=30)
MOST = 5_000
"""Tasks, the newest ones, whose times are looked at."""
_PEOPLE = 100
_DECIDED = frozenset({"approved", "rejected", "returned"})
_OPEN = frozenset({"pending", "waiting", "approving"})
_FIELDS = ("approval", "node", "assignee", "decided_by", "state", "opened_at", "decided_at", "due")

MAY_NOT = kind(
    "approval_times_closed",
    en="Times are shown to those who look after an approval. Ask an administrator.",
    zh="仅审批管理员可以查看审批用时，请联系管理员。",
)
BAD_PERIOD = kind(
    "approval_times_period",
    en="A period is two days like 2027-03-01, the first before the last, {days} days apart at most.",
    zh="时间段由两个日期组成（如 2027-03-01），开始不晚于结束，最长 {days} 天。",
)
NO_APPROVAL = kind(
    "approval_times_unknown",
    en="There is no approval {name} that you look after.",
    zh="没有由您管理的审批 {name}。",
)


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included, in the tenant's zone; None: the last 30. `approval`: id or key of one."""

    first: dt.date | None = None
    last: dt.date | None = None
    approval: str | None = None


def period(first: str | None, last: str | None, approval: str | None) -> Period:
    """What somebody asks for. Raises BadRequest."""
    try:
        begin = dt.date.fromisoformat(first) if first else None
        end = dt.date.fromisoformat(last) if last else None
    except ValueError:
        raise BadRequest(BAD_PERIOD("from", days=LONGEST.days)) from None
    return Period(begin, end, approval or None)


def looks_after(ws: Workspace) -> tuple[Approval, ...]:
    """The approvals whose times the actor may see: those that he looks after."""
    entity = ws.model.entity(TASK)
    if ws.actor.user is None or entity is None or not token_allows(ws.model, ws.actor, entity, "read"):
        return ()
    return tuple(each for each in ws.model.all("approvals") if definitions.administers(ws, each))


def times(ws: Workspace, asked: Period) -> dict[str, Any]:
    """`{"from", "until", "capped", "approvals": [...]}`, times in seconds.

    Of each approval `requests` by state, `nodes` and `people`; of a node how many tasks were decided (`count`), the
    `median` and `p90` of their times, how many `rejected`, `returned`, `timed_out`, passed by themselves (`automatic`),
    were late (`overdue`) or are open (`waiting`); `business`: whether time counts by a calendar. Raises Forbidden,
    NotFound, BadRequest.
    """
    mine = looks_after(ws)
    if not mine:
        raise Forbidden(MAY_NOT())
    if asked.approval is not None:
        mine = tuple(each for each in mine if asked.approval in (each.id, each.key))
        if not mine:
            raise NotFound(NO_APPROVAL("approval", name=asked.approval[:80]))
    first, last = _days(ws, asked)
    within = _within(ws, "opened_at", first, last)
    which = " or ".join(f"approval == {quoted(each.id)}" for each in mine)
    where = f"({which}) and kind != 'copy' and kind != 'initiator' and {within}"
    rows, capped = _rows(ws, where)
    counted = queries.aggregate(as_platform(ws), TASK, ("approval", "node", "state"), ("count",), where)
    asked_for = f"({which}) and {_within(ws, 'submitted_at', first, last)}"
    ended = queries.aggregate(as_platform(ws), REQUEST, ("approval", "state"), ("count",), asked_for)
    people = People(ws)
    people.known(id_of(row["decided_by"]) or id_of(row["assignee"]) for row in rows)
    return {
        "from": first.isoformat(),
        "until": last.isoformat(),
        "capped": capped,
        "approvals": [_approval(ws, people, each, rows, counted, ended) for each in mine],
    }


def _days(ws: Workspace, asked: Period) -> tuple[dt.date, dt.date]:
    today = ws.now.astimezone(People(ws).zone("")).date()
    last = asked.last or today
    first = asked.first or last - USUAL
    if not dt.timedelta() <= last - first <= LONGEST:
        raise BadRequest(BAD_PERIOD("from", days=LONGEST.days))
    return first, last


def _within(ws: Workspace, field: str, first: dt.date, last: dt.date) -> str:
    zone = People(ws).zone("")
    days = (first, last + dt.timedelta(1))
    begin, end = (dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in days)
    return f"{field} >= '{begin:%Y-%m-%dT%H:%M:%SZ}' and {field} < '{end:%Y-%m-%dT%H:%M:%SZ}'"


def _rows(ws: Workspace, where: str) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    while len(found) < MOST:
        query = Query(TASK, where=where, fields=_FIELDS, sort=("-opened_at",), limit=MAX_LIMIT, after=after)
        page = queries.find(as_platform(ws), query)
        found += queries.as_json(page)
        after = page.next
        if after is None:
            return found, False
    return found, True


def _approval(
    ws: Workspace,
    people: People,
    approval: Approval,
    rows: Sequence[Mapping[str, Any]],
    counted: Sequence[Mapping[str, Any]],
    ended: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    mine = [row for row in rows if row["approval"] == approval.id]
    humans = {each.id: each for each in approval.every() if isinstance(each, Human)}
    # Nodes of former descriptions have their times too.
    ids = list(dict.fromkeys((*humans, *(str(row["node"]) for row in mine))))
    states: dict[str, dict[str, int]] = {}
    for each in counted:
        if each["approval"] == approval.id:
            states.setdefault(str(each["node"]), {})[_state(each)] = each["count"]
    nodes = [_node(ws, approval, id, humans.get(id), [row for row in mine if row["node"] == id], states) for id in ids]
    return {
        "approval": definition(ws, approval.id, say(approval.label, ws.actor.language)),
        "requests": {_state(each): each["count"] for each in ended if each["approval"] == approval.id},
        "nodes": nodes,
        "bottleneck": _bottleneck(nodes),
        "people": _by_person(ws, people, humans, mine),
    }


def _state(row: Mapping[str, Any]) -> str:
    state = row["state"]
    return str(state.get("key") or state.get("id")) if isinstance(state, Mapping) else str(state)


def _node(
    ws: Workspace,
    approval: Approval,
    id: str,
    node: Human | None,
    rows: Sequence[Mapping[str, Any]],
    states: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    calendar, mine = _calendar(ws, node), states.get(id, {})
    return {
        "node": id,
        "label": node_name(approval, id, ws.actor.language),
        "business": calendar is not None,
        **_spread(_spans(calendar, rows)),
        "count": sum(mine.get(each, 0) for each in _DECIDED),
        "rejected": mine.get("rejected", 0),
        "returned": mine.get("returned", 0),
        "timed_out": mine.get("expired", 0),
        "waiting": sum(mine.get(each, 0) for each in _OPEN),
        "automatic": sum(row["state"] in _DECIDED and row["decided_by"] is None for row in rows),
        "overdue": sum(_late(ws, row) for row in rows),
    }


def _calendar(ws: Workspace, node: Human | None) -> Calendar | None:
    """By which calendar a node's time counts: that of its timeout, else the only one that there is."""
    named = node.timeout.calendar if node is not None and node.timeout is not None else None
    known = ws.model.index.get("calendars", {})
    id = named or (next(iter(known)) if len(known) == 1 else None)
    found: Calendar | None = None if id is None else ws.model.get("calendars", id)
    return found


def _spans(calendar: Calendar | None, rows: Iterable[Mapping[str, Any]]) -> list[float]:
    """Seconds from being asked to deciding, of what a person has decided."""
    found = []
    for row in rows:
        if row["state"] in _DECIDED and row["decided_by"] is not None and row["opened_at"] and row["decided_at"]:
            first, last = (dt.datetime.fromisoformat(row[each]) for each in ("opened_at", "decided_at"))
            worked = None if calendar is None else business_time_between(calendar, first, last)
            found.append((last - first).total_seconds() if worked is None else worked / 1_000_000)
    return sorted(found)


def _spread(spans: Sequence[float]) -> dict[str, Any]:
    """The median and the ninetieth of a hundred, by nearest rank; None of nothing."""

    def rank(share: float) -> int | None:
        return round(spans[max(0, math.ceil(share * len(spans)) - 1)]) if spans else None

    return {"median": rank(0.5), "p90": rank(0.9)}


def _late(ws: Workspace, row: Mapping[str, Any]) -> bool:
    if row["due"] is None:
        return False
    ended = dt.datetime.fromisoformat(row["decided_at"]) if row["decided_at"] else ws.now
    return ended > dt.datetime.fromisoformat(row["due"]) or row["state"] == "expired"


def _bottleneck(nodes: Sequence[Mapping[str, Any]]) -> str | None:
    """The node that takes longest."""
    timed = [each for each in nodes if each["median"] is not None]
    return max(timed, key=lambda each: each["median"])["node"] if timed else None


def _by_person(
    ws: Workspace, people: People, humans: Mapping[str, Human], rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Who decides how much and how fast, those with most to do first."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(id_of(row["decided_by"]) or id_of(row["assignee"]), []).append(row)
    told = []
    for person, mine in grouped.items():
        spans = [span for row in mine for span in _spans(_calendar(ws, humans.get(str(row["node"]))), [row])]
        told.append(
            {
                "person": {"id": person, "name": people.name(person)},
                "count": len(spans),
                **_spread(sorted(spans)),
                "waiting": sum(row["state"] == "pending" for row in mine),
                "overdue": sum(_late(ws, row) for row in mine),
            }
        )
    return sorted(told, key=lambda each: (-each["waiting"] - each["count"], each["person"]["name"]))[:_PEOPLE]
