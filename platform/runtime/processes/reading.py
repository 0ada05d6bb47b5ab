"""Runs as people read them: whoever sees the record sees what ran about it, and of values what he may read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from metadata.access import rights
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.granting import capabilities_of, is_whole
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import LANGUAGES, Conflict, Forbidden, Label, NotFound, kind
from metadata.workflow_texts import any_value, scope_of_workflows
from metadata.workflows import Workflow
from runtime.jobs import table as jobs
from runtime.processes import instances, trace
from runtime.processes.acting import INITIATOR
from runtime.processes.definitions import model_of
from runtime.processes.instances import Run
from runtime.processes.messages import dumped
from runtime.processes.starting import JOB
from runtime.processes.trace import Written
from runtime.queries.rules import sees
from runtime.records.policies import not_found
from runtime.workspace import Workspace
from workflow.engine import Cancel, reason

NO_RUN = kind(
    "run_unknown",
    en="There is no such run, or you may not see it. Look in the list of runs of the record.",
    zh="没有该运行记录，或您无权查看。请在记录的运行列表中查找。",
)
NOT_YOURS = kind(
    "run_not_yours",
    en="Only people who look after the jobs of this system may end or retry runs. Ask an administrator.",
    zh="只有管理系统任务的人员才能终止或重试运行，请联系管理员。",
)
IS_OVER = kind(
    "run_is_over",
    en="This run is {state} already. Nothing can be changed about it.",
    zh="该运行已处于 {state} 状态，无法更改。",
)
NOT_STUCK = kind(
    "run_not_stuck",
    en="This run is {state}: only one that failed in a step can be taken up again.",
    zh="该运行处于 {state} 状态；只有在某一步失败的运行才能重试。",
)
REFUSED = kind(
    "run_step_refused",
    en="The step could not be done. Whoever caused the run can see why.",
    zh="该步骤无法执行。触发此运行的人可以查看原因。",
)
CANCELLED = kind(
    "run_cancelled",
    en="{who} ended this run.",
    zh="{who} 终止了此运行。",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A run with the workflow that it follows; None when that is no longer there."""

    run: Run
    workflow: Workflow | None

    @property
    def label(self) -> Label:
        return {"*": self.run.workflow} if self.workflow is None else self.workflow.label


def runs_of(
    ws: Workspace, entity: Entity, record: str, after: str | None = None, limit: int = 50
) -> tuple[list[Shown], str | None]:
    """The runs about a record, the newest first, and the cursor of those before. Raises NotFound."""
    if not is_uuid(record) or not sees(ws, entity, "read", record.lower()):
        raise not_found(entity)
    if ws.system_version < instances.SINCE:
        return [], None
    found = instances.of_record(ws, entity.id, record.lower(), after if after and is_uuid(after) else None, limit + 1)
    shown = [_shown(ws, each) for each in found[:limit]]
    return shown, found[limit - 1].id if len(found) > limit else None


def run_of(ws: Workspace, entity: Entity, record: str, id: str) -> Shown:
    """One run about a record. Raises NotFound."""
    if not is_uuid(record) or not sees(ws, entity, "read", record.lower()):
        raise not_found(entity)
    run = instances.get(ws, id) if ws.system_version >= instances.SINCE else None
    if run is None or run.entity != entity.id or run.record != record.lower():
        raise NotFound(NO_RUN())
    return _shown(ws, run)


def any_run(ws: Workspace, id: str) -> Shown | None:
    """A run by its id, for who looks after the jobs."""
    run = instances.get(ws, id) if ws.system_version >= instances.SINCE else None
    return None if run is None else _shown(ws, run)


def lines_of(ws: Workspace, shown: Shown, after: int = -1, limit: int = 1_000) -> list[Written]:
    """What a run did, line by line; values and texts that the reader may not read are left out."""
    found = trace.read(ws, shown.run.id, after, limit)
    knows = _knowing(ws)
    return [replace(each, detail=dict(_seen(ws, shown, each.detail, knows))) for each in found]


def error_of(ws: Workspace, shown: Shown) -> Mapping[str, Any] | None:
    """Why a run failed, as the reader may know it: `{code, texts, step}`."""
    error = shown.run.error
    if error is None or _may_be_told(ws, shown, str(error.get("code"))):
        return error
    return {**error, "texts": _untold()}


def _seen(
    ws: Workspace, shown: Shown, detail: Mapping[str, Any], knows: Callable[[str, str], bool]
) -> Iterator[tuple[str, Any]]:
    told = ws.actor.platform or _may_be_told(ws, shown, str(detail.get("code", "")))
    for key, value in detail.items():
        if key == "asked" and not ws.actor.platform:
            yield key, [each if knows(str(each["entity"]), str(each["when"])) else _blank(each) for each in value]
        elif key == "values":
            yield key, _readable(ws, detail, value)
        elif key == "texts" and not told:
            yield key, _untold()
        elif key not in ("answer", "body") or told:
            yield key, value


def _readable(ws: Workspace, detail: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a step gave to fields, by today's names: of those that the reader may read, in a record that he sees."""
    entity = ws.model.entity(str(detail.get("entity")))
    if entity is None or not (ws.actor.platform or sees(ws, entity, "read", str(detail.get("record")))):
        return {}
    may = rights(ws.model, ws.actor, entity)
    shown = (each for each in values if each in entity.fields and may.may_read(each) and each not in may.narrowed)
    return {entity.fields[each].key: values[each] for each in shown}


def _may_be_told(ws: Workspace, shown: Shown, code: str) -> bool:
    """What a step was refused with was said to whom the run acts for, and may name what only he may read. What the
    engine itself says names nothing but the description."""
    if ws.actor.platform or code.startswith(("workflow_", "run.", "run_")):
        return True
    as_himself = shown.workflow is not None and shown.workflow.run_as == INITIATOR
    return as_himself and shown.run.initiator is not None and shown.run.initiator == ws.actor.user


def _untold() -> dict[str, str]:
    problem = REFUSED()
    return {lang: problem.message(lang) for lang in LANGUAGES}


def _blank(asked: Mapping[str, Any]) -> dict[str, Any]:
    """That a condition was asked, and nothing of what it says."""
    return {**asked, "when": None, "hidden": True}


def _knowing(ws: Workspace) -> Callable[[str, str], bool]:
    """(entity, text of a condition) -> whether the reader may read all that it is about."""
    known: dict[tuple[str, str], bool] = {}

    def knows(entity: str, text: str) -> bool:
        key = (entity, text)
        if key not in known:
            known[key] = may_know(ws, entity, text)
        return known[key]

    return knows


def may_know(ws: Workspace, entity: str, text: str) -> bool:
    """Whether the reader may read every field that a condition over an entity's records looks at."""
    of = ws.model.entity(entity)
    if of is None:
        return False
    try:
        expression = parse_in(text, of, scope_of_workflows(ws.model, changes=True))
    except ExpressionInvalid:
        try:
            expression = any_value(text, of, scope_of_workflows(ws.model, changes=True))
        except ExpressionInvalid:
            return False
    for name, field in expression.reads():
        read = ws.model.entity(name)
        if read is None or not rights(ws.model, ws.actor, read).may_read(field):
            return False
    return True


def listing(
    ws: Workspace, workflow: str | None = None, state: str | None = None, after: str | None = None, limit: int = 50
) -> tuple[list[Shown], str | None]:
    """All runs, for who looks after the jobs. Raises Forbidden."""
    require_manager(ws)
    if ws.system_version < instances.SINCE:
        return [], None
    named: Workflow | None = None if workflow is None else ws.model.get("workflows", workflow)
    wanted = workflow if named is None else named.id
    found = instances.listing(ws, wanted, state, after if after and is_uuid(after) else None, limit + 1)
    return [_shown(ws, each) for each in found[:limit]], found[limit - 1].id if len(found) > limit else None


def cancel(ws: Workspace, shown: Shown) -> None:
    """End a run where it stands; what it did stays. Raises Forbidden, Conflict."""
    require_manager(ws)
    if shown.run.is_over:
        raise Conflict(IS_OVER(state=shown.run.state))
    told = dumped(Cancel(reason(CANCELLED(who=ws.actor.name))))
    jobs.enqueue_many(ws, JOB, [{"instance": shown.run.id, "happening": told}])


def resume(ws: Workspace, shown: Shown) -> None:
    """Have the step that failed tried again. Raises Forbidden, Conflict."""
    require_manager(ws)
    if shown.run.is_over or shown.run.state != "failed":
        raise Conflict(NOT_STUCK(state=shown.run.state))
    if not jobs.retry_all(ws, JOB, lambda job: job.payload.get("instance") == shown.run.id):
        jobs.enqueue_many(ws, JOB, [{"instance": shown.run.id, "happening": {"kind": "again"}}])


def require_manager(ws: Workspace) -> None:
    held = ws.actor.platform or "jobs" in capabilities_of(ws.model, ws.actor.roles)
    if not held or not is_whole(ws.actor):
        raise Forbidden(NOT_YOURS())


def _shown(ws: Workspace, run: Run) -> Shown:
    return Shown(run, model_of(ws, run.release).get("workflows", run.workflow))
