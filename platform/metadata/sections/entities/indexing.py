"""Indexes of an entity: the declared ones, and those that every entity needs without anybody asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.compilation import NO_SUCH, problem_at
from metadata.documents.marked import Map
from metadata.explaining import nearest
from metadata.fieldtypes.comparing import can_be_indexed, can_be_unique
from metadata.model import Entity, Field, Index
from metadata.problems import Problem, kind
from metadata.section import said_id
from metadata.sections.entities.fields import Report
from metadata.sections.entities.outline import Outline

NOT_INDEXED = kind(
    "index_type",
    en="“{name}” is of type {type}, which cannot be unique, indexed or sorted by. Choose another field.",
    zh="“{name}”的类型是 {type}，不能设为唯一、建立索引或用于排序。请选择其他字段。",
)
ENCRYPTED = kind(
    "field_encrypted_use",
    en="“{name}” is encrypted, so it cannot name, find, sort or tell apart records (`{property}`). Choose another "
    "field, or take `encrypted` away from it.",
    zh="“{name}”已加密，不能用于命名、查找、排序或区分记录（`{property}`）。请选择其他字段，或取消其 `encrypted`。",
)
INDEX_TAKEN = kind(
    "index_taken",
    en="“{name}” stands under both `unique` and `indexes`. Give one of them another key.",
    zh="“{name}”同时出现在 `unique` 与 `indexes` 中。请为其中之一换一个键。",
)

INDEXED_LINKS = frozenset({"link", "any_link", "user", "unit"})
TRACES = frozenset({"created_by", "updated_by"})


@dataclass(slots=True)
class Demand:
    """What the views of an entity want to be quick."""

    choices: dict[str, None] = field(default_factory=dict)
    """Ids of choice fields that are shown or filtered."""
    sorts: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Field ids of an order -> id of the view that has it."""
    boards: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Field ids of a board's columns and of the order inside one -> id of the board."""


def declared_indexes(outline: Outline, fields: Mapping[str, Field], report: Report) -> list[Index]:
    """What the description says under `unique` and `indexes`, and `unique: true` of single fields."""
    found: dict[str, Index] = {}
    for name in ("unique", "indexes"):
        entries = outline.data.get(name)
        for key, data in entries.items() if isinstance(entries, Map) else ():
            if not isinstance(data, Map) or not isinstance(data.get("fields"), Map):
                continue
            id = said_id(key, data)
            if id in found:
                report(problem_at(INDEX_TAKEN, outline.element, (name, key), True, name=key))
            able = can_be_unique if name == "unique" else can_be_indexed
            ids = tuple(_fields_at(outline, fields, data["fields"], (name, key, "fields"), able, report))
            where = data.get("where")
            found[id] = Index(id, ids, name == "unique", where if isinstance(where, str) else None)
    for each in fields.values():
        if each.unique and each.type not in ("children", "links"):
            if can_be_unique(each):
                found[f"{each.id}__unique"] = Index(f"{each.id}__unique", (each.id,), True)
            else:
                at = (*outline.fields[each.id].at, "unique")
                report(not_indexed(outline, each, at, each.key, at_key=False))
        elif each.type == "sequence":
            found[f"{each.id}__unique"] = Index(f"{each.id}__unique", (each.id,), True)
    if outline.pair is not None:
        found["pair__unique"] = Index("pair__unique", tuple(each.id for each in outline.pair), True)
    return [each for each in found.values() if each.fields]


def not_indexed(outline: Outline, each: Field, at: tuple[str, ...], name: str, at_key: bool = True) -> Problem:
    """Why a field cannot be unique, indexed or sorted by."""
    if each.encrypted:
        return encrypted(outline, at, name, at_key)
    return problem_at(NOT_INDEXED, outline.element, at, at_key, name=name, type=each.type)


def encrypted(outline: Outline, at: tuple[str, ...], name: str, at_key: bool = True) -> Problem:
    """Why an encrypted field cannot stand in a property (one of those at the path)."""
    property = at[-1] if at[-1] in ("unique", "title") else at[0]
    return problem_at(ENCRYPTED, outline.element, at, at_key, name=name, property=property)


def _fields_at(
    outline: Outline,
    fields: Mapping[str, Field],
    named: Map,
    path: tuple[str, ...],
    able: Callable[[Field], bool],
    report: Report,
) -> Iterable[str]:
    for name in named:
        each = named_field(fields, outline, name)
        if each is None:
            keys = [field.key for field in fields.values()]
            at = (*path, name)
            params: dict[str, Any] = {"name": name, "where": outline.label}
            report(problem_at(NO_SUCH, outline.element, at, True, nearest(name, keys), **params))
        elif not able(each):
            report(not_indexed(outline, each, (*path, name), name))
        else:
            yield each.id


def named_field(fields: Mapping[str, Field], outline: Outline, name: str) -> Field | None:
    return fields.get(name) or fields.get(outline.names.get(name, ""))


def with_defaults(entity: Entity, demand: Demand | None) -> tuple[Index, ...]:
    """The declared indexes, then one per link, per choice that views use and per order of a list.

    A list filtered by a choice is read in its order too, so the index of a choice goes on with the usual order.
    """
    sorts: dict[tuple[str, ...], None] = {}
    if entity.default_sort:
        sorts[tuple(each.lstrip("-") for each in entity.default_sort)] = None
    sorts.update(dict.fromkeys(demand.sorts if demand else ()))
    usual = next((each for each in sorts if all(can_be_indexed(entity.fields[id]) for id in each)), ())
    found = {each.id: each for each in entity.indexes}
    for each in entity.fields.values():
        pool = entity.pooled and each.id == "pool"
        if pool or (each.type in INDEXED_LINKS and each.id not in TRACES):
            # Whoever sees his own or his unit's records only reads every list by these two.
            rest = usual if entity.owned and each.id in ("owner", "unit") else ()
            found[f"{each.id}__link"] = Index(f"{each.id}__link", _on(each.id, rest))
    for fields in sorts:
        if fields and fields != ("id",) and all(can_be_indexed(entity.fields[each]) for each in fields):
            ids = (*fields, "id") if "id" not in fields else fields
            name = f"{'_'.join(fields)}__sort"
            found.setdefault(name, Index(name, ids))
    for fields in demand.boards if demand else ():
        ids = (*dict.fromkeys(fields), "id")
        found.setdefault(f"{'_'.join(ids[:-1])}__board", Index(f"{'_'.join(ids[:-1])}__board", ids))
    for id in demand.choices if demand else ():
        found.setdefault(f"{id}__choice", Index(f"{id}__choice", _on(id, usual)))
    return tuple(_without_covered(found.values()))


def _on(id: str, sort: Iterable[str]) -> tuple[str, ...]:
    """The fields of an index that finds by one of them and goes on in an order; the record's id always ends it."""
    return (id, *(each for each in sort if each not in (id, "id")))


def _without_covered(indexes: Iterable[Index]) -> Iterable[Index]:
    """An index on the first fields of another one is not needed; a partial or unique one serves only itself."""
    held = list(indexes)
    for each in held:
        covered = not each.unique and any(
            other is not each
            and not other.unique
            and other.fields[: len(each.fields)] == each.fields
            and (len(other.fields) > len(each.fields) or held.index(other) < held.index(each))
            for other in held
        )
        if not covered:
            yield each
