"""Starts runs of workflows, and wakes those that wait, inside the transaction of the save that they follow from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from metadata.expressions.evaluate import Condition, Needs, Row, binder, condition, needs
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Expression
from metadata.ids import uuid7s
from metadata.model import Entity, Model
from metadata.problems import Invalid, kind
from metadata.workflow_texts import scope_of_workflows
from metadata.workflows import Workflow
from runtime.events import Fact
from runtime.jobs import table as jobs
from runtime.processes import instances, queued, switches, waits
from runtime.processes.books import TASK, Book, Ready, Triggers, book_of
from runtime.processes.instances import Run, new_run
from runtime.processes.queued import JOB, beginning
from runtime.processes.waits import Wait
from runtime.queries.build import binding_of
from runtime.queries.cache import kept
from runtime.records.computing.loading import rows_of
from runtime.records.drafts import Draft
from runtime.records.locked import lock
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace

LOADING = frozenset({"import", "command"})
"""Channels by which data are loaded: only workflows that say so (`on_import`) follow from them."""
MOST_LED = 1_000
"""Runs that may follow, over all levels, from one that somebody or something outside started."""

TOO_MANY_LED = kind(
    "run.too_many_led",
    en="More than {most} runs follow from one: {chain}. Give one of these workflows a condition that ends this.",
    zh="由一次运行引发的运行已超过 {most} 个：{chain}。请为其中一个工作流加上能终止循环的条件。",
)


@dataclass(frozen=True, slots=True)
class Start:
    """A workflow is to run about a record. `event` is what it follows from."""

    workflow: Workflow
    trigger: str | None
    record: str | None
    event: str | None = None
    parent: str | None = None
    parent_visit: int | None = None


def watches(ws: Workspace, entity: Entity) -> bool:
    """Whether something may follow from a save of an entity's records, so that events must be known by id."""
    return book_of(ws, entity) is not None


def happened(ws: Workspace, plan: WritePlan, new: Sequence[Draft], old: Sequence[Draft]) -> None:
    """Records were created and changed: start and wake what follows. The drafts are as they have been written."""
    book = book_of(ws, plan.entity)
    if book is None:
        return
    if new and book.created:
        _follow(ws, list(_matching(ws, plan, book.created, new)))
    if old and book.updated:
        _follow(ws, list(_matching(ws, plan, book.updated, old)))
    if old and book.waits:
        _wake(ws, plan, old)
    if book.dates:
        _dates(ws, plan, book, [*new, *old])


def wants_gone(ws: Workspace, entity: Entity) -> bool:
    """Whether something may follow from the deletion of an entity's records."""
    book = book_of(ws, entity)
    return book is not None and (bool(book.deleted) or book.waits)


def gone(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Records were deleted: start and wake what follows. The drafts are as they were."""
    book = book_of(ws, plan.entity)
    if book is None or not drafts:
        return
    if book.deleted:
        _follow(ws, list(_matching(ws, plan, book.deleted, drafts)))
    if book.waits:
        _wake(ws, plan, drafts, deleted=True)


def relinked(ws: Workspace, plan: WritePlan, before: Mapping[str, Mapping[str, Any]], facts: Sequence[Fact]) -> None:
    """Links of records were changed by one statement: start and wake what follows. `before`: record -> those links as
    they were; `facts` are the events of it."""
    book = book_of(ws, plan.entity) if before else None
    if book is None or not (book.updated or book.waits):
        return
    told = {each.record: each.id for each in facts if each.entity == plan.entity.id and each.kind == "updated"}
    drafts = []
    for id, held in lock(ws, plan, list(before), "update", everything=True).items():
        drafts.append(Draft(id, held.values, {**held.values, **before[id]}, event=told.get(id)))
    happened(ws, plan, (), drafts)


# -- triggers


def _matching(ws: Workspace, plan: WritePlan, triggers: Triggers, drafts: Sequence[Draft]) -> Iterator[Start]:
    """What starts, record by record; of each record in the order of the workflows. One workflow starts once."""
    off = switches.off(ws)
    loads = ws.actor.channel in LOADING
    asked = [
        each
        for each in triggers.ready
        if (each.workflow.on_import or not loads) and off.isdisjoint((each.workflow.id, switches.ALL))
    ]
    if not asked:
        return
    binding = binding_of(ws.model, ws.actor, ws.now)
    bound = [(each, each.bind(binding)) for each in asked]
    rows = rows_of(ws, plan, drafts, triggers.needs) if triggers.reaches_out else {}
    for draft in drafts:
        row = rows.get(draft.id) or Row(draft.values, before=draft.before)
        started: set[str] = set()
        for each, constants in bound:
            if each.workflow.id not in started and (each.holds is None or each.holds(row, constants)):
                started.add(each.workflow.id)
                yield Start(each.workflow, each.trigger.id, draft.id, draft.event)


def _follow(ws: Workspace, starts: Sequence[Start]) -> None:
    """Have runs begin after a save. What must be known at once, that one runs already or too many, is asked at once."""
    if ws.cause is not None or any(each.workflow.once for each in starts):
        begin(ws, starts)
    elif starts:
        queued.put(ws, [(s.workflow.id, s.workflow.entity, s.trigger, s.record, s.event) for s in starts])


def begin(ws: Workspace, starts: Sequence[Start]) -> list[Run]:
    """Have runs begin, each in a job of its own; those that do. Raises Invalid when one led to too many."""
    if not starts:
        return []
    _require_end(ws, len(starts))
    token = jobs.token_of(ws)
    made = []
    for start, id in zip(starts, uuid7s(len(starts)), strict=True):
        workflow = start.workflow
        more: dict[str, Any] = {
            "trigger": start.trigger,
            "cause": start.event,
            "parent": start.parent,
            "parent_visit": start.parent_visit,
        }
        if workflow.once and start.record is not None:
            more["single"] = f"{workflow.id}:{start.record}"
        if ws.cause is None:
            more["token"] = token
        made.append(new_run(ws, id, workflow.id, workflow.entity, start.record, **more))
    if instances.insert_with_jobs(ws, JOB, made, [beginning(each.id) for each in made]):
        return made
    begun = instances.insert(ws, made)
    jobs.enqueue_many(ws, JOB, [beginning(each.id) for each in begun])
    return begun


def _require_end(ws: Workspace, more: int) -> None:
    """What workflows start by what they do ends somewhere: by depth each, and by their number all together."""
    cause = ws.cause
    if cause is None:
        return
    if instances.led_by(ws, cause.root, MOST_LED) + more > MOST_LED:
        raise Invalid(TOO_MANY_LED(most=MOST_LED, chain=chain_text(ws.model, cause.chain)))


def chain_text(model: Model, chain: Collection[str]) -> str:
    """Workflows that started one another, by today's names."""
    return " > ".join(found.key if (found := model.get("workflows", each)) else each for each in chain)


# -- runs that wait


def _wake(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], *, deleted: bool = False) -> None:
    known = {draft.id: draft for draft in drafts}
    found = waits.of_records(ws, plan.entity.id, known)
    payloads = []
    for wait in found:
        told = _told(ws, plan, wait, known[wait.record or ""], deleted)
        if told is not None:
            payloads.append({"instance": wait.instance, "happening": told})
    jobs.enqueue_many(ws, JOB, payloads)


def _told(ws: Workspace, plan: WritePlan, wait: Wait, draft: Draft, deleted: bool) -> Mapping[str, Any] | None:
    """What a waiting run is told of a change; None when it waits for something else."""
    if wait.kind == "task":
        outcome = _outcome(plan.entity, draft, deleted)
        return None if outcome is None else {"kind": "task", "visit": wait.visit, "outcome": outcome}
    if wait.kind != ("deleted" if deleted else "updated"):
        return None
    if wait.condition is not None and not _holds(ws, plan, wait.condition, draft):
        return None
    changed = [] if deleted else [id for id in draft.changed() if id in plan.entity.fields]
    asked = [] if wait.condition is None else [wait.condition]
    return {"kind": wait.kind, "record": draft.id, "changed": changed, "held": asked}


def _outcome(entity: Entity, draft: Draft, deleted: bool) -> str | None:
    if deleted:
        return "dropped"
    now, before = draft.values.get("status"), (draft.before or {}).get("status")
    return str(now) if entity.id == TASK and now != before and now in ("done", "dropped") else None


def _holds(ws: Workspace, plan: WritePlan, text: str, draft: Draft) -> bool:
    """Whether a condition holds of a change. One that today's description does not understand does not."""
    found = kept(ws.model).get(("wait", plan.entity.id, text), partial(_understood, ws.model, plan.entity, text))
    if found is None:
        return False
    expression, holds, wanted = found
    row = rows_of(ws, plan, [draft], wanted)[draft.id]
    return bool(holds(row, binder(expression)(binding_of(ws.model, ws.actor, ws.now))))


def _understood(model: Model, entity: Entity, text: str) -> tuple[Expression, Condition, Needs] | None:
    try:
        expression = parse_in(text, entity, scope_of_workflows(model, changes=True))
    except ExpressionInvalid:
        return None
    return expression, condition(expression.root), needs(expression.root)


# -- dates


def _dates(ws: Workspace, plan: WritePlan, book: Book, drafts: Sequence[Draft]) -> None:
    from runtime.processes.timing import dates  # only where a workflow waits for dates

    dates.saved(ws, plan, book.dates, drafts)


__all__ = ["JOB", "Ready", "Start", "begin", "chain_text", "gone", "happened", "relinked", "wants_gone", "watches"]
