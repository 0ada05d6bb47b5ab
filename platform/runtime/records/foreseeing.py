"""What the rules would say of a save that is still being typed: the same checks, and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from metadata.access import rights
from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Problem
from runtime.queries.build import binding_of
from runtime.queries.rules import sees
from runtime.records.checking.checks import check
from runtime.records.checking.messages import Messages
from runtime.records.checking.rules import book_of, changed_by, refusal
from runtime.records.checking.values import read, readers_of
from runtime.records.computing.loading import rows_of
from runtime.records.drafts import Draft, draft_of, new_draft
from runtime.records.plans import WritePlan
from runtime.records.policies import not_found
from runtime.records.save import writing
from runtime.workspace import Workspace
from workflow.rules import bind, decide


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule that rejects or warns says, and the fields (ids) that it looks at."""

    problem: Problem
    about: frozenset[str]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """How a form should look. Fields are ids that the actor may read."""

    hidden: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    said: tuple[Said, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    """The values that rules set, of fields whose value they change: as JSON."""


def foresee(ws: Workspace, entity: Entity | str, id: str | None, raw: Mapping[str, Any]) -> Foreseen:
    """What the rules say of a new record, or of one that is there, with these values by names.

    Values that cannot be read count as not sent. Raises NotFound, Forbidden.
    """
    plan = writing(ws, entity, "create" if id is None else "update")
    book = book_of(ws.model, plan.entity)
    draft = _draft(ws, plan, id)
    left_out = {each.id for each in (*plan.secrets, *plan.files)}  # which are sealed and bound while they are checked
    readers = readers_of(ws, plan)
    known = {name: value for name, value in raw.items() if name in readers and readers[name][0].id not in left_out}
    read(plan, readers, known, draft)
    check(ws, plan, [draft])
    may = rights(ws.model, ws.actor, plan.entity)
    row = rows_of(ws, plan, [draft], book.needs)[draft.id]
    decision = decide(book, bind(book, binding_of(ws.model, ws.actor, ws.now)), row, changed_by(plan, draft), live=True)
    messages = Messages(ws, plan, may)
    seen = {each for each in plan.entity.fields if may.may_read(each)}
    return Foreseen(
        frozenset(decision.hidden.keys() & seen),
        frozenset(decision.required.keys() & seen),
        frozenset(decision.read_only.keys() & seen),
        {id: options for id, options in decision.options.items() if id in seen},
        tuple(Said(refusal(plan, draft, each, messages, may), each.triggers & seen) for each in decision.refused),
        {id: value for id, value in _set(plan, draft) if id in seen},
    )


def _draft(ws: Workspace, plan: WritePlan, id: str | None) -> Draft:
    if id is None:
        return new_draft()
    if not is_uuid(id) or not sees(ws, plan.entity, "read", id.lower(), deleted=False):
        raise not_found(plan.entity)
    # Not locked: nothing is written, and others go on meanwhile.
    found = ws.db.execute(sa.select(*plan.selected).where(plan.table.column("id") == id.lower())).first()
    if found is None:
        raise not_found(plan.entity)
    values = plan.values(tuple(found))
    return draft_of(values["id"], values)


def _set(plan: WritePlan, draft: Draft) -> Any:
    """Fields that rules set to something else than was sent or there; what is hidden only the save empties."""
    cleared = {id for rule in plan.entity.rules for id in rule.cleared}
    for writer in plan.entity.writers:
        if writer.rule is None or writer.field in cleared:
            continue
        entered = draft.sent.get(writer.field, (draft.before or {}).get(writer.field))
        if draft.values.get(writer.field) != entered:
            yield writer.field, plan.dumps[writer.field](draft.values)
