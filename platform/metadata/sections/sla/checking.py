"""What an SLA must be to be sound: a default for every record, responses before resolutions, fields to keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from metadata.calendars import Calendar
from metadata.documents.marked import Map
from metadata.durations import length_of, parse_duration
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Constant, Expression, InUnit, walk
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.problems import Label, PlatformError
from metadata.sections.sla import refusals as r
from metadata.sections.workflows.reading import Path, Reader
from metadata.sla import Level, Policy, Sla, Target, conditions_of

_SOME_MONDAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
"""Lengths of time are compared as they are from here on."""


def decided(reader: Reader, data: Map, key: str, entity: Entity, path: Path) -> str | None:
    """The condition under a key, which the record alone decides."""
    text = reader.condition(data, key, entity, path)
    if text is None or entity.id in reader.compilation.untyped:
        return text
    try:
        expression = parse_in(text, entity, reader.scope())
    except PlatformError:
        return text  # the text as it was written has been refused
    name = _foreign(expression)
    if name is not None:
        reader.refuse(r.DEPENDS, *path, key, name=name)
    return text


def _foreign(expression: Expression) -> str | None:
    """What in a condition depends on who looks, or when."""
    for node in walk(expression.root):
        match node:
            case Constant(name=str(name)):
                return "has_role(..)" if name.startswith("has_role:") else name
            case InUnit():
                return "in_unit(..)"
            case _:
                continue
    return None


def moment_field(reader: Reader, data: Map, key: str, entity: Entity, path: Path, *, kept: bool = False) -> str | None:
    """Id of the datetime field that is named under a key. `kept`: the platform writes it."""
    name = data.get(key)
    if not isinstance(name, str):
        return None
    field = reader.field(entity, name, *path, key, at_key=False)
    if field is None:
        return None
    if field.type != "datetime" or not registry.stored(field):
        reader.refuse(r.NOT_A_MOMENT, *path, key, field=field.label)
    elif kept and not _may_keep(field):
        reader.refuse(r.NOT_KEPT, *path, key, field=field.label)
    return field.id


def _may_keep(field: Field) -> bool:
    return not (field.required or field.system or field.computed is not None or field.encrypted)


def check(reader: Reader, sla: Sla, entity: Entity) -> None:
    """Note what is wrong with an SLA as a whole."""
    _check_default(reader, sla.policies, ("policies",), _keys(reader, ("policies",)))
    for policy, key in zip(sla.policies, _keys(reader, ("policies",)), strict=True):
        path = ("policies", key, "levels")
        _check_default(reader, policy.levels, path, _keys(reader, path))
        for level, name in zip(policy.levels, _keys(reader, path), strict=True):
            _check_lengths(reader, sla, policy, level, (*path, name, "within"))
    measured = {id for policy in sla.policies for level in policy.levels for id in level.within}
    for target, key in zip(sla.targets, _keys(reader, ("targets",)), strict=True):
        if target.id not in measured:
            reader.refuse(r.NOT_MEASURED, "targets", key, at_key=True, name=key)
    _check_kept(reader, sla, entity)


def _keys(reader: Reader, path: Path) -> list[str]:
    held: Any = reader.element.data
    for step in path:
        held = held.get(step)
    return [key for key, each in held.items() if isinstance(each, Map)] if isinstance(held, Map) else []


def _check_default(reader: Reader, entries: Sequence[Policy | Level], path: Path, keys: Sequence[str]) -> None:
    """Exactly the last one has no condition."""
    for at, (entry, key) in enumerate(zip(entries, keys, strict=True)):
        last = at == len(entries) - 1
        if last and entry.when is not None:
            reader.refuse(r.NO_DEFAULT, *path, key, at_key=True, name=key)
        if not last and entry.when is None:
            reader.refuse(r.NEVER_REACHED, *path, key, at_key=True, name=key)


def _check_lengths(reader: Reader, sla: Sla, policy: Policy, level: Level, path: Path) -> None:
    """No response may take longer than a resolution."""
    calendar = reader.compilation.made["calendars"].get(policy.calendar) if policy.calendar is not None else None
    lengths = {id: _length(calendar, text) for id, text in level.within.items()}
    by_id = {target.id: target for target in sla.targets}
    responses = [by_id[id] for id in lengths if by_id[id].measures == "response"]
    resolutions = [by_id[id] for id in lengths if by_id[id].measures == "resolution"]
    for one in responses:
        for other in resolutions:
            first, second = lengths[one.id], lengths[other.id]
            if first is not None and second is not None and first > second:
                said: dict[str, Any] = {"first": level.within[one.id], "second": level.within[other.id]}
                reader.refuse(r.RESPONSE_LONGER, *path, response=one.label, resolution=other.label, **said)


def _length(calendar: Calendar | None, text: str) -> int | None:
    try:
        return length_of(calendar, parse_duration(text), _SOME_MONDAY, ZoneInfo("UTC"))
    except (PlatformError, OverflowError):
        return None  # has been refused where it was read


def _check_kept(reader: Reader, sla: Sla, entity: Entity) -> None:
    """Each due field keeps one moment, and no condition looks at one: it would decide about itself."""
    keys, kept = _keys(reader, ("targets",)), dict[str, Label]()
    for target, key in zip(sla.targets, keys, strict=True):
        if target.due is not None and target.due in kept:
            label = entity.fields[target.due].label
            reader.refuse(r.KEPT_TWICE, "targets", key, "due", field=label, other=kept[target.due])
        if target.due is not None:
            kept.setdefault(target.due, target.label)
    for path, text in conditions_of(sla):
        for owner, field in _reads(reader, text, entity):
            if owner == entity.id and field in kept:
                reader.refuse(r.CHANGES_ITSELF, *_written(reader, sla, path), field=entity.fields[field].label)


def _reads(reader: Reader, text: str, entity: Entity) -> Sequence[tuple[str, str]]:
    try:
        return sorted(parse_in(text, entity, reader.scope()).reads())
    except PlatformError:
        return ()


def _written(reader: Reader, sla: Sla, path: Path) -> Path:
    """A place by ids as a place by the keys that were written."""
    if len(path) < 2:
        return path
    section: Sequence[Target | Policy] = sla.targets if path[0] == "targets" else sla.policies
    at = [each.id for each in section].index(path[1])
    found: Path = (path[0], _keys(reader, path[:1])[at])
    if len(path) > 3:
        policy = sla.policies[at]
        inner = [each.id for each in policy.levels].index(path[3])
        found += (path[2], _keys(reader, (*found, path[2]))[inner])
    return (*found, path[-1])
