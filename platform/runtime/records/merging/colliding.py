"""Records that must differ but would become the same by a merge: which they are, for the person to see to first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metadata.access import rights
from metadata.model import Field, Index
from metadata.problems import Conflict, kind
from runtime.records.keys import tuple_of
from runtime.records.locked import lock
from runtime.records.plans import WritePlan
from runtime.records.targets import found_targets
from runtime.workspace import Workspace

_EXAMPLES = 5
_ELSEWHERE = {"en": "out of your sight", "zh": "您无权查看"}

COLLIDES = kind(
    "records.merge_collides",
    en="Of {entity} with the same {fields} there may be only one, but several would be left: {examples}. "
    "Change, merge or delete some of them first.",
    zh="{entity}的{fields}不能重复，而合并后会出现多条相同的记录：{examples}。请先修改、合并或删除其中几条。",
)


def collision(
    ws: Workspace, plan: WritePlan, index: Index, fields: Sequence[Field], survivor: str, losers: Sequence[str]
) -> Conflict:
    """The conflict that names the rows which would be the same. The statement that found out has been undone."""
    merged = {survivor, *losers}
    rows: dict[str, dict[str, Any]] = {}
    for each in fields:
        if each.id in index.fields:
            found = lock(ws, plan, sorted(merged), "update", by=each.id, everything=True)
            rows.update({id: held.values for id, held in found.items()})
    groups: dict[tuple[Any, ...], list[str]] = {}
    for id, values in rows.items():
        key = tuple_of(index.fields, {name: _mapped(values.get(name), merged) for name in index.fields})
        groups.setdefault(key, []).append(id)
    alike = [id for ids in groups.values() if len(ids) > 1 for id in ids]
    return Conflict(
        COLLIDES(
            entity=plan.entity.plural,
            fields=[plan.entity.fields[each].label for each in index.fields],
            examples=_named(ws, plan, alike),
        )
    )


def _mapped(value: Any, merged: set[str]) -> Any:
    id = getattr(value, "id", value)
    return "survivor" if isinstance(id, str) and id in merged else value


def _named(ws: Workspace, plan: WritePlan, ids: Sequence[str]) -> list[object]:
    entity = plan.entity
    titled = rights(ws.model, ws.actor, entity).may_read(entity.title) and entity.title in plan.table.fields
    seen = found_targets(ws, {(entity.id, "read"): set(ids)}, {entity.id: entity.title} if titled else {})
    names: list[object] = [title or id for id, title in seen[entity.id, "read"].items()]
    return [*names[:_EXAMPLES], *(["…"] if len(names) > _EXAMPLES else [])] or [_ELSEWHERE]
