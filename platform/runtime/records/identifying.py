"""Which records the rows of a bulk are about: their keys read, the records found by them and locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metadata.access import rights
from metadata.fieldtypes.base import ValueProblem
from metadata.fieldtypes.comparing import can_be_unique
from metadata.model import Field
from metadata.problems import BadRequest, kind
from runtime.queries.cache import kept
from runtime.records.checking.values import NOT_AN_OBJECT, parser
from runtime.records.keys import matching, tuple_of
from runtime.records.locked import Held, lock
from runtime.records.operations import Action, Row
from runtime.records.plans import WritePlan
from runtime.workspace import Workspace

BAD_KEY = kind(
    "records.bad_key",
    en="{name} cannot identify a {entity}. Use id, or fields that hold one plain value each, like a number or a name.",
    zh="{name} 不能用于识别{entity}。请使用 id，或每个只含一个简单值的字段，例如编号或名称。",
)
KEY_EMPTY = kind(
    "records.key_empty",
    en="{label} is needed to find the record. Fill it in.",
    zh="需要{label}来查找记录，请填写。",
)
NO_MATCH = kind(
    "records.no_match",
    en="No {entity} that you may see has these values of {fields}. Correct them, or create it first.",
    zh="没有您可见的{entity}具有这样的{fields}。请更正，或先新建。",
)
SEVERAL_MATCH = kind(
    "records.several_match",
    en="{count} × {entity} have these values of {fields}. Use a key that names one.",
    zh="有 {count} 条{entity}具有相同的{fields}。请使用能唯一识别的字段。",
)


def key_fields(ws: Workspace, plan: WritePlan, by: Sequence[str]) -> list[Field]:
    """The fields of a key. Raises BadRequest for one that the actor may not read or that is no plain value."""
    may = rights(ws.model, ws.actor, plan.entity)
    found = []
    for name in by:
        each = plan.entity.find(name)
        plain = each is not None and can_be_unique(each) and each.type not in ("money", "any_link")
        if each is None or not plain or each.id not in plan.table.fields or not may.always_read(each.id):
            raise BadRequest(BAD_KEY(name, name=name[:80], entity=plan.entity.label))
        found.append(each)
    return found


def read_key(plan: WritePlan, fields: Sequence[Field], row: Row, *, optional: bool) -> None:
    """Read the key of a row. Without one an upsert creates."""
    raw = row.operation.values
    if not isinstance(raw, Mapping):
        row.problems.append(NOT_AN_OBJECT())
        return
    found = []
    for each in fields:
        given = row.operation.id if each.id == "id" and row.operation.id is not None else _given(raw, each)
        try:
            value = None if given is None else parser(plan, each)(given)
        except ValueProblem as refused:
            row.problems.append(refused.problem.under(each.key))
            return
        if value is None or value == "":
            if not optional:
                row.problems.append(KEY_EMPTY(each.key, label=each.label))
            return
        found.append(value)
    row.key = tuple(found)


def _given(raw: Mapping[str, Any], field: Field) -> Any:
    return raw[field.id] if field.id in raw else raw.get(field.key)


def find_held(
    ws: Workspace, plan: WritePlan, fields: Sequence[Field], keys: Sequence[tuple[Any, ...]], action: Action
) -> dict[tuple[Any, ...], list[Held]]:
    """The locked records that the keys name, those that the actor sees only."""
    ids = [field.id for field in fields]
    if not keys:
        return {}
    if ids == ["id"]:
        wanted = [key[0] for key in keys]
    else:
        wanted = [id for found in matching(ws, plan, ids, keys, kept(ws.model)).values() for id in found]
    found: dict[tuple[Any, ...], list[Held]] = {}
    if wanted:
        deleting = action == "delete"
        for held in lock(ws, plan, wanted, "delete" if deleting else "update", deleting=deleting).values():
            # Keyed by what the row holds now: it may have changed before it was locked.
            found.setdefault(tuple_of(ids, held.values), []).append(held)
    return found
