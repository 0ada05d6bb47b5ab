"""What follows from a write in other records: their computed fields, anew, in the same transaction.

The records that follow are locked in the order of their ids before anything that they are computed from is read: of
two writers of the rows of one record the second one reads what the first one wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from metadata.computing import CURRENCY
from metadata.fieldtypes.links import AnyLink
from metadata.model import EMPTY, Entity, Trigger
from metadata.problems import Invalid
from runtime.jobs.table import enqueue
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.checking.money import settle_money
from runtime.records.computing.compute import compute
from runtime.records.computing.recipes import recipe_of
from runtime.records.computing.ways import reached
from runtime.records.drafts import Draft, draft_of
from runtime.records.locked import lock
from runtime.records.plans import BASE, WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.workspace import Workspace

AT_ONCE = 5_000
"""More records than this follow in a job, some at a time: the transaction that asks for it stays short."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one record. None before: it is new, or back; None after: it is gone."""

    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    cause: str | None = None
    parent: Draft | None = None
    """The record that it lives with, when both are saved together."""

    def touches(self, field: str) -> bool:
        before, after = self.before or {}, self.after or {}
        if before.get(field) != after.get(field):
            return True
        return before.get(field + BASE) != after.get(field + BASE)


@dataclass(slots=True)
class Due:
    """Records of one entity that must be computed anew, and which of their fields."""

    fields: set[str] = field(default_factory=set)
    causes: dict[str, str | None] = field(default_factory=dict)
    """Record id -> the event that it follows from."""
    links: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Record id -> links of it that have been changed already, as they were: rules fire on that."""
    now: bool = False
    """However many there are: a job would know no more what the links have been."""


def follow_writes(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Compute what follows from drafts that have been written."""
    if not plan.entity.triggers:
        return
    changes = [Change(draft.id, draft.before, draft.values, _cause(draft), draft.parent) for draft in drafts]
    follow(ws, plan.entity, changes, _known(drafts))


def _cause(draft: Draft) -> str | None:
    """The event of a draft; of a pair, which has none, that of its record."""
    return draft.event or (draft.parent.event if draft.parent is not None else None)


def _known(drafts: Iterable[Draft]) -> dict[str, Draft]:
    """The drafts of this save, so that they tell what has become of them."""
    found: dict[str, Draft] = {}
    for each in drafts:
        draft: Draft | None = each
        while draft is not None and draft.id not in found:
            found[draft.id] = draft
            draft = draft.parent
    return found


def follow(ws: Workspace, entity: Entity, changes: Sequence[Change], known: Mapping[str, Draft] | None = None) -> None:
    """Compute what follows from changes of the records of an entity."""
    for target, due in _due(ws, entity, changes).items():
        if due.causes:
            recompute(ws, plan_of(ws.model, _entity(ws, target), ws.db.dialect), due, known or {})


def _entity(ws: Workspace, id: str) -> Entity:
    found = ws.model.entity(id)
    if found is None:
        raise LookupError(id)
    return found


def _due(ws: Workspace, entity: Entity, changes: Sequence[Change]) -> dict[str, Due]:
    found: dict[str, Due] = {}
    for trigger in entity.triggers:
        touching = [each for each in changes if _concerns(ws, entity, trigger, each)]
        if not touching:
            continue
        due = found.setdefault(trigger.entity, Due())
        ids = dict(_targets(ws, trigger, touching))
        for id, cause in ids.items():
            due.causes.setdefault(id, cause)
        if ids:
            due.fields.update(trigger.fields)
    return found


def _concerns(ws: Workspace, entity: Entity, trigger: Trigger, change: Change) -> bool:
    last = trigger.way[-1]
    if not change.touches(trigger.field):
        return False
    if not last.back:
        # Nothing points at what is new, and what pointed at something gone has been told so itself.
        return change.before is not None and change.after is not None
    return not (change.parent is not None and _worked_out(ws, entity, trigger, change))


def _worked_out(ws: Workspace, entity: Entity, trigger: Trigger, change: Change) -> bool:
    """Whether the record was saved with all of its rows, so that its rollups over them are right already."""
    if len(trigger.way) > 1 or entity.parent != trigger.way[0].link or entity.generated:
        return False
    target = _entity(ws, trigger.entity)
    recipe = recipe_of(ws.model, target)
    if recipe is None or change.parent is None or change.parent.problems:
        return False
    by_children = {step.field.id for steps in recipe.by_children.values() for step in steps}
    return by_children.issuperset(trigger.fields)


def _targets(ws: Workspace, trigger: Trigger, changes: Sequence[Change]) -> Iterator[tuple[str, str | None]]:
    """The records that a trigger leads to, each with a cause."""
    last = trigger.way[-1]
    if not last.back:
        starts, way = {each.id: each.cause for each in changes}, trigger.way
    else:
        starts, way = {}, trigger.way[:-1]
        owner = _owner(ws, trigger)
        for each in changes:
            for values in (each.before, each.after):
                id = None if values is None else _pointed(values.get(last.link), owner)
                if id is not None:
                    starts.setdefault(id, each.cause)
    if not way:
        yield from starts.items()
        return
    for id, start in reached(ws, trigger.entity, way, list(starts)):
        yield id, starts.get(start)


def _owner(ws: Workspace, trigger: Trigger) -> str:
    """The entity at which the last step of a way, which goes back, begins."""
    if len(trigger.way) == 1:
        return trigger.entity
    before = trigger.way[-2]
    return before.entity if before.back else _entity(ws, before.entity).fields[before.link].to[0]


def _pointed(value: Any, entity: str) -> str | None:
    if type(value) is AnyLink:
        return value.id if value.entity == entity else None
    return None if value is None else str(value)


def recompute(
    ws: Workspace, plan: WritePlan, due: Due, known: Mapping[str, Draft], *, at_once: int | None = None
) -> None:
    """Compute some fields of some records anew and write what differs; too many of them in a job."""
    if len(due.causes) > (AT_ONCE if at_once is None else at_once) and not due.now:
        _later(ws, plan, due)
        return
    held = lock(ws, plan, sorted(due.causes), "update", everything=True)
    drafts = []
    for id, row in held.items():
        draft = draft_of(id, row.values)
        draft.follows, draft.cause = True, due.causes.get(id)
        draft.before = {**row.values, **due.links.get(id, EMPTY)}
        drafts.append(draft)
    if CURRENCY in due.fields:
        settle_money(ws, plan, drafts, anew=True)
    compute(ws, plan, drafts, due.fields)
    for draft in drafts:
        draft.before = held[draft.id].values
    if plan.entity.rules and at_once is None:  # a job has nobody whom rules could refuse anything
        _ask_rules(ws, plan, [draft for draft in drafts if draft.changed()])
    wrong = [problem for draft in drafts for problem in draft.problems]
    if wrong:
        raise Invalid(wrong)
    changed = [draft for draft in drafts if draft.changed()]
    _write(ws, plan, changed)
    for draft in changed:
        if draft.id in known:
            known[draft.id].values.update({key: draft.values[key] for key in draft.changed()})


def _ask_rules(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    from runtime.records.checking.checks import ask_rules  # which checks links, and those follow what is written

    ask_rules(ws, plan, drafts)


def _write(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    from runtime.records.writing.rows import write  # what is written is followed by the one that writes it

    write(ws, plan, drafts)


def _later(ws: Workspace, plan: WritePlan, due: Due) -> None:
    """Leave it to a job: exactly these records, whatever else has changed until then."""
    ids = sorted(due.causes)
    for start in range(0, len(ids), AT_ONCE):
        payload = {"entity": plan.entity.id, "fields": sorted(due.fields), "ids": ids[start : start + AT_ONCE]}
        enqueue(ws, "recompute", payload)


# -- links that change without a draft: deleting, restoring, merging


def follow_links(
    ws: Workspace, plan: WritePlan, changes: Sequence[Change], known: Mapping[str, Draft] | None = None
) -> None:
    """Compute what follows where links of records that stay were changed by one statement: `before` and `after` hold
    those links."""
    recipe = recipe_of(ws.model, plan.entity)
    links = {key for each in changes for key in {**(each.before or {}), **(each.after or {})}}
    steps = () if recipe is None else recipe.steps
    fields = {each.field.id for each in steps if each.rule is None and not links.isdisjoint(each.own)}
    if plan.entity.shares_currency and plan.entity.currency_from in links:
        fields.add(CURRENCY)
    fire = any(each.rule is not None and not links.isdisjoint(each.own) for each in steps)
    staying = {each.id: each.cause for each in changes if each.after is not None}
    if (fields or fire) and staying:
        due = Due(fields, staying, {each.id: each.before or EMPTY for each in changes}, fire)
        recompute(ws, plan, due, known or {})
    if plan.entity.triggers:
        follow(ws, plan.entity, changes, known)


def follow_gone(ws: Workspace, entity: Entity, causes: Mapping[str, str | None]) -> None:
    """Compute what follows from the deletion of records: those that they belonged to."""
    links = _back_links(entity)
    if links and causes:
        rows = links_of(ws, plan_of(ws.model, entity, ws.db.dialect), links, causes)
        follow(ws, entity, [Change(id, values, None, causes[id]) for id, values in rows])


def follow_back(ws: Workspace, entity: Entity, causes: Mapping[str, str | None]) -> None:
    """Records are back: what they are computed from may have changed meanwhile, and others count them again."""
    plan = plan_of(ws.model, entity, ws.db.dialect)
    recipe = recipe_of(ws.model, entity)
    fields = {each.field.id for each in (() if recipe is None else recipe.steps) if each.rule is None}
    if entity.shares_currency:
        fields.add(CURRENCY)
    if fields and causes:
        recompute(ws, plan, Due(fields, dict(causes)), {})
    links = _back_links(entity)
    if links and causes:
        rows = links_of(ws, plan, links, causes)
        follow(ws, entity, [Change(id, None, values, causes[id]) for id, values in rows])


def _back_links(entity: Entity) -> tuple[str, ...]:
    """The links by which others list the records of an entity."""
    return tuple(dict.fromkeys(each.way[-1].link for each in entity.triggers if each.way[-1].back))


def links_of(
    ws: Workspace, plan: WritePlan, links: Sequence[str], ids: Collection[str]
) -> list[tuple[str, dict[str, Any]]]:
    """The links of records, be they in the bin."""
    key = ("links of", plan.entity.id, tuple(links), ws.db.dialect)
    statement = kept(ws.model).get(key, lambda: _links_statement(plan, links))
    found = []
    for row in statement.fetch(ws.db, {"wanted": id_list(ws.db.dialect, ids)}):
        values: dict[str, Any] = {}
        at = 1
        for link in links:
            value = row[at]
            if len(plan.table.fields[link].columns) == 2:
                value = None if value is None else AnyLink(entity=row[at + 1], id=str(value))
            values[link] = value
            at += len(plan.table.fields[link].columns)
        found.append((str(row[0]), values))
    return found


def _links_statement(plan: WritePlan, links: Sequence[str]) -> Prepared:
    id = plan.table.column("id")
    columns = [column for each in links for column in plan.table.fields[each].columns]
    return prepare(sa.select(id, *columns).where(among(id, "wanted", plan.dialect)).order_by(id), plan.dialect)
