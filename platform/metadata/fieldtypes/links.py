"""Links to other records: one, several, of any of some kinds, and the rows that live with a record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.ids import UUID_PATTERN, is_uuid
from metadata.model import EMPTY, Field
from metadata.problems import kind

not_id = kind(
    "value_not_id",
    en="{label} takes the id of one record, like 018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70. Send it as text.",
    zh="{label} 需要一条记录的 ID，例如 018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70，请以文本发送。",
)
not_ids = kind(
    "value_not_ids",
    en="{label} takes a list of record ids. Send a list, empty for none.",
    zh="{label} 需要记录 ID 的列表，请以列表发送；没有时发送空列表。",
)
too_many_ids = kind(
    "value_too_many_ids",
    en="{label} takes at most {max} records at once. Send fewer.",
    zh="{label} 一次最多 {max} 条记录，请减少。",
)
not_any_link = kind(
    "value_not_any_link",
    en='{label} takes a kind of record and an id. Send {{"entity": ..., "id": ...}} with one of {entities}.',
    zh='{label} 需要记录类型和 ID，请发送 {{"entity": ..., "id": ...}}，类型为其中之一：{entities}。',
)
not_rows = kind(
    "value_not_rows",
    en="{label} takes a list of rows, each an object of its fields. Send a list.",
    zh="{label} 需要明细行的列表，每行是由字段组成的对象，请以列表发送。",
)

MOST_LINKS = 1000
_ONE = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70"
_TWO = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f71"
_ID_SCHEMA: Mapping[str, Any] = {"type": "string", "format": "uuid", "pattern": UUID_PATTERN}

_LABEL = {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": ["string", "null"]}}]}
_NAME = {"type": "string"}
_ON_DELETE = {
    "enum": ["restrict", "clear", "cascade"],
    "description": "What becomes of this record when the other is deleted.",
}
_ON_MERGE = {"enum": ["move", "keep", "union"], "description": "What becomes of the link when two targets are merged."}
_INVERSE = {
    "anyOf": [
        _NAME,
        {"type": "object", "properties": {"key": _NAME, "label": _LABEL}, "additionalProperties": False},
    ],
    "description": "The related list on the other side: its key, or key and label.",
}
_FLAG = {"type": "boolean"}


def record_id(field: Field, raw: Any, path: str = "") -> str:
    """A record id as it is stored. Raises ValueProblem."""
    if isinstance(raw, str) and is_uuid(raw):
        return raw.lower()
    raise refuse(not_id, field, path)


class Identifier(FieldType):
    """The id of a record, made by the platform."""

    name = "id"
    kind = "id"
    operators: tuple[str, ...] = ("==", "!=", "in")
    control = "hidden"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("uuid"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        return None if raw is None else record_id(field, raw)

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return _ID_SCHEMA

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (_ONE, _TWO)

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = ("", "1", _ONE.replace("-", ""), _ONE[:-1], f"{{{_ONE}}}", f"urn:uuid:{_ONE}", f" {_ONE}")
        return (1, 1.5, True, [], {}, [_ONE], *texts)


class Link(Identifier):
    """One record of another entity."""

    name = "link"
    sortable = False
    groupable = True
    control = "link"
    properties: Mapping[str, Any] = {
        "to": {**_NAME, "description": "The entity it points to."},
        "on_delete": _ON_DELETE,
        "on_merge": _ON_MERGE,
        "inverse": _INVERSE,
        "follows_owner": {**_FLAG, "description": "A new owner of the target becomes the owner of this record too."},
        "lives_with_parent": {
            **_FLAG,
            "description": "This record is part of the target: its rights are the target's.",
        },
    }


class User(Link):
    """One person."""

    name = "user"
    control = "user"
    properties: Mapping[str, Any] = {
        key: rule for key, rule in Link.properties.items() if key in ("on_delete", "inverse")
    }


class Unit(User):
    """One unit of the organisation."""

    name = "unit"
    control = "unit"


class Links(FieldType):
    """Several records, kept as rows of an entity between the two."""

    name = "links"
    kind = "set"
    stored = False
    sortable = False
    operators: tuple[str, ...] = ()
    control = "links"
    properties: Mapping[str, Any] = {
        "to": {**_NAME, "description": "The entity it points to."},
        "through": {**_NAME, "description": "The entity that holds the pairs; made by the platform if not given."},
        "near": {**_NAME, "description": "The link of `through` that points here."},
        "far": {**_NAME, "description": "The link of `through` that points to the target."},
        "inverse": _INVERSE,
        "on_merge": _ON_MERGE,
        "fields": {"type": "object", "description": "Further fields of each pair."},
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return ()

    def parse(self, field: Field, raw: Any) -> tuple[str, ...] | None:
        """Each id once, in the order given. An empty list is a value: no links."""
        if raw is None:
            return None
        if not isinstance(raw, (list, tuple)):
            raise refuse(not_ids, field)
        if len(raw) > MOST_LINKS:
            raise refuse(too_many_ids, field, max=MOST_LINKS)
        return tuple(dict.fromkeys(record_id(field, each, str(index)) for index, each in enumerate(raw)))

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else list(value)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        found = [each for each in re.split(r"[\s,;、，；]+", text) if each]
        return self.parse(field, found) if found else None

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return ", ".join(value or ())

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        schema: dict[str, Any] = {"type": "array", "items": _ID_SCHEMA, "maxItems": MOST_LINKS}
        return schema | {"minItems": 1} if field.required else schema

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ([_ONE], [_TWO, _ONE])

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (_ONE, 1, True, {}, [1], ["x"], [None], [[_ONE]], [{"id": _ONE}])


@dataclass(frozen=True, slots=True)
class AnyLink:
    """A record of one of several entities."""

    entity: str
    """Entity id."""
    id: str


def _entities(field: Field) -> Mapping[str, str]:
    """Entity id -> today's key of the targets; `names` is kept by the compiler where they differ."""
    names: Mapping[str, str] = field.props.get("names", EMPTY)
    return {id: names.get(id, id) for id in field.to}


class AnyLinkType(FieldType):
    """One record of any of the entities in `to`."""

    name = "any_link"
    kind = "id"
    sortable = False
    operators: tuple[str, ...] = ("==", "!=", "in")
    control = "any_link"
    properties: Mapping[str, Any] = {
        "to": {"type": "object", "minProperties": 1, "description": "The entities it may point to, by id."},
        "on_delete": _ON_DELETE,
        "on_merge": _ON_MERGE,
        "inverse": _INVERSE,
        "follows_owner": Link.properties["follows_owner"],
        "lives_with_parent": Link.properties["lives_with_parent"],
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("uuid"), ColumnSpec("text", "__entity"))

    def parse(self, field: Field, raw: Any) -> AnyLink | None:
        if raw is None or isinstance(raw, AnyLink):
            return raw
        entities = _entities(field)
        if not isinstance(raw, Mapping) or set(raw) != {"entity", "id"} or not isinstance(raw["entity"], str):
            raise refuse(not_any_link, field, entities=tuple(entities.values()))
        for id, key in entities.items():
            if raw["entity"] in (id, key):
                return AnyLink(id, record_id(field, raw["id"], "id"))
        raise refuse(not_any_link, field, "entity", entities=tuple(entities.values()))

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else {"entity": _entities(field).get(value.entity, value.entity), "id": value.id}

    def keep(self, field: Field, value: Any) -> Any:
        return None if value is None else {"entity": value.entity, "id": value.id}

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        if not text.strip():
            return None
        entity, _, id = text.strip().partition(":")
        return self.parse(field, {"entity": entity.strip(), "id": id.strip()})

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else f"{_entities(field).get(value.entity, value.entity)}:{value.id}"

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        entities = _entities(field)
        names = list(dict.fromkeys([*entities.values(), *entities]))
        return {
            "type": "object",
            "properties": {"entity": {"type": "string", "enum": names}, "id": _ID_SCHEMA},
            "required": ["entity", "id"],
            "additionalProperties": False,
        }

    def samples(self, field: Field) -> tuple[Any, ...]:
        keys = list(_entities(field).values())
        return ({"entity": keys[0], "id": _ONE}, {"entity": keys[-1], "id": _TWO})

    def refused(self, field: Field) -> tuple[Any, ...]:
        key = next(iter(_entities(field).values()), "x")
        parts: tuple[Any, ...] = (
            {"entity": key},
            {"id": _ONE},
            {"entity": "no such", "id": _ONE},
            {"entity": key, "id": "1"},
            {"entity": 1, "id": _ONE},
            {"entity": key, "id": _ONE, "more": 1},
        )
        return (_ONE, 1, True, [], {}, *parts)


class Children(FieldType):
    """The rows that live with a record, written together with it. Their own fields are read by records."""

    name = "children"
    kind = "set"
    stored = False
    sortable = False
    operators: tuple[str, ...] = ()
    control = "children"
    properties: Mapping[str, Any] = {
        "of": {**_NAME, "description": "The entity of the rows."},
        "by": {**_NAME, "description": "The link on that entity which points here."},
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return ()

    def parse(self, field: Field, raw: Any) -> list[dict[str, Any]] | None:
        if raw is None:
            return None
        if not isinstance(raw, (list, tuple)):
            raise refuse(not_rows, field)
        if len(raw) > MOST_LINKS:
            raise refuse(too_many_ids, field, max=MOST_LINKS)
        for index, each in enumerate(raw):
            if not isinstance(each, Mapping):
                raise refuse(not_rows, field, str(index))
        return [dict(each) for each in raw]

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else str(len(value))

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        schema: dict[str, Any] = {"type": "array", "items": {"type": "object"}, "maxItems": MOST_LINKS}
        return schema | {"minItems": 1} if field.required else schema

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ([{"name": "One"}], [{"name": "One"}, {"name": "Two"}])

    def refused(self, field: Field) -> tuple[Any, ...]:
        return ("x", 1, True, {}, [1], [None], [[]], ["x"])
