"""Rows that live with a record and are saved with it: the sent list is the whole list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metadata.model import Field
from metadata.problems import kind
from runtime.records.checking.values import Readers, read, readers_of
from runtime.records.drafts import Draft, draft_of, new_draft
from runtime.records.locked import Held, lock
from runtime.records.plans import WritePlan, plan_of
from runtime.workspace import Workspace

NOT_A_CHILD = kind(
    "records.not_a_child",
    en="This row does not belong to the record, or is there twice. Send it without an id to add it.",
    zh="该行不属于此记录或重复出现。若要新增，请不要提交 id。",
)


def child_plan(ws: Workspace, field: Field) -> tuple[WritePlan, str]:
    """How the rows of a children field are written, and the id of their link to the record they live with."""
    entity = ws.model.entity(field.to[0])
    if entity is None or entity.parent is None:
        raise LookupError(field.path)
    return plan_of(ws.model, entity, ws.db.dialect), entity.parent


def check_children(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Read the sent rows of each record, match them with those it has, and check all of them together."""
    from runtime.records.checking.checks import check  # children are checked by the rule book that lets them be checked

    for field in plan.children:
        due = [draft for draft in drafts if field.id in draft.sent]
        if not due:
            continue
        rows, link = child_plan(ws, field)
        held, readers = _held(ws, rows, link, due), readers_of(ws, rows)
        for draft in due:
            _match(field, rows, readers, link, draft, held.get(draft.id, {}))
        check(ws, rows, [child for draft in due for child in draft.children[field.key]])


def _held(ws: Workspace, rows: WritePlan, link: str, drafts: Sequence[Draft]) -> dict[str, dict[str, Held]]:
    """The rows that the records have already, by record id."""
    old = [draft.id for draft in drafts if draft.before is not None]
    found: dict[str, dict[str, Held]] = {}
    if old:
        for id, each in lock(ws, rows, old, "update", by=link).items():
            found.setdefault(each.values[link], {})[id] = each
    return found


def _match(field: Field, rows: WritePlan, readers: Readers, link: str, draft: Draft, held: dict[str, Held]) -> None:
    children = draft.children[field.key] = []
    unmatched = dict(held)
    for at, raw in enumerate(draft.sent[field.id] or ()):
        raw = dict(raw)
        id: Any = raw.pop("id", None)
        known = unmatched.pop(id, None) if isinstance(id, str) else None
        if id is not None and known is None:
            draft.wrong(NOT_A_CHILD(f"{field.key}.{at}.id"))
        child = new_draft(draft) if known is None else draft_of(id, known.values, draft)
        child.values[link] = draft.id
        read(rows, readers, raw, child)
        if child.sent.get(link, draft.id) != draft.id:
            draft.wrong(NOT_A_CHILD(f"{field.key}.{at}.{rows.entity.fields[link].key}"))
        children.append(child)
    draft.removed[field.id] = list(unmatched)
