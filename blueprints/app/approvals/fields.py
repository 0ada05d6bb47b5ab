"""Controls that are no field of a record: people to name, and the fields of a record that an approver fills in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request

from blueprints.app import cells, controls
from blueprints.app.reading import Reader
from metadata.model import Entity, Field
from metadata.problems import Invalid, Problem
from runtime.approvals.world.people import People
from workflow.approvals.refusals import NOBODY_ADDED

T = TypeVar("T")

WRITE, PICK = "set.", "pick."
"""Before the names of controls: a field or node may be called like another part of the form."""


@dataclass(frozen=True, slots=True)
class Pick:
    """People to choose for a node: among those of some roles, or anybody."""

    name: str
    label: str
    hint: str
    options: tuple[controls.Option, ...] = ()
    control: controls.Control | None = None


def sent() -> controls.Sent:
    return controls.Sent(request.form, request.files)


# -- people


def person_control(reader: Reader, entity: Entity, verb: str, shown: bool) -> controls.Control:
    """Whom a verb is about. `shown`: with what was sent."""
    return _control(reader, entity, _person(entity, reader.words("approval_to")), f"{verb}.", shown)


def people_control(reader: Reader, entity: Entity, verb: str, shown: bool) -> controls.Control:
    return _control(reader, entity, _people(entity, "people", reader.words("approval_people")), f"{verb}.", shown)


def _control(reader: Reader, entity: Entity, field: Field, prefix: str, shown: bool) -> controls.Control:
    given = controls.Sent(request.form, request.files, prefix) if shown else None
    return controls.control(_form(reader, entity, prefix), field, {}, given)


def read_person(reader: Reader, entity: Entity, verb: str) -> str:
    """The id of the person who was named. Raises Invalid, for nobody too."""
    field = _person(entity, reader.words("approval_to"))
    return str(_named(_read(reader, entity, field, f"{verb}.")))


def read_people(reader: Reader, entity: Entity, verb: str) -> list[str]:
    """Raises Invalid, for nobody too."""
    field = _people(entity, "people", reader.words("approval_people"))
    return list(_named(_read(reader, entity, field, f"{verb}.")))


def _named(found: T | None) -> T:
    if not found:
        raise Invalid(NOBODY_ADDED("people"))
    return found


def _read(reader: Reader, entity: Entity, field: Field, prefix: str) -> Any:
    _, found, problems = controls.read(_form(reader, entity, prefix), field, request)
    if problems:
        raise Invalid(problems)
    return found


def _person(entity: Entity, label: str) -> Field:
    return Field("to", "to", "user", {"*": label}, entity.id, required=True, to=("user",))


def _people(entity: Entity, key: str, label: str) -> Field:
    return Field(key, key, "links", {"*": label}, entity.id, required=True, to=("user",))


def _form(reader: Reader, entity: Entity, prefix: str) -> controls.Form:
    return controls.Form(reader.ws, entity, reader.words, reader.context, prefix)


# -- a signature


def signature(reader: Reader, entity: Entity, shown: bool) -> controls.Control:
    """A picture, drawn or uploaded."""
    return _control(reader, entity, _signature(reader, entity), "", shown)


def read_signature(reader: Reader, entity: Entity) -> str:
    """The id of the picture, which is kept with this; empty for none."""
    return str(_read(reader, entity, _signature(reader, entity), "") or "")


def _signature(reader: Reader, entity: Entity) -> Field:
    label = {"*": reader.words("approval_signature")}
    return Field("signature", "signature", "signature", label, entity.id, required=True)


# -- people picked for nodes that come later


def picks(
    reader: Reader, entity: Entity, wanted: Sequence[Mapping[str, Any]], own: bool, shown: bool
) -> tuple[Pick, ...]:
    """`wanted` as `runtime.approvals` tells it. `own`: whoever submits chooses, not an approver."""
    people = People(reader.ws)
    return tuple(_pick(reader, entity, each, people, own, shown) for each in wanted)


def _pick(reader: Reader, entity: Entity, wanted: Mapping[str, Any], people: People, own: bool, shown: bool) -> Pick:
    words, node = reader.words, wanted["node"]
    label = words("approval_picks_own" if own else "approval_picks_for", node=wanted["label"])
    least, most = wanted["least"], wanted["most"]
    key = "approval_picks_one" if most == 1 else "approval_picks_exactly" if least == most else "approval_picks_count"
    hint = words(key, least=least, most=most)
    name = PICK + node
    if not wanted["among"]:
        return Pick(name, label, hint, control=_control(reader, entity, _people(entity, node, label), PICK, shown))
    ids = dict.fromkeys(id for role in wanted["among"] for id in people.holders(role))
    chosen = set(request.form.getlist(name)) if shown else set()
    named = [controls.Option(id, people.name(id), id in chosen) for id in ids if people.active(id)]
    return Pick(name, label, hint, tuple(sorted(named, key=lambda each: each.label)))


def read_picks(reader: Reader, entity: Entity) -> dict[str, list[str]]:
    """Node -> ids, of every node for which somebody was named. Raises Invalid."""
    names = {_node_of(name) for name in request.form if name.startswith(PICK)}
    found = {}
    for node in sorted(names):
        chosen = list(_read(reader, entity, _people(entity, node, reader.words("approval_people")), PICK) or ())
        if chosen:
            found[node] = chosen
    return found


def _node_of(name: str) -> str:
    return name[len(PICK) :].split(".")[0]


# -- fields of the record


def writable(
    reader: Reader, entity: Entity, keys: Iterable[str], values: Mapping[str, Any], shown: bool
) -> tuple[controls.Control, ...]:
    """Controls of the fields that an approver may fill in, with the record's values."""
    form, record = _form(reader, entity, WRITE), _titled(reader, entity, values)
    given = controls.Sent(request.form, request.files, WRITE) if shown else None
    return tuple(controls.control(form, each, record, given) for each in _fields(entity, keys))


def read_written(reader: Reader, entity: Entity, keys: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """What was changed in those controls, by key. Raises Invalid."""
    form, record = _form(reader, entity, WRITE), _titled(reader, entity, values)
    given = controls.Sent(request.form, request.files, WRITE)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in _fields(entity, keys):
        there, value, wrong = controls.read(form, field, request)
        now = controls.marks(form, field, controls.control(form, field, record))[field.key]
        problems += wrong
        if there and not wrong and controls.mark_sent(form, field, given) != now:
            found[field.key] = value
    if problems:
        raise Invalid(problems)
    return found


def _fields(entity: Entity, keys: Iterable[str]) -> list[Field]:
    """Rows of a list are changed on the record's own page."""
    found = (entity.find(key) for key in keys)
    return [each for each in found if each is not None and each.type != "children"]


def _titled(reader: Reader, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Links as the API tells them: with the field that names their record."""
    return {key: _linked(reader, entity, key, value) for key, value in values.items()}


def _linked(reader: Reader, entity: Entity, key: str, value: Any) -> Any:
    field = entity.find(key)
    if field is None or field.type not in {*cells.LINKS, "links"}:
        return value
    target = reader.ws.model.entity(field.to[0]) if field.to else None
    name = cells.title_of(reader.ws, target) if target is not None else None

    def titled(each: Any) -> Any:
        return {**each, name: each.get("title")} if name and isinstance(each, Mapping) else each

    return [titled(each) for each in value] if isinstance(value, list) else titled(value)
