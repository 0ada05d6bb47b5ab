"""One transition of one request: locked, decided by the engine, carried out, kept, all in the caller's transaction.

The record is taken before the request, here as in every save, so that two who want both wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from metadata.access import platform_actor
from metadata.approvals import Approval, Human
from metadata.model import EMPTY
from metadata.problems import Label, NotFound, kind
from runtime import events, record_locks
from runtime.approvals import subject
from runtime.approvals.driving import saving, telling
from runtime.approvals.keeping import definitions, listing, trail
from runtime.approvals.keeping import requests as store
from runtime.approvals.world.people import People
from runtime.approvals.world.world import RecordWorld
from runtime.jobs.table import enqueue
from runtime.record_locks import Lock
from runtime.records.drafts import Draft, draft_of
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace
from workflow.approvals import effects as e
from workflow.approvals.acting import act as decide
from workflow.approvals.request import INITIATOR, Request
from workflow.approvals.verbs import Verb

UNKNOWN = kind(
    "approval_unknown",
    en="There is no such approval request, or you may not see it.",
    zh="没有该审批申请，或您无权查看。",
)
_EVENTS = {"submit": "submitted", "resubmit": "submitted", "return": "returned"}
"""Verb of the trail -> what the record's history calls it; its ends are told as they are called."""


@dataclass(slots=True)
class Drive:
    """What a transition works with; never leaves this package."""

    ws: Workspace
    approval: Approval
    plan: WritePlan
    request: Request
    world: RecordWorld
    titles: Label = field(default_factory=lambda: EMPTY)
    """How the request is called in every language."""
    address: str | None = None
    locked: bool | None = None
    """What the transition says of the record's lock; None: nothing."""
    entries: list[e.Entry] = field(default_factory=list)
    snapshot: dict[str, Any] = field(default_factory=dict)
    """What its saves have changed of the snapshot."""
    run: tuple[str, int] | None = None
    """The run of a workflow that waits for a new request, and its visit."""
    written: saving.Changed = field(default_factory=dict)
    """What its approver has changed."""
    sent: frozenset[str] = frozenset()
    """Ids of the fields that he has sent: the snapshot holds them as they were kept, never as they came."""

    @property
    def people(self) -> People:
        return self.world.people


def opened(ws: Workspace, id: str) -> Drive:
    """A request with its record, both ours until the transaction ends. Raises NotFound."""
    place = store.place_of(ws, id)
    if place is None:
        raise NotFound(UNKNOWN())
    entity, record = place
    plan = subject.plan_for(ws, entity)
    values = subject.take(ws, plan, record)
    found = store.taken(ws, id)
    assert found is not None
    request, titles = found
    world = RecordWorld(ws, plan, draft_of(record, values or {"id": record}), People(ws))
    return Drive(ws, definitions.of_request(ws, request), plan, request, world, titles)


def drive(ws: Workspace, id: str, verb: Verb, address: str | None = None) -> Request:
    """Do one thing to a request; the request after it. Raises NotFound, and what the engine refuses."""
    driven = opened(ws, id)
    driven.address = address
    return carry_out(driven, verb, driven.request)


def carry_out(driven: Drive, verb: Verb, before: Request | None) -> Request:
    """`before` None: the request is new."""
    ws = driven.ws
    after, effects = decide(driven.approval, driven.request, verb, driven.world)
    if before is None:
        store.insert(ws, after, driven.run, driven.titles)
    elif not driven.titles:
        driven.titles = listing.titles_of(ws, after.id)
    for each in effects:
        _perform(driven, after, each)
    if driven.snapshot or driven.sent:
        others = {id: value for id, value in after.snapshot.items() if id not in driven.sent}
        after = replace(after, snapshot={**others, **driven.snapshot})
    if after != driven.request or before is None:
        store.save(ws, after)
    listing.sync(ws, driven.approval, before, after, driven.titles)
    _copy_and_tell(driven, after, effects)
    _lock(driven, after)
    trail.append(ws, after.id, driven.entries, driven.address)
    return after


def _perform(driven: Drive, request: Request, effect: e.Effect) -> None:
    ws, plan = driven.ws, driven.plan
    match effect:
        case e.SetFields(values):
            _keep(driven, saving.set_values(ws, plan, request.id, driven.world, values))
        case e.WriteFields(values):
            draft = saving.write_values(ws, plan, request.id, driven.world, values)
            driven.written, driven.sent = _keep(driven, draft), frozenset(values)
            now = subject.snapshot(ws, plan, draft.values)
            driven.snapshot.update({id: now[id] for id in values if id in now})
        case e.Lock():
            driven.locked = True
        case e.Unlock():
            driven.locked = False
        case e.SetTimer(timer):
            # Nobody in particular wants it: it comes whoever has left meanwhile.
            alone = replace(ws, actor=platform_actor("job"), session=None)
            key = f"approval:{request.id}:{timer.key}"
            enqueue(alone, "approval", {"request": request.id, "timer": timer.key}, key, timer.at)
        case e.Entry(verb="write"):
            # What was sent is told as it was kept.
            told = {id: driven.written[id] for id in effect.fields if id in driven.written}
            driven.entries.append(replace(effect, fields=told))
        case e.Entry():
            driven.entries.append(effect)
        case e.OpenTasks() | e.CloseTasks() | e.Notify() | e.Copied() | e.Ended():
            pass  # told and listed when everything is written


def _keep(driven: Drive, draft: Draft) -> saving.Changed:
    """What follows sees the record as it has been saved; what the save has changed."""
    told = saving.changed(driven.plan, draft)
    driven.snapshot.update({id: values[1] for id, values in told.items()})
    driven.world = RecordWorld(driven.ws, driven.plan, draft_of(draft.id, draft.values), driven.people)
    return told


def _copy_and_tell(driven: Drive, request: Request, effects: tuple[e.Effect, ...]) -> None:
    ws, title = driven.ws, driven.titles
    for each in effects:
        match each:
            case e.OpenTasks(tasks):
                mending = [task for task in tasks if task.node == INITIATOR]
                asked = [p for t in tasks if t not in mending for p in (t.assignee, t.deputy) if p is not None]
                telling.tell(ws, request.id, "asked", asked, title, driven.people)
                telling.tell(ws, request.id, "mend", [t.assignee for t in mending], title, driven.people)
            case e.Notify(occasion, people):
                telling.tell(ws, request.id, occasion, people, title, driven.people)
            case e.Copied(people, visit):
                node = request.visit(visit).node
                listing.copy(ws, driven.approval, request, people, visit, node, title)
                telling.tell(ws, request.id, "copied", people, title, driven.people)
            case e.Ended(state):
                from runtime.approvals.asking.for_runs import settle  # which asks for what is driven here

                events.append(ws, f"approval_{state}", request.entity, request.record)
                settle(ws, request)
            case e.Entry(verb) if verb in _EVENTS:
                events.append(ws, f"approval_{_EVENTS[verb]}", request.entity, request.record)
            case _:
                pass


def _lock(driven: Drive, request: Request) -> None:
    """Have the record's lock say what the request says of it, and to whom which fields are open."""
    ws = driven.ws
    if driven.locked is False:
        record_locks.release(ws, request.id)
        return
    lock = lock_of(ws, driven.approval, request)
    if driven.locked:
        record_locks.put(ws, lock)
    else:
        record_locks.tell(ws, lock)


def lock_of(ws: Workspace, approval: Approval, request: Request) -> Lock:
    """How a request closes its record."""
    state: Any = request.state if request.state in ("approved", "rejected") else "running"
    return Lock(
        request.entity,
        request.record,
        request.id,
        approval.label,
        state,
        approval.on_delete,
        definitions.admin_roles(ws.model, approval),
        _open(approval, request) if request.running else {},
    )


def _open(approval: Approval, request: Request) -> Mapping[str, tuple[str, ...]]:
    """User id -> ids of the fields that are open to him while he is asked."""
    nodes = {each.id: each for each in approval.every() if isinstance(each, Human)}
    found: dict[str, dict[str, None]] = {}
    for task in request.pending():
        node = nodes.get(task.node)
        own = () if node is None else (id for id, right in node.fields.items() if right == "write")
        fields = dict.fromkeys((*approval.open_fields, *own))
        for person in (task.assignee, task.deputy):
            if person is not None and fields:
                found.setdefault(person, {}).update(fields)
    return {person: tuple(fields) for person, fields in found.items()}
