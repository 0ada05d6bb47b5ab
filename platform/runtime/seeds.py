"""Records that come with packages: written by key, brought up to date, never over what somebody changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.fieldtypes import registry
from metadata.model import Entity, Field, Seed
from metadata.problems import Invalid, Problem, kind
from runtime import queries, records
from runtime.portable import Id, Json
from runtime.queries import Query
from runtime.queries.cache import kept
from runtime.records.keys import matching
from runtime.records.operations import Mode
from runtime.records.plans import plan_of
from runtime.transfer import links
from runtime.workspace import Workspace

NOWHERE = kind(
    "seed_link_nowhere",
    en="Seed {seed}: {label} names “{text}”, and there is no such record. Seed that one too, or before.",
    zh="种子 {seed}：{label}指向“{text}”，但没有这条记录。请同时或先行写入该记录。",
)
SEEDED = sa.table(
    "_seeded",
    sa.column("seed", sa.Text()),
    sa.column("key", sa.Text()),
    sa.column("record", Id()),
    sa.column("values", Json()),
)
_LINKS = frozenset({"link", "user", "unit"})
_CHUNK = 500

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One record of a seed: its key in the description, and its values by field id as the API would read them."""

    key: str
    values: Values


def apply_seeds(ws: Workspace) -> int:
    """Bring the records of every seed up to date; how many were written. Without differences nothing is."""
    return sum(_apply(ws, seed) for seed in ws.model.all("seeds"))


def _apply(ws: Workspace, seed: Seed) -> int:
    entity = ws.model.entity(seed.entity)
    assert entity is not None, seed.entity
    known = _known(ws, seed)
    waiting = [_Wanted(each["key"], each["values"]) for each in seed.records]
    written = 0
    while waiting:
        # Records may name each other by links: those whose targets are there come first.
        ready, later, problems = _resolved(ws, seed, entity, waiting)
        if not ready:
            raise Invalid(problems)
        for at in range(0, len(ready), _CHUNK):
            written += _write(ws, seed, entity, ready[at : at + _CHUNK], known)
        waiting = later
    return written


def _resolved(
    ws: Workspace, seed: Seed, entity: Entity, waiting: Sequence[_Wanted]
) -> tuple[list[_Wanted], list[_Wanted], list[Problem]]:
    """Links given by title become ids; who has to wait for others is told apart."""
    fields = [entity.fields[id] for id in dict.fromkeys(id for each in waiting for id in each.values)]
    named = {field.id: _targets(ws, field, waiting) for field in fields if field.type in _LINKS}
    ready: list[_Wanted] = []
    later: list[_Wanted] = []
    problems: list[Problem] = []
    for each in waiting:
        values, missing = dict(each.values), []
        for id in named.keys() & values.keys():
            text = values[id]
            if text in named[id]:
                values[id] = named[id][text]
            elif text is not None:
                missing.append(id)
        for id in missing:
            label = entity.fields[id].label
            problems.append(NOWHERE(entity.fields[id].key, seed=seed.id, label=label, text=str(values[id])[:60]))
        if missing:
            later.append(each)
        else:
            gone = [id for id in named if values.get(id) is None]
            ready.append(_Wanted(each.key, {id: value for id, value in values.items() if id not in gone}))
    return ready, later, problems


def _targets(ws: Workspace, field: Field, waiting: Sequence[_Wanted]) -> Mapping[str, str | None]:
    """Text -> record. A seeded record is known by the title it was seeded with, whatever it is called now; the link
    to one that was deleted is left out."""
    target = ws.model.entity(field.to[0])
    texts = sorted({str(each.values[field.id]) for each in waiting if each.values.get(field.id)})
    if target is None or not texts:
        return {}
    found: dict[str, str | None] = {}
    seeded = {text: id for text, id in _seeded_titles(ws, target).items() if text in texts}
    living = _current(ws, target, list(seeded.values()))
    found.update({text: id if id in living else None for text, id in seeded.items()})
    rest = [text for text in texts if found.get(text) is None]
    found.update({text: hit.id for text, hit in links.resolve(ws, target, None, rest).items() if hit.id is not None})
    return found


def _seeded_titles(ws: Workspace, target: Entity) -> dict[str, str]:
    found: dict[str, str] = {}
    for seed in ws.model.all("seeds"):
        if seed.entity == target.id:
            known = _known(ws, seed)
            for each in seed.records:
                title = each["values"].get(target.title)
                if each["key"] in known and title is not None:
                    found[str(title)] = known[each["key"]][0]
    return found


def _write(
    ws: Workspace, seed: Seed, entity: Entity, wanted: Sequence[_Wanted], known: Mapping[str, tuple[str, Values]]
) -> int:
    new = [each for each in wanted if each.key not in known]
    held = {each.key: known[each.key] for each in wanted if each.key in known}
    found = _existing(ws, entity, seed, new)
    ids = [*(record for record, _ in held.values()), *found.values()]
    current = _current(ws, entity, ids)
    changes: list[tuple[_Wanted, dict[str, Any], str | None]] = []
    for each in wanted:
        if each.key in held:
            record, remembered = held[each.key]
            if record in current:  # else it was deleted, and stays so
                changes.append((each, _differing(entity, each.values, current[record], remembered), record))
        elif each.key in found:
            # It was here before the seed: only what is empty is filled in.
            record = found[each.key]
            missing = {id: value for id, value in each.values.items() if current[record].get(id) is None}
            changes.append((each, missing, record))
        else:
            changes.append((each, dict(each.values), None))
    return _save(ws, seed, entity, changes, known)


def _differing(entity: Entity, wanted: Values, current: Values, remembered: Values) -> dict[str, Any]:
    """What the seed says now of the fields that still hold what it said before."""
    found = {}
    for id, value in wanted.items():
        field = entity.fields[id]
        untouched = _plain(field, current.get(id)) == _plain(field, remembered.get(id))
        if untouched and _plain(field, current.get(id)) != _plain(field, _dumped(field, value)):
            found[id] = value
    return found


def _save(
    ws: Workspace,
    seed: Seed,
    entity: Entity,
    changes: Sequence[tuple[_Wanted, dict[str, Any], str | None]],
    known: Mapping[str, tuple[str, Values]],
) -> int:
    new = [(each, values) for each, values, record in changes if record is None]
    old = [(each, {**values, "id": record}) for each, values, record in changes if record is not None and values]
    ids: dict[str, str] = {each.key: record for each, _, record in changes if record is not None}
    modes: tuple[tuple[Mode, list[tuple[_Wanted, dict[str, Any]]]], ...] = (("insert", new), ("update", old))
    for mode, rows in modes:
        verdicts = records.write_many(ws, entity, mode, [values for _, values in rows], ("id",), keep_good=False)
        for (each, _), verdict in zip(rows, verdicts, strict=True):
            ids[each.key] = str(verdict.id)
    written = {each.key for each, _ in (*new, *old)}
    due = [each for each, _, _ in changes if each.key in written or each.key not in known]
    current = _current(ws, entity, [ids[each.key] for each in due])
    for each, values, _ in changes:
        if each in due:
            before = known[each.key][1] if each.key in known else {}
            now = current[ids[each.key]]
            said = {**before, **{id: now.get(id) for id in values}}
            _remember(ws, seed, each.key, ids[each.key], said)
    return len(written)


def _known(ws: Workspace, seed: Seed) -> dict[str, tuple[str, Values]]:
    rows = ws.db.execute(sa.select(SEEDED).where(SEEDED.c.seed == seed.id))
    return {str(row["key"]): (str(row["record"]), row["values"]) for row in rows.mappings()}


def _remember(ws: Workspace, seed: Seed, key: str, record: str, values: Values) -> None:
    insert: Any = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    row = insert(SEEDED).values(seed=seed.id, key=key, record=record, values=dict(values))
    again = {"record": row.excluded.record, "values": row.excluded["values"]}
    ws.db.execute(row.on_conflict_do_update(index_elements=["seed", "key"], set_=again))


def _existing(ws: Workspace, entity: Entity, seed: Seed, wanted: Sequence[_Wanted]) -> dict[str, str]:
    """Living records that have a seed's key already."""
    if not wanted:
        return {}
    fields = [entity.fields[id] for id in seed.by]
    keys = {each.key: tuple(_parsed(field, each.values.get(field.id)) for field in fields) for each in wanted}
    plan = plan_of(ws.model, entity, ws.db.dialect)
    whole = [key for key in keys.values() if None not in key]
    rows = matching(ws, plan, list(seed.by), whole, kept(ws.model)) if whole else {}
    return {name: rows[key][0] for name, key in keys.items() if key in rows}


def _current(ws: Workspace, entity: Entity, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """JSON values by field id of those of the records that are not deleted."""
    found: dict[str, dict[str, Any]] = {}
    fields = {each.key: each.id for each in entity.fields.values()}
    for at in range(0, len(ids), _CHUNK):
        page = queries.find(ws, Query(entity.id, ids=tuple(ids[at : at + _CHUNK]), limit=_CHUNK))
        for each in queries.as_json(page):
            found[each["id"]] = {fields[key]: value for key, value in each.items() if key in fields}
    return found


def _parsed(field: Field, raw: Any) -> Any:
    return registry.of(field).parse(field, raw)


def _dumped(field: Field, raw: Any) -> Any:
    return registry.of(field).dump(field, _parsed(field, raw))


def _plain(field: Field, value: Any) -> Any:
    """A JSON value for comparing: an amount without its currency, which its record has."""
    if field.type == "money" and isinstance(value, Mapping):
        return value.get("amount")
    return value
