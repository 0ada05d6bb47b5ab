"""Kinds of steps that hold no others: they do something and go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.documents.marked import Map
from metadata.expressions.names import Wanted
from metadata.expressions.parser import parse_in
from metadata.model import Entity
from metadata.sections.workflows import refusals as r
from metadata.sections.workflows.giving import check_needed, people, values
from metadata.sections.workflows.reading import Path, Place, Reader
from metadata.workflows import Assign, Create, Delete, Run, Send, Step, Stop, Update

NEW: Mapping[str, Any] = {"id": "", "label": {}}
"""Who asks for a step gives it these."""


def own_of(data: Map, key: str) -> Map:
    found = data.get(key)
    return found if isinstance(found, Map) else Map()


def create(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "create"), (*path, "create")
    entity = reader.entity(own, path)
    if entity is None:
        return Create(**NEW)
    if _writable(reader, entity, *path, "entity"):
        given = values(reader, own, entity, place, path, new=True)
        check_needed(reader, entity, frozenset(given), *path, "values")
        return Create(**NEW, entity=entity.id, values=given)
    return Create(**NEW, entity=entity.id)


def require_living(reader: Reader, place: Place, path: Path) -> None:
    """Refuse a step that needs a record where that is in the recycle bin already."""
    if place.gone:
        reader.refuse(r.GONE, *path, at_key=True)


def update(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "update"), (*path, "update")
    _writable(reader, place.entity, *path)
    require_living(reader, place, path)
    return Update(**NEW, values=values(reader, own, place.entity, place, path))


def delete(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    _writable(reader, place.entity, *path, "delete")
    require_living(reader, place, (*path, "delete"))
    return Delete(**NEW)


def _writable(reader: Reader, entity: Entity | None, *path: str) -> bool:
    if entity is None or entity.written_by != "platform":
        return True
    reader.refuse(r.OF_PLATFORM, *path, entity=entity.label)
    return False


def assign(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "assign"), (*path, "assign")
    require_living(reader, place, path)
    if place.entity is not None and not place.entity.owned:
        reader.refuse(r.NOT_OWNED, *path, at_key=True, entity=place.entity.label)
    ways = [each for each in ("to", "assignment") if each in own]
    if len(ways) != 1:
        what = r.TWO_KINDS if ways else r.NO_KIND
        reader.refuse(what, *path, at_key=True, name="assign", found=ways, known=["to", "assignment"])
    return Assign(**NEW, assignment=_assignment(reader, own, place, path), to=people(reader, own, place, path))


def _assignment(reader: Reader, data: Map, place: Place, path: Path) -> str | None:
    name = data.get("assignment")
    id = reader.named("assignments", name, *path, "assignment") if isinstance(name, str) else None
    found = reader.compilation.made["assignments"].get(id) if id is not None else None
    if found is not None and place.entity is not None and found.entity != place.entity.id:
        reader.refuse(r.OTHER_ENTITY, *path, "assignment", name=name, entity=place.entity.label)
    return id


def send(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "send"), (*path, "send")
    by: Any = tuple(own_of(own, "by")) or ("app",)
    address = own.get("address")
    if isinstance(address, str):
        address = _text_of(reader, address, place, (*path, "address"))
        if "mail" not in by:
            reader.refuse(r.NO_MAIL, *path, "address", at_key=True)
    elif "to" not in own:
        reader.refuse(r.NOBODY, *path, at_key=True)
    return Send(
        **NEW,
        to=people(reader, own, place, path),
        address=address,
        by=by,
        subject=reader.text(own, "subject", place.entity, path),
        body=reader.text(own, "body", place.entity, path),
    )


def _text_of(reader: Reader, text: str, place: Place, path: Path) -> str:
    return reader.by_ids(
        text, reader.expression(text, place.entity, path, lambda t, e, s: parse_in(t, e, s, Wanted("text")))
    )


def run(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "run"), (*path, "run")
    name = own.get("workflow")
    id = reader.named("workflows", name, *path, "workflow") if isinstance(name, str) else None
    if id is not None:
        other = reader.compilation.elements["workflows"][id].data
        about = reader.compilation.resolve("entities", str(other.get("entity")))
        if place.entity is not None and about not in (None, place.entity.id):
            reader.refuse(r.OTHER_ENTITY, *path, "workflow", name=name, entity=place.entity.label)
        if not any(isinstance(each, Map) and "called" in each for each in own_of(other, "triggers").values()):
            reader.refuse(r.NOT_CALLED, *path, "workflow", name=name)
    return Run(**NEW, workflow=id or "", wait=own.get("wait", True))


def stop(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "stop"), (*path, "stop")
    return Stop(**NEW, failed=own.get("failed", False), reason=reader.text(own, "reason", place.entity, path))
