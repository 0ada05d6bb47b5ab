"""What steps give: values to fields and bodies, and work or word to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metadata.documents.marked import Map
from metadata.expressions.tree import Either, Expression, FieldRef, Node
from metadata.fieldtypes import registry
from metadata.model import Entity, Field
from metadata.section import said_id
from metadata.sections.entities.ruling import NOT_SET
from metadata.sections.values import GIVEN
from metadata.sections.workflows import refusals as r
from metadata.sections.workflows.reading import Path, Place, Reader
from metadata.workflow_texts import any_value, value_for
from metadata.workflows import Person, Value

LINKING = frozenset({"link", "user", "unit", "any_link"})


def values(
    reader: Reader, data: Map, into: Entity | None, place: Place, path: Path, new: bool = False
) -> dict[str, Value]:
    """`values` of a step that writes a record of `into`: field id -> its value. `new`: it makes the record."""
    said = data.get("values")
    found: dict[str, Value] = {}
    if not isinstance(said, Map) or into is None:
        return found
    for name, given in said.items():
        here = (*path, "values", name)
        field = reader.field(into, name, *here)
        if field is not None and may_write(reader, into, field, here, new):
            found[field.id] = _value(reader, given, field, place, here)
    return found


def may_write(reader: Reader, entity: Entity, field: Field, path: Path, new: bool = False) -> bool:
    """Whether a step can write a field; a problem when it cannot."""
    kept = field.computed is not None or (field.system and field.id not in GIVEN) or field.type in NOT_SET
    if kept or (field.system and not registry.stored(field)):
        reader.refuse(r.NOT_WRITTEN, *path, at_key=True, field=field.label)
        return False
    for rule in entity.rules:
        if rule.when is None and field.id in rule.read_only and rule.on in ("save", "create" if new else "update"):
            reader.refuse(r.READ_ONLY, *path, at_key=True, field=field.label, rule=rule.label)
            return False
    return True


def check_needed(reader: Reader, entity: Entity, given: frozenset[str], *path: str) -> None:
    """Refuse a new record without what every record of the entity needs."""
    ruled = {id for rule in entity.rules for id in rule.set}
    for field in entity.fields.values():
        free = field.system or field.computed is not None or field.default is not None or field.type == "sequence"
        if field.required and not free and field.id not in given and field.id not in ruled:
            reader.refuse(r.NEEDED, *path, at_key=True, entity=entity.label, field=field.label)


def _value(reader: Reader, given: Any, field: Field, place: Place, path: Path) -> Value:
    if isinstance(given, Map):
        return _record(reader, str(given.get("record")), field, place, path)
    text = _written(given)
    if field.type == "any_link":
        reader.refuse(r.NOT_A_LINK, *path, field=field.label, type=field.type)
        return Value(text)
    expression = reader.expression(text, place.entity, path, lambda t, e, s: value_for(t, e, field, s))
    for target, name in _led_to(reader, expression, expression.root) if expression is not None else ():
        _check_target(reader, field, target, name, path)
    return Value(reader.by_ids(text, expression, field))


def _record(reader: Reader, name: str, field: Field | None, place: Place, path: Path) -> Value:
    """A record that the run knows; `field`: the one that shall hold it, None in a body."""
    known = {"record": ("record", place.entity), "start": ("start", reader.start), **place.made}
    if name not in known:
        reader.refuse(r.NOT_MADE, *path, "record", name=name)
        return Value(record=name)
    id, entity = known[name]
    if field is not None and field.type not in LINKING:
        reader.refuse(r.NOT_A_LINK, *path, "record", field=field.label, type=field.type)
    elif field is not None and entity is not None:
        _check_target(reader, field, entity.id, name, (*path, "record"))
    return Value(record=id)


def _check_target(reader: Reader, field: Field, target: str, name: str, path: Path) -> None:
    if not field.to or target in field.to:
        return
    made = reader.compilation.made["entities"]
    wanted = [made[each].label for each in field.to if each in made]
    found = made[target].label if target in made else target
    reader.refuse(r.OTHER_RECORD, *path, field=field.label, wanted=wanted, name=name, found=found)


def _led_to(reader: Reader, expression: Expression, node: Node) -> Iterator[tuple[str, str]]:
    """(entity id, name) of every record that the value of an expression may be."""
    match node:
        case FieldRef(kind="id"):
            entity = reader.compilation.made["entities"].get(node.entity)
            field = None if entity is None else entity.fields[node.field]
            if field is not None and (field.type == "id" or len(field.to) == 1):
                yield (node.entity if field.type == "id" else field.to[0]), field.key
        case Either(then=then, otherwise=otherwise):
            yield from _led_to(reader, expression, then)
            yield from _led_to(reader, expression, otherwise)


def _written(given: Any) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)


def body(reader: Reader, data: Map, place: Place, path: Path) -> dict[str, Value]:
    """`body` of a request: key -> its value."""
    said = data.get("body")
    found: dict[str, Value] = {}
    for key, given in said.items() if isinstance(said, Map) else ():
        here = (*path, "body", key)
        if isinstance(given, Map):
            found[key] = _record(reader, str(given.get("record")), None, place, here)
            continue
        text = _written(given)
        found[key] = Value(reader.by_ids(text, reader.expression(text, place.entity, here, any_value)))
    return found


# -- people


_WAYS = ("path", "role", "manager_of", "initiator")


def people(reader: Reader, data: Map, place: Place, path: Path) -> tuple[Person, ...]:
    """`to`: who is meant, in the order in which they are tried."""
    said = data.get("to")
    found = []
    for key, given in said.items() if isinstance(said, Map) else ():
        here = (*path, "to", key)
        ways = [each for each in _WAYS if isinstance(given, Map) and each in given]
        if len(ways) != 1:
            what = r.TWO_KINDS if ways else r.NO_KIND
            reader.refuse(what, *here, at_key=True, name=said_id(key, given), found=ways, known=list(_WAYS))
            continue
        found.append(_person(reader, given, ways[0], place, here))
    return tuple(found)


def _person(reader: Reader, given: Map, way: str, place: Place, path: Path) -> Person:
    match way:
        case "role":
            return Person(role=reader.named("roles", str(given["role"]), *path, "role"))
        case "initiator":
            return Person(initiator=True)
        case "manager_of":
            return Person(manager_of=to_user(reader, given, way, place, path))
        case _:
            return Person(expression=to_user(reader, given, way, place, path))


def to_user(reader: Reader, given: Map, key: str, place: Place, path: Path) -> str:
    """The path to a user under a key, by ids; a problem when it leads to anything else."""
    name = str(given[key])
    if place.entity is None:
        return name
    way = reader.compilation.named_path(reader.element, place.entity, name, *path, key)
    if way is None:
        return name
    last = way[-1]
    user = last.to == ("user",) or (place.entity.id == "user" and len(way) == 1 and last.type == "id")
    if not user or (last.type not in ("user", "link", "id")):
        reader.refuse(r.NOT_A_PERSON, *path, key, name=name)
    return ".".join(each.id for each in way)
