"""Does one step of a scenario, as the person who acts: through the same functions as pages and interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from metadata.access import platform_actor
from metadata.calendars import Calendar
from metadata.durations import after, after_in, parse_duration
from metadata.ids import uuid7
from metadata.model import Entity
from metadata.problems import Invalid, NotFound, PlatformError, kind
from metadata.scenarios import Act
from runtime import approvals, assigning, pools, queries, records
from runtime.approvals.keeping import requests
from runtime.hooks import receiving
from runtime.hooks.rows import incoming
from runtime.processes import buttons
from runtime.queries import Query
from runtime.records.operations import Verdict
from runtime.scenarios.naming import Cast
from runtime.scenarios.passing import pass_until
from runtime.scenarios.stage import Stage
from runtime.workspace import Workspace
from workflow.approvals.request import Request

NOTHING_FOUND = kind(
    "scenario.nothing_found",
    en="No record of {entity} meets the condition for who looks.",
    zh="没有{entity}的记录符合条件（按查看者的权限）。",
)
NO_REQUEST = kind(
    "scenario.no_request",
    en="There is no approval request for {record}. Submit it first.",
    zh="{record}没有审批申请，请先提交。",
)
NO_TASK = kind(
    "scenario.no_task",
    en="{person} has no open task in the approval of {record}.",
    zh="{person}在{record}的审批中没有待办任务。",
)
NO_HOOK = kind(
    "scenario.no_hook",
    en="{record} takes no messages: it is switched off or deleted.",
    zh="{record}不接收消息：已停用或已删除。",
)
NO_TIME = kind(
    "scenario.no_time",
    en="The time to wait for is over, or the calendar never has so much of it.",
    zh="等待的时间已过，或日历中没有足够的工作时间。",
)


def do(stage: Stage, cast: Cast, act: Act, step: str, by: str | None) -> None:
    """`step`: the key by which what is made or found is known; `by`: key of a person. Raises PlatformError."""
    if act.does == "wait":
        return _wait(stage, act)
    with stage.acting(None if by is None else cast.ids[by], write=act.does != "find") as ws:
        entity = ws.model.entity(act.entity or "")
        assert entity is not None, act.entity
        id = cast.ids.get(act.record or "", "")
        match act.does:
            case "create":
                made = records.create(ws, entity, cast.values(entity, act.values))
                cast.ids[step] = made.id
            case "update":
                confirm = ("*",) if act.confirm else ()
                records.update(ws, entity, id, cast.values(entity, act.values), confirm=confirm)
            case "delete":
                records.delete(ws, entity, id)
            case "restore":
                records.restore(ws, entity, id)
            case "find":
                cast.ids[step] = _found(ws, entity, act.where)
            case "press":
                buttons.press(ws, entity, id, act.name or "")
            case "submit":
                picks = {node: tuple(cast.ids[each] for each in people) for node, people in act.picks.items()}
                approvals.submit(ws, entity, id, picks, act.comment, approval=act.name)
            case "decide":
                _decide(ws, cast, entity, id, act)
            case "assign":
                assigning.assign(ws, entity, id, act.name or "")
            case "claim":
                _kept(pools.claim(ws, entity, [id]))
            case "receive":
                _receive(replace(ws, actor=platform_actor("workflow")), entity, id, act)
            case "give_back":
                _kept(pools.give_back(ws, entity, [id], act.comment, act.name or ""))


def _kept(verdicts: Sequence[Verdict]) -> None:
    problems = [problem for each in verdicts for problem in each.problems]
    if problems:
        raise Invalid(problems)


def _found(ws: Workspace, entity: Entity, where: str | None) -> str:
    page = queries.find(ws, Query(entity.id, where, ("-created_at", "-id"), ("id",), limit=1))
    if not page.raw:
        raise NotFound(NOTHING_FOUND(entity=entity.plural))
    return str(page.raw[0][0])


def _decide(ws: Workspace, cast: Cast, entity: Entity, id: str, act: Act) -> None:
    request = requests.newest_of(ws, entity.id, id)
    if request is None:
        raise NotFound(NO_REQUEST(record=act.record or ""))
    verb = act.name or ""
    body: dict[str, Any] = {"comment": act.comment} if act.comment else {}
    if act.to is not None:
        body["to"] = cast.ids.get(act.to, act.to)
    if act.of is not None:
        body["task"] = _task(request, cast.ids[act.of], act)
    if act.people:
        body |= {"people": [cast.ids[each] for each in act.people]}
    if act.how is not None:
        body["how"] = act.how
    if act.values:
        body["values"] = cast.values(entity, act.values)
    if act.picks:
        body["picks"] = {node: [cast.ids[each] for each in people] for node, people in act.picks.items()}
    if verb == "comment" and "people" in body:
        body["mentions"] = body.pop("people")
    approvals.act(ws, request.id, verb, body)


def _task(request: Request, person: str, act: Act) -> str:
    mine = [each.id for each in request.tasks if each.open and person in (each.assignee, each.deputy)]
    if not mine:
        raise NotFound(NO_TASK(person=act.of or "", record=act.record or ""))
    return mine[-1]


def _receive(ws: Workspace, entity: Entity, id: str, act: Act) -> None:
    """As behind the door for messages of other systems, which has looked at the signature."""
    hook = incoming(ws, str(queries.get(ws, entity.id, id)["name"]))
    if hook is None:
        raise NotFound(NO_HOOK(record=act.record or ""))
    receiving.receive(ws, receiving.Known(hook, uuid7()), act.body)


def _wait(stage: Stage, act: Act) -> None:
    now = stage.clock.moment
    if act.until is not None:
        moment = stage.local(act.until)
    else:
        span = parse_duration(act.span or "")
        calendar: Calendar | None = stage.model.get("calendars", act.calendar) if act.calendar else None
        reached = after(span, now, stage.zone) if calendar is None else after_in(calendar, span, now)
        moment = now if reached is None else reached
    if moment <= now:
        raise PlatformError(NO_TIME())
    pass_until(stage, moment)
