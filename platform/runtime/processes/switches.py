"""The `_workflow_switch` table: workflows that somebody has switched off. The only module that reads and writes it.

What is switched off starts nothing, and runs that come to act stop where they are; switched on again, they go on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.granting import capabilities_of, is_whole
from metadata.problems import Forbidden, Invalid, NotFound, kind
from metadata.workflows import Workflow
from runtime import events
from runtime.jobs import table as jobs
from runtime.jobs.work import Job
from runtime.portable import Id, Moment
from runtime.processes.instances import SINCE
from runtime.workspace import Workspace, bump_access

ALL = "*"
"""Stands for every workflow of the tenant."""
OFF = kind(
    "run.off",
    en="The workflow {workflow} is switched off. Its run goes on when somebody switches it on again.",
    zh="工作流 {workflow} 已停用。重新启用后，其运行将继续。",
)
NO_WORKFLOW = kind(
    "run.unknown",
    en="There is no workflow {name}. There are: {known}.",
    zh="没有工作流 {name}。现有工作流：{known}。",
)
MAY_NOT_SWITCH = kind(
    "run.may_not_switch",
    en="Only people who may configure this system may switch workflows off and on. Ask an administrator.",
    zh="只有可配置系统的人员才能停用或启用工作流，请联系管理员。",
)
_SWITCH = sa.table(
    "_workflow_switch",
    sa.column("workflow", sa.Text()),
    sa.column("by", Id()),
    sa.column("by_name", sa.Text()),
    sa.column("reason", sa.Text()),
    sa.column("at", Moment()),
)


@dataclass(frozen=True, slots=True)
class Switch:
    """A workflow (id, or `*`) that is off: by whom, why and since when."""

    workflow: str
    by: str | None
    by_name: str
    reason: str | None
    at: dt.datetime


def off(ws: Workspace) -> frozenset[str]:
    """Ids of the workflows that are off, `*` among them when all are. Asked of the database once after each change."""
    if ws.system_version < SINCE:
        return frozenset()
    key = (ws.tenant.id, ws.restore_epoch, ws.access_epoch)
    return ws.host.switched_off.get(key, lambda: frozenset(each.workflow for each in listing(ws)))


def is_off(ws: Workspace, workflow: str) -> bool:
    return not off(ws).isdisjoint((workflow, ALL))


def require_on(ws: Workspace, workflow: Workflow) -> None:
    """Raises Invalid for a workflow that is off."""
    if is_off(ws, workflow.id):
        raise Invalid(OFF(workflow=workflow.label))


def listing(ws: Workspace) -> list[Switch]:
    rows: Any = ws.db.execute(sa.select(_SWITCH).order_by(_SWITCH.c.workflow))
    return [Switch(*row) for row in rows]


def switch_off(ws: Workspace, name: str, reason: str | None = None) -> None:
    """Stop a workflow, or all (`*`), from the next transaction on. Raises Forbidden, NotFound."""
    id = _named(ws, name)
    if any(each.workflow == id for each in listing(ws)):
        return
    values = {"workflow": id, "by": ws.actor.user, "by_name": ws.actor.name, "reason": reason, "at": ws.now}
    ws.db.execute(sa.insert(_SWITCH).values(values))
    events.append(ws, "workflow.off", "_workflow", None, {"workflow": [None, id], "reason": [None, reason]})
    bump_access(ws)


def switch_on(ws: Workspace, name: str) -> int:
    """Let a workflow, or all that are off, run again; how many jobs that had stopped go on. Raises as `switch_off`."""
    id = _named(ws, name)
    gone = sa.delete(_SWITCH) if id == ALL else sa.delete(_SWITCH).where(_SWITCH.c.workflow == id)
    if ws.db.execute(gone).rowcount == 0:
        return 0
    events.append(ws, "workflow.on", "_workflow", None, {"workflow": [id, None]})
    bump_access(ws)
    return jobs.retry_all(ws, "workflow", _stopped)


def _stopped(job: Job) -> bool:
    """Whether a job failed since its workflow was off."""
    error = job.error or {}
    return any(each.get("code") == OFF.code for each in error.get("problems", ()))


def _named(ws: Workspace, name: str) -> str:
    held = ws.actor.platform or "configure" in capabilities_of(ws.model, ws.actor.roles)
    if not held or not is_whole(ws.actor):
        raise Forbidden(MAY_NOT_SWITCH())
    if name == ALL:
        return ALL
    found: Workflow | None = ws.model.get("workflows", name)
    if found is None:
        raise NotFound(NO_WORKFLOW(name=name[:80], known=_known(ws)))
    return found.id


def _known(ws: Workspace) -> Sequence[str] | str:
    return sorted(entry["key"] for entry in ws.model.index.get("workflows", {}).values()) or "–"
