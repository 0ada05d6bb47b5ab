"""Triggers of a workflow: their grammar made into the model's, one function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from metadata.compilation import problem_at
from metadata.cron import parse as parse_cron
from metadata.documents.marked import Map
from metadata.fieldtypes import registry
from metadata.packages import TIMEZONE, is_timezone, near_timezone
from metadata.problems import PlatformError
from metadata.section import label_of, said_id
from metadata.sections.workflows import refusals as r
from metadata.sections.workflows.giving import check_needed, may_write
from metadata.sections.workflows.reading import Path, Reader
from metadata.workflows import Message, Trigger, TriggerKind

Made = dict[str, Any]
"""Properties of a trigger that only its kind has."""

CHANGED = frozenset({"updated"})
MATCHED = frozenset({"text", "sequence", "id", "email", "phone", "barcode", "integer"})
"""Types of fields that may hold what another system calls a record."""
ASKED_OF_DATABASE = frozenset({"date", "schedule"})
"""Kinds that look for the records themselves."""


def triggers(reader: Reader) -> tuple[Trigger, ...]:
    said = reader.element.data.get("triggers")
    found = []
    for key, data in said.items() if isinstance(said, Map) else ():
        kind = next((each for each in KINDS if isinstance(data, Map) and each in data), None)
        if kind is not None:
            found.append(_trigger(reader, key, data, kind))
    return tuple(found)


def _trigger(reader: Reader, key: str, data: Map, kind: TriggerKind) -> Trigger:
    path = ("triggers", key)
    when = reader.condition(data, "when", reader.start, path, changes=kind in CHANGED, sql=kind in ASKED_OF_DATABASE)
    own = data.get(kind)
    props = KINDS[kind](reader, own if isinstance(own, Map) else Map(), (*path, kind))
    return Trigger(id=said_id(key, data), kind=kind, when=when, **props)


def _plain(reader: Reader, data: Map, path: Path) -> Made:
    return {}


def _date(reader: Reader, data: Map, path: Path) -> Made:
    made: Made = {"offset": reader.span(data, "offset", path, negative=True), "at": data.get("at")}
    name = data.get("field")
    field = reader.field(reader.start, name, *path, "field", at_key=False) if isinstance(name, str) else None
    if field is None:
        return made
    if field.type not in ("date", "datetime") or not registry.stored(field):
        reader.refuse(r.NOT_A_MOMENT, *path, "field", field=field.label, type=field.type)
    elif field.type == "datetime" and "at" in data:
        reader.refuse(r.AT_OF_MOMENT, *path, "at", field=field.label)
    return {**made, "field": field.id}


def _schedule(reader: Reader, data: Map, path: Path) -> Made:
    cron, zone = data.get("cron"), data.get("zone")
    if isinstance(cron, str):
        try:
            parse_cron(cron)
        except PlatformError as error:
            reader.note(error, (*path, "cron"))
    if isinstance(zone, str) and not is_timezone(zone):
        near = near_timezone(zone)
        problem = problem_at(TIMEZONE, reader.element, (*path, "zone"), False, near, name=zone)
        reader.compilation.problems.append(problem)
    return {"cron": cron, "zone": zone}


def _button(reader: Reader, data: Map, path: Path) -> Made:
    return {"label": label_of(data, reader.element.key), "roles": reader.roles(data, path)}


def _webhook(reader: Reader, data: Map, path: Path) -> Made:
    said = data.get("values")
    found: dict[str, str] = {}
    for name, way in said.items() if isinstance(said, Map) else ():
        here = (*path, "values", name)
        field = reader.field(reader.start, name, *here)
        if field is not None and isinstance(way, str) and may_write(reader, reader.start, field, here, new=True):
            found[field.id] = way
    if isinstance(said, Map):
        check_needed(reader, reader.start, frozenset(found), *path, "values")
    return {"values": found}


def _message(reader: Reader, data: Map, path: Path) -> Made:
    name = data.get("field")
    field = reader.field(reader.start, name, *path, "field", at_key=False) if isinstance(name, str) else None
    if field is None:
        return {}
    if field.type not in MATCHED or not registry.stored(field) or field.props.get("encrypted"):
        reader.refuse(r.NOT_MATCHED, *path, "field", field=field.label, type=field.type)
    return {"message": Message(data.get("name", ""), data.get("at", ""), field=field.id)}


KINDS: Mapping[TriggerKind, Callable[[Reader, Map, Path], Made]] = {
    "created": _plain,
    "updated": _plain,
    "deleted": _plain,
    "date": _date,
    "schedule": _schedule,
    "button": _button,
    "webhook": _webhook,
    "message": _message,
    "called": _plain,
}
