"""Approvals: where a record stands, asking for one, what waits for somebody, one request, what is done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.bulk import verdict_json
from blueprints.api.records import entity_of, version_of
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.problems import BadRequest, Problem, kind
from runtime import approvals
from runtime.workspace import Workspace

NOT_A_PERSON = kind(
    "approval_principal_bad",
    en="A principal is named by the id of a user.",
    zh="请使用用户 ID 指定委托人。",
)
NOT_TASKS = kind(
    "approval_tasks_bad",
    en="This is {{tasks, comment?}}: a list of task ids and a text.",
    zh="格式为 {{tasks, comment?}}：任务 ID 列表和文本。",
)


def approval_boxes() -> Response:
    """One box of the caller: `{"data", "next", "counts"}`; `?box=waiting|done|started|copied|given`."""
    given = arguments.read(request, "box", "approval", "overdue", "q", "limit", "after")
    problems: list[Problem] = []
    box = arguments.choice(given, "box", approvals.BOXES, "waiting", problems)
    overdue = arguments.choice(given, "overdue", ("false", "true"), "false", problems) == "true"
    limit = arguments.limit(given, problems)
    if problems:
        raise BadRequest(problems)

    def found(ws: Workspace) -> dict[str, Any]:
        page = approvals.boxes(
            ws,
            box,  # type: ignore[arg-type]
            approval=given.get("approval") or None,
            overdue=overdue,
            q=given.get("q") or None,
            limit=limit,
            after=given.get("after") or None,
        )
        return {**page, "counts": approvals.counts(ws)}

    return json_answer(context.perform(found))


def approval(id: str) -> Response:
    """One request with everything that a decision needs."""
    arguments.read(request)
    return json_answer(context.perform(lambda ws: approvals.show(ws, id)))


def approval_act(id: str, verb: str) -> Response:
    """Do one thing to a request: `{"task"?, "comment"?, "version"?, ...}`, see `runtime.approvals.acting.KEYS`."""
    arguments.read(request)
    body, raw = json_object(request)
    address = request.remote_addr

    def command(ws: Workspace) -> Written:
        return Written(approvals.summed_up(ws, approvals.act(ws, id, verb, body, address)))

    return write(command, raw)


def approval_bulk() -> Response:
    """Approve tasks together: `{"data": [{verdict, id, problems}]}` in the order of `tasks`."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "tasks", "comment")
    tasks, comment = body.get("tasks"), body.get("comment", "")
    texts = isinstance(tasks, list) and bool(tasks) and all(isinstance(each, str) for each in tasks)
    if not texts or not isinstance(comment, str) or len(comment) > approvals.LONGEST or "\x00" in comment:
        raise BadRequest(NOT_TASKS("tasks"))
    assert isinstance(tasks, list)
    wanted, address = list(tasks), request.remote_addr

    def command(ws: Workspace) -> Written:
        verdicts = approvals.approve_many(ws, wanted, comment, address)
        return Written({"data": [verdict_json(each, context.language()) for each in verdicts]})

    return write(command, raw)


def approval_represent() -> Response:
    """Bring open tasks in line with standing proxies: `{"principal"?}`, else the caller's own; `{"changed": n}`."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "principal")
    principal, address = body.get("principal"), request.remote_addr
    if principal is not None and not isinstance(principal, str):
        raise BadRequest(NOT_A_PERSON("principal"))

    def command(ws: Workspace) -> Written:
        return Written({"changed": approvals.represent(ws, principal or ws.actor.user or "", address)})

    return write(command, raw)


def approval_migrate() -> Response:
    """Move running requests of an approval to its description of today: `{"approval", "nodes"?, "requests"?, "reason",
    "dry"?}`; `{"moved": [id], "refused": [{"request", "problems"}]}`."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "approval", "nodes", "requests", "reason", "dry")
    wanted = approvals.migration(body)

    def command(ws: Workspace) -> Written:
        found = approvals.migrate(ws, wanted, request.remote_addr)
        refused = [{"request": id, "problems": _problems(why)} for id, why in found.refused.items()]
        return Written({"moved": list(found.moved), "refused": refused})

    return write(command, raw)


def _problems(found: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"code": each.code, "message": each.message(context.language())} for each in found]


def approval_times() -> Response:
    """Time to decide, in business time, by approval, node and person: `?from=&until=&approval=`."""
    given = arguments.read(request, "from", "until", "approval")
    asked = approvals.period(given.get("from"), given.get("until"), given.get("approval"))
    return json_answer(context.perform(lambda ws: approvals.times(ws, asked)))


def record_approval(entity: str, id: str) -> Response:
    """Where a record stands: `{"state": none|needs_approval|running|approved, "approval", "request", "may_submit"}`."""
    arguments.read(request)
    return json_answer(context.perform(lambda ws: approvals.standing_json(ws, entity_of(ws, entity), id)))


def submit_approval(entity: str, id: str) -> Response:
    """Ask for the approval that the record needs: 201 with the request."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "comment", "picks", "version")
    approvals.check_submission(body)
    version, address = version_of(body.get("version")), request.remote_addr

    def command(ws: Workspace) -> Written:
        picks, comment = approvals.picked(body), str(body.get("comment", ""))
        made = approvals.submit(ws, entity_of(ws, entity), id, picks, comment, version, address=address)
        return Written(approvals.summed_up(ws, made), 201, url_for("api.approval", id=made.id))

    return write(command, raw)


def preview_approval(entity: str, id: str) -> Response:
    """The way that the request would take, with the people who would be asked."""
    arguments.read(request)
    return json_answer(context.perform(lambda ws: approvals.preview(ws, entity_of(ws, entity), id)))
