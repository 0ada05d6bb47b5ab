"""The grammar of the sections: JSON Schema files made ready for merging and checking."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from metadata.documents.marked import Map, plain
from metadata.documents.shape import LABELS, Shape, shape_of, united
from metadata.explaining import MISSING, explain, not_one_of
from metadata.fieldtypes.registry import TYPES
from metadata.problems import LANGUAGES, Position, Problem

GRAMMAR = 1
"""Version of the grammar. It is part of every fingerprint."""

_MOST_REMEMBERED = 50_000

FIELD_TYPES = tuple(name for name in TYPES if name != "id")


def read_schema(package: str, name: str) -> Any:
    """A JSON Schema file that lies beside the code."""
    return json.loads((resources.files(package) / name).read_text("utf-8"))


@cache
def shared_definitions() -> Mapping[str, Any]:
    definitions: Mapping[str, Any] = read_schema("metadata.sections", "shared.json")["$defs"]
    return definitions


def load(section: str) -> Mapping[str, Any]:
    """The grammar of a section with every reference replaced by what it names."""
    return resolve_references(read_schema(f"metadata.sections.{section}", "grammar.json"))


def resolve_references(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with every reference replaced by what it names, here or in the shared definitions."""
    own = {key: each for key, each in schema.items() if key != "$defs"}
    resolved: Mapping[str, Any] = _resolved(own, {**shared_definitions(), **schema.get("$defs", {})})
    return resolved


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_resolved(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _resolved(each, definitions) for key, each in schema.items() if key != "$ref"}
    if isinstance(named := schema.get("$ref"), str):
        return {**_resolved(definitions[named.removeprefix("#/$defs/")], definitions), **found}
    return found


def field_schema(common: Mapping[str, Any], type_name: str) -> Mapping[str, Any]:
    """The grammar of a field of one type: what every field has, and what the type adds."""
    properties = dict(common["properties"])
    properties["type"] = {"const": type_name}
    definitions = shared_definitions()
    for name, schema in TYPES[type_name].properties.items():
        properties[name] = schema
        if name == "options":
            option = _resolved(definitions["option"], definitions)
            inline = {"type": "object", "minProperties": 1, "additionalProperties": option}
            properties[name] = {"anyOf": [{"type": "string"}, inline]}
        elif name == "fields":
            properties[name] = {"type": "object", "additionalProperties": {"type": "object"}}
        elif name == "to" and schema.get("type") == "object":
            properties[name] = _resolved(definitions["some_names"], definitions)
    return {**common, "properties": properties}


@dataclass(frozen=True, slots=True)
class Grammar:
    """A section's grammar made ready: the shape for merging and the validator of one element."""

    schema: Mapping[str, Any]
    shape: Shape
    validator: Any

    def problems(self, data: Any, path: str, place: Position) -> Iterator[Problem]:
        """Everything in a merged element that the grammar refuses."""
        yield from explain(self.validator, data, path, place)


def grammar(schema: Mapping[str, Any], shape: Shape | None = None) -> Grammar:
    return Grammar(schema, shape or shape_of(schema), Draft202012Validator(dict(schema)))


def entity_grammar(whole: Mapping[str, Any], without_fields: Mapping[str, Any], fields: FieldGrammar) -> Grammar:
    """The grammar of entities: fields are checked one by one, so the validator leaves them out."""
    shape = shape_of(without_fields)
    properties = {**shape.properties, "fields": Shape("entries", entry=fields.shape)}
    return Grammar(whole, Shape("struct", properties), Draft202012Validator(dict(without_fields)))


@dataclass(frozen=True, slots=True)
class FieldGrammar:
    """The grammar of fields: one validator per type, so that no alternatives have to be tried."""

    schemas: Mapping[str, Mapping[str, Any]]
    validators: Mapping[str, Any]
    overlay: Any
    shape: Shape
    valid: set[bytes | None]
    """Fields, as text without their labels, that are known to be right: most fields of a description are alike."""

    def problems(self, data: Any, path: str, place: Position, of_platform: bool = False) -> Iterator[Problem]:
        if isinstance(data, Map) and of_platform and "type" not in data:
            yield from explain(self.overlay, data, path, place)
            return
        name = data.get("type") if isinstance(data, Map) else None
        if isinstance(name, str) and name not in self.validators:
            assert isinstance(data, Map)
            at = data.marks["type"].value_position
            yield not_one_of(name, FIELD_TYPES, f"{path}.type", at)
            return
        if isinstance(data, Map) and name is None:
            # Without a type nothing else can be judged.
            yield MISSING(f"{path}.type", at=place, key="type")
            return
        content = _content(data)
        if content not in self.valid:
            problems = list(explain(self.validators.get(str(name), self.validators["text"]), data, path, place))
            if not problems and content is not None and len(self.valid) < _MOST_REMEMBERED:
                self.valid.add(content)
            yield from problems


def field_grammar(common: Mapping[str, Any]) -> FieldGrammar:
    schemas = {name: field_schema(common, name) for name in FIELD_TYPES}
    inner = united([shape_of(schema) for schema in schemas.values()])
    nested = Shape("entries", entry=inner)
    shape = Shape("struct", {**inner.properties, "fields": nested})
    kept = {key: common["properties"][key] for key in ("id", "before", "after", "label", "help", "sensitivity")}
    overlay = {"type": "object", "properties": kept, "additionalProperties": False}
    validators = {name: Draft202012Validator(dict(schema)) for name, schema in schemas.items()}
    return FieldGrammar(schemas, validators, Draft202012Validator(overlay), shape, set())


def _content(data: Any) -> bytes | None:
    """A field without its labels, as text; None when even these need a look."""
    if not isinstance(data, Map):
        return None
    rest: dict[str, Any] = {}
    for key, value in data.items():
        if key not in LABELS:
            rest[key] = value
        elif not (isinstance(value, Map) and value and all(map(_is_plain_label, value, value.values()))):
            return None
    return orjson.dumps(plain(rest))


def _is_plain_label(language: str, text: Any) -> bool:
    return language in ("*", *LANGUAGES) and isinstance(text, str) and 1 <= len(text) <= 2000
