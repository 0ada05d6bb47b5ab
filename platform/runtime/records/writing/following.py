"""Records that follow the owner of another: where a link says so, they change hands together with its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runtime.records.computing.compute import compute
from runtime.records.drafts import Draft, draft_of
from runtime.records.locked import lock
from runtime.records.plans import WritePlan, plan_of
from runtime.workspace import Workspace

Write = Callable[[Workspace, WritePlan, Sequence[Draft]], None]


def follow_owners(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], write: Write) -> None:
    """Hand over what follows those of the drafts that have a new owner, whoever sees it. Circles end by themselves."""
    moved = {
        draft.id: draft
        for draft in drafts
        if draft.before is not None and draft.values.get("owner") != draft.before.get("owner")
    }
    for relation in plan.entity.inverses if moved else ():
        source = ws.model.entity(relation.source)
        if not relation.follows_owner or source is None or not source.owned or relation.through is not None:
            continue
        followers = plan_of(ws.model, source, ws.db.dialect)
        due = []
        for id, held in lock(ws, followers, list(moved), "update", by=relation.field, everything=True).items():
            value = held.values[relation.field]
            leader = moved[value if isinstance(value, str) else value.id]
            if held.values["owner"] != leader.values["owner"]:
                draft = draft_of(id, held.values)
                draft.values.update(owner=leader.values["owner"], unit=leader.values["unit"])
                due.append(draft)
        compute(ws, followers, due)
        write(ws, followers, due)
