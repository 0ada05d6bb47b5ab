"""Merging of layers: entries are matched by id, mappings merge, anything else replaces, null removes.

Every key and value of the result keeps its mark, so each property remembers its layer, file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from metadata.documents.marked import Map, Mark
from metadata.documents.shape import Shape
from metadata.problems import Problem, kind

SAME_ID = kind(
    "merge_same_id",
    en="“{key}” and “{other}” are both the entry with the id “{id}”. Keep one, or give the new one another key.",
    zh="“{key}”与“{other}”都指向 ID 为“{id}”的条目。请只保留一个，或为新条目换一个键。",
)
KEY_TAKEN = kind(
    "merge_key_taken",
    en="“{key}” is already the key or id of another entry here. Choose another, or write `id: {key}` to mean that one.",
    zh="“{key}”已是此处另一条目的键或 ID。请换一个键；若要修改该条目，请写 `id: {key}`。",
)
NOTHING_THERE = kind(
    "merge_nothing_to_remove",
    en="null removes “{key}”, but no layer below has it. Correct the name or delete the line.",
    zh="null 用于移除“{key}”，但下层没有它。请更正名称或删除此行。",
)
NO_NEIGHBOUR = kind(
    "merge_no_neighbour",
    en="There is no “{name}” here to stand {place} of. Name the id of an entry beside this one.",
    zh="此处没有“{name}”，无法排在其{place}。请填写同级条目的 ID。",
)
BOTH_PLACES = kind(
    "merge_both_places",
    en="An entry stands either before or after another one. Keep one of the two.",
    zh="`before` 与 `after` 只能填写一个，请删除其一。",
)

_BEFORE = {"en": "before", "zh": "前"}
_AFTER = {"en": "after", "zh": "后"}

Given = tuple[str, Any, Mark]
"""One entry as one layer wrote it: key, value, mark."""


@dataclass(frozen=True, slots=True)
class Overruled:
    """What a layer said and another one above it says otherwise, or removes (`after` None)."""

    path: str
    before: Any
    after: Any
    below: Mark
    above: Mark


@dataclass(slots=True)
class Findings:
    """What merging found out; `problems` stop a description, `warnings` do not."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    overruled: list[Overruled] = field(default_factory=list)


@dataclass(slots=True)
class Slot:
    """One entry with what each layer wrote of it, the lowest first."""

    id: str
    key: str
    mark: Mark
    born: Mark
    given: list[Given]


def merge(shape: Shape, values: Sequence[tuple[Any, Mark]], path: str, found: Findings) -> tuple[Any, Mark]:
    """One value out of what the layers wrote, the lowest first."""
    versions = [(_spelt_out(shape, value, mark), mark) for value, mark in values]
    value, mark = versions[-1]
    if not isinstance(value, Map) or shape.kind == "value":
        return value, mark
    # What stands below something that is no mapping was replaced by it.
    maps: list[tuple[Map, Mark]] = []
    for each, each_mark in reversed(versions):
        if not isinstance(each, Map):
            break
        maps.insert(0, (each, each_mark))
    if shape.kind == "entries":
        return _merge_entries(shape, [each for each, _ in maps], path, found), maps[0][1]
    return _merge_struct(shape, [each for each, _ in maps], path, found), maps[0][1]


def _spelt_out(shape: Shape, value: Any, mark: Mark) -> Any:
    if shape.kind != "label" or not isinstance(value, str):
        return value
    label = Map()
    label.put("*", value, mark)
    return label


def _merge_struct(shape: Shape, maps: list[Map], path: str, found: Findings) -> Map:
    versions: dict[str, list[tuple[Any, Mark]]] = {}
    for level, each in enumerate(maps):
        for key, value in each.items():
            mark = each.marks[key]
            if value is None and key in versions:
                del versions[key]
            elif value is None:
                if level or key not in shape.properties:
                    found.warnings.append(NOTHING_THERE(f"{path}.{key}", at=mark.key_position, key=key))
            else:
                versions.setdefault(key, []).append((value, mark))
    merged = Map()
    unknown = Shape("struct")
    for key, given in versions.items():
        value, mark = merge(shape.properties.get(key, unknown), given, f"{path}.{key}", found)
        merged.put(key, value, mark)
        if len(given) > 1:
            merged.remember(key, given[0][1])
            if given[0][0] != given[-1][0] and not isinstance(value, Map):
                found.overruled.append(Overruled(f"{path}.{key}", given[0][0], value, given[0][1], mark))
    return merged


def _merge_entries(shape: Shape, maps: list[Map], path: str, found: Findings) -> Map:
    given = ([(key, value, each.marks[key]) for key, value in each.items()] for each in maps)
    slots = arrange(shape, given, path, found)
    assert shape.entry is not None
    merged = Map()
    for slot in slots:
        below = f"{path}.{slot.key}"
        value, _ = merge(shape.entry, [(value, mark) for _, value, mark in slot.given], below, found)
        merged.put(slot.key, value, slot.mark if isinstance(value, Map) else slot.given[-1][2])
        if slot.born is not slot.mark:
            merged.remember(slot.key, slot.born)
    return merged


def arrange(shape: Shape, layers: Iterable[Iterable[Given]], path: str, found: Findings) -> list[Slot]:
    """Match the entries of every layer by id and put them in order."""
    slots: dict[str, Slot] = {}
    order: list[str] = []
    for given in layers:
        _add_layer(shape, slots, order, list(given), path, found)
    taken: dict[str, Slot] = {}
    for id in order:
        slot = slots[id]
        other = taken.get(slot.key) or (slots.get(slot.key) if slot.key != id else None)
        if other is not None:
            found.problems.append(KEY_TAKEN(f"{path}.{slot.key}", at=slot.mark.key_position, key=slot.key))
        taken[slot.key] = slot
    return [slots[id] for id in order]


def _add_layer(
    shape: Shape, slots: dict[str, Slot], order: list[str], given: list[Given], path: str, found: Findings
) -> None:
    names = {slot.key: id for id, slot in slots.items()}
    seen: dict[str, str] = {}
    for key, value, mark in given:
        said = value.get("id") if shape.has_ids and isinstance(value, Map) else None
        id = said if isinstance(said, str) else key if key in slots else names.get(key, key)
        if id in seen:
            problem = SAME_ID(f"{path}.{key}", at=mark.key_position, key=key, other=seen[id], id=id)
            found.problems.append(problem)
            continue
        seen[id] = key
        if value is None:
            if id in slots:
                order.remove(id)
                gone = slots.pop(id)
                found.overruled.append(Overruled(f"{path}.{id}", gone.given[0][1], None, gone.born, mark))
            else:
                found.warnings.append(NOTHING_THERE(f"{path}.{key}", at=mark.key_position, key=key))
        elif id in slots:
            slot = slots[id]
            slot.given.append((key, value, mark))
            if isinstance(said, str):
                slot.key, slot.mark = key, mark
        else:
            slots[id] = Slot(id, key, mark, mark, [(key, value, mark)])
            order.append(id)
    if shape.has_places:
        _place(slots, order, [slots[id] for id in seen if id in slots], path, found)


def _place(slots: dict[str, Slot], order: list[str], placed: list[Slot], path: str, found: Findings) -> None:
    """Move the entries of this layer that say where they stand."""
    names = {slot.key: id for id, slot in slots.items()}
    for slot in placed:
        value = slot.given[-1][1]
        if not isinstance(value, Map) or not ("before" in value or "after" in value):
            continue
        here = f"{path}.{slot.key}"
        if isinstance(value.get("before"), str) and isinstance(value.get("after"), str):
            found.problems.append(BOTH_PLACES(here, at=value.marks["after"].key_position))
            continue
        side = "before" if isinstance(value.get("before"), str) else "after"
        name = value.get(side)
        if not isinstance(name, str):
            continue
        neighbour = name if name in slots else names.get(name)
        if neighbour is None or neighbour == slot.id:
            near = get_close_matches(name, [each for each in [*slots, *names] if each != slot.id], 1)
            found.problems.append(
                NO_NEIGHBOUR(
                    here,
                    at=value.marks[side].value_position,
                    suggestion=near[0] if near else None,
                    name=name,
                    place=_BEFORE if side == "before" else _AFTER,
                )
            )
            continue
        order.remove(slot.id)
        order.insert(order.index(neighbour) + (side == "after"), slot.id)
