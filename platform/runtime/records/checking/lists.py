"""Links to several records: the sent list against the one there is, kept as rows of the entity between the two."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from metadata.model import Field, Relation
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.drafts import Draft, new_draft
from runtime.records.plans import WritePlan, plan_of
from runtime.records.targets import among, found_targets, id_list
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace


def check_lists(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Find what each sent list adds and takes away; the new pairs are checked like any record."""
    from runtime.records.checking.checks import check

    for field in plan.lists:
        due = [draft for draft in drafts if field.id in draft.sent]
        if not due:
            continue
        pairs, near, far = pair_plan(ws, plan, field)
        held = _held(ws, pairs, near, far, [draft for draft in due if draft.before is not None])
        unseen = _unseen(ws, field, due, held)
        for draft in due:
            _compare(field, draft, held.get(draft.id, {}), unseen, near, far)
        check(ws, pairs, [pair for draft in due for pair in draft.children.get(field.key, ())])


def pair_plan(ws: Workspace, plan: WritePlan, field: Field) -> tuple[WritePlan, str, str]:
    """How the pairs of a links field are written, and the ids of their two links."""
    relation: Relation | None = plan.entity.relation(field.id)
    entity = ws.model.entity(relation.through or "") if relation is not None else None
    if relation is None or entity is None or relation.near is None or relation.far is None:
        raise LookupError(field.path)
    return plan_of(ws.model, entity, ws.db.dialect), relation.near, relation.far


def _compare(field: Field, draft: Draft, held: dict[str, str], unseen: frozenset[str], near: str, far: str) -> None:
    """`held`: target id -> id of the pair. A target that the actor may not see stays: he cannot have meant it."""
    sent: tuple[str, ...] = draft.sent[field.id] or ()
    gone = [target for target in held if target not in sent and target not in unseen]
    added = [target for target in sent if target not in held]
    if not gone and not added:
        return
    before = tuple(held)
    draft.lists[field.id] = (before, tuple(each for each in before if each not in gone) + tuple(added))
    draft.removed[field.id] = [held[target] for target in gone]
    pairs = draft.children[field.key] = []
    for target in added:
        pair = new_draft(draft)
        pair.values.update({near: draft.id, far: target})
        pairs.append(pair)


def _held(ws: Workspace, pairs: WritePlan, near: str, far: str, drafts: Sequence[Draft]) -> dict[str, dict[str, str]]:
    """The pairs that the records have already: record id -> target id -> pair id."""
    found: dict[str, dict[str, str]] = {}
    if drafts:
        statement = kept(ws.model).get(
            ("pairs", pairs.entity.id, near, ws.db.dialect), lambda: _statement(pairs, near, far)
        )
        wanted = id_list(ws.db.dialect, [draft.id for draft in drafts])
        for id, record, target in statement.fetch(ws.db, {"wanted": wanted}):
            found.setdefault(record, {})[target] = id
    return found


def _statement(pairs: WritePlan, near: str, far: str) -> Prepared:
    table, id = pairs.table.table, pairs.table.column("id")
    chosen = sa.select(id, pairs.table.column(near), pairs.table.column(far))
    chosen = chosen.where(among(pairs.table.column(near), "wanted", pairs.dialect), table.c[DELETED_AT].is_(None))
    return prepare(chosen.order_by(id), pairs.dialect)


def _unseen(ws: Workspace, field: Field, drafts: Sequence[Draft], held: dict[str, dict[str, str]]) -> frozenset[str]:
    """Targets left out of a sent list that the actor does not see."""
    left = {
        target for draft in drafts for target in held.get(draft.id, ()) if target not in (draft.sent[field.id] or ())
    }
    if not left:
        return frozenset()
    key = (field.to[0], "read")
    seen = found_targets(ws, {key: left}, {}, skip_open=True)[key]
    return frozenset(target for target in left if target not in seen)
