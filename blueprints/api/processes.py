"""Workflows over REST: the buttons of a record, what ran about it and why something did not, switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from blueprints import context
from blueprints.answers import json_answer
from blueprints.api import arguments
from blueprints.api.records import entity_of
from blueprints.api.writing import Written, write
from blueprints.limits import json_object, require_keys
from metadata.expressions.explaining import Step
from metadata.ids import is_uuid
from metadata.problems import BadRequest, Invalid, NotFound, Problem, kind, say
from metadata.workflows import Workflow
from runtime.processes import buttons, instances, reading, switches
from runtime.processes import why as explaining
from runtime.processes.reading import NO_RUN, Shown
from runtime.processes.trace import Written as Line
from runtime.processes.why import Why
from runtime.workspace import Workspace

NOT_A_REASON = kind(
    "switch_reason",
    en="reason is a text of at most {most} characters.",
    zh="reason 应为不超过 {most} 个字符的文本。",
)
_LONGEST = 500
_LAST_LINE = 2**31 - 1
_STATES = ("running", "waiting", "done", "failed", "cancelled", "stopped")


# -- buttons


def actions(entity: str, id: str) -> Response:
    """What can be started on the record as it is now: `{"data": [{name, label}]}`."""
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        lang = context.language()
        offered = buttons.offered(ws, entity_of(ws, entity), id)
        return json_answer({"data": [{"name": each.name, "label": say(each.label, lang)} for each in offered]})

    return context.perform(found)


def act(entity: str, id: str, name: str) -> Response:
    """Start a workflow by its button: 202 with its run."""
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        run = buttons.press(ws, entity_of(ws, entity), id, name)
        return Written({"run": run.id, "workflow": run.workflow, "state": run.state}, 202)

    return write(command)


# -- runs


def runs(entity: str, id: str) -> Response:
    """What ran about a record, the newest first."""
    given = arguments.read(request, "after", "limit")
    limit = _limit(given)

    def found(ws: Workspace) -> Response:
        shown, next = reading.runs_of(ws, entity_of(ws, entity), id, given.get("after"), limit)
        return json_answer({"data": [described(ws, each) for each in shown], "next": next})

    return context.perform(found)


def run(entity: str, id: str, run: str) -> Response:
    """One run with its lines; `?after=<line>` goes on."""
    given = arguments.read(request, "after")
    after = arguments.number(given, "after", -1, 0)

    def found(ws: Workspace) -> Response:
        shown = reading.run_of(ws, entity_of(ws, entity), id, run)
        lines = reading.lines_of(ws, shown, -1 if after is None else min(after, _LAST_LINE))
        return json_answer({**described(ws, shown), "lines": [_line(each) for each in lines]})

    return context.perform(found)


def all_runs() -> Response:
    """Every run, the newest first: `?workflow=&state=failed`."""
    given = arguments.read(request, "workflow", "state", "after", "limit")
    problems: list[Problem] = []
    state = arguments.choice(given, "state", _STATES, "failed", problems) if "state" in given else None
    if problems:
        raise BadRequest(problems)
    limit = _limit(given)

    def found(ws: Workspace) -> Response:
        shown, next = reading.listing(ws, given.get("workflow") or None, state, given.get("after"), limit)
        return json_answer({"data": [described(ws, each) for each in shown], "next": next})

    return context.perform(found)


def cancel_run(run: str) -> Response:
    """End a run where it stands; what it did stays."""
    return _change(run, reading.cancel)


def retry_run(run: str) -> Response:
    """Have the step that failed tried again."""
    return _change(run, reading.resume)


def _change(id: str, change: Any) -> Response:
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        reading.require_manager(ws)
        shown = reading.any_run(ws, id) if is_uuid(id) else None
        if shown is None:
            raise NotFound(NO_RUN())
        change(ws, shown)
        return Written(described(ws, shown), 202)

    return write(command)


def described(ws: Workspace, shown: Shown) -> dict[str, Any]:
    """A run as whoever may see it sees it."""
    held, lang = shown.run, context.language()
    entity = ws.model.entity(held.entity)
    error = reading.error_of(ws, shown)
    return {
        "id": held.id,
        "workflow": held.workflow if shown.workflow is None else shown.workflow.key,
        "label": say(shown.label, lang),
        "release": held.release,
        "entity": held.entity if entity is None else entity.key,
        "record": held.record,
        "trigger": held.trigger,
        "state": held.state,
        "initiator": held.initiator,
        "depth": held.depth,
        "parent": held.parent,
        "error": None
        if error is None
        else {"code": error["code"], "message": _said(error, lang), "step": error["step"]},
        "started_at": held.started_at.isoformat(),
        "finished_at": None if held.finished_at is None else held.finished_at.isoformat(),
    }


def _said(data: Mapping[str, Any], lang: str) -> str:
    return say(data.get("texts") or {"*": str(data.get("code", ""))}, lang)


def _line(line: Line) -> dict[str, Any]:
    detail = dict(line.detail)
    if "texts" in detail:
        detail["message"] = _said(detail, context.language())
        del detail["texts"]
    return {
        "line": line.line,
        "at": line.at.isoformat(),
        "visit": line.visit,
        "step": line.step,
        "kind": line.kind,
        "detail": detail,
    }


# -- why not


def why(entity: str, id: str, workflow: str) -> Response:
    """Why a workflow does not start: what stands against it, and each trigger with the condition that failed."""
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        answer = explaining.why(ws, entity_of(ws, entity), id, workflow)
        return json_answer(why_told(answer, context.language()))

    return context.perform(found)


def why_told(answer: Why, lang: str) -> dict[str, Any]:
    """The answer as JSON data."""
    against = [{"code": each.code, "message": each.message(lang)} for each in answer.against]
    triggers = [
        {
            "trigger": each.trigger.id,
            "kind": each.trigger.kind,
            "holds": each.holds,
            "failed": None if each.explanation is None else _step(each.explanation.failed, lang),
            "explanation": None if each.explanation is None else _step(each.explanation.root, lang),
        }
        for each in answer.triggers
    ]
    return {"against": against, "triggers": triggers, "latest": None if answer.latest is None else answer.latest.id}


def _step(step: Step | None, lang: str) -> dict[str, Any] | None:
    if step is None:
        return None
    return {
        "text": say(step.text, lang),
        "result": say(step.result, lang),
        "holds": step.holds,
        "hidden": step.hidden,
        "parts": [_step(each, lang) for each in step.parts],
    }


# -- switches


def workflows() -> Response:
    """The workflows of the tenant, and which of them are switched off."""
    arguments.read(request)

    def found(ws: Workspace) -> Response:
        reading.require_manager(ws)
        lang = context.language()
        off = {each.workflow: each for each in switches.listing(ws)} if ws.system_version >= instances.SINCE else {}
        all_off = off.get(switches.ALL)
        data = [_workflow(ws, each, off.get(each.id), lang) for each in ws.model.all("workflows")]
        return json_answer({"data": data, "all_off": None if all_off is None else _switch(all_off)})

    return context.perform(found)


def _workflow(ws: Workspace, each: Workflow, off: switches.Switch | None, lang: str) -> dict[str, Any]:
    entity = ws.model.entity(each.entity)
    return {
        "name": each.key,
        "label": say(each.label, lang),
        "entity": each.entity if entity is None else entity.key,
        "active": each.active,
        "off": None if off is None else _switch(off),
    }


def _switch(switch: switches.Switch) -> dict[str, Any]:
    return {"by": switch.by_name, "reason": switch.reason, "at": switch.at.isoformat()}


def switch_off(name: str) -> Response:
    """Stop a workflow, or all of them (`*`): `{reason?}`."""
    arguments.read(request)
    body, raw = json_object(request)
    require_keys(body, "reason")
    reason = body.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > _LONGEST or "\x00" in reason):
        raise Invalid(NOT_A_REASON("reason", most=_LONGEST))

    def command(ws: Workspace) -> Written:
        switches.switch_off(ws, name, reason)
        return Written({"off": True})

    return write(command, raw)


def switch_on(name: str) -> Response:
    """Let a workflow, or all that are off (`*`), run again; how many runs go on where they had stopped."""
    arguments.read(request)

    def command(ws: Workspace) -> Written:
        return Written({"off": False, "resumed": switches.switch_on(ws, name)})

    return write(command)


def _limit(given: Mapping[str, str]) -> int:
    problems: list[Problem] = []
    limit = arguments.limit(dict(given), problems)
    if problems:
        raise BadRequest(problems)
    return limit
