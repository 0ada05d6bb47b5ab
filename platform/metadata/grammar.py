"""The grammar of the sections: JSON Schema files made ready for merging and checking."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson
from jsonschema import Draft202012Validator, FormatChecker

from metadata.documents.marked import Map, plain
from metadata.documents.shape import LABELS, Shape, shape_of, united
from metadata.explaining import MISSING, explain, not_one_of
from metadata.fieldtypes.registry import TYPES
from metadata.icons import is_icon
from metadata.problems import LANGUAGES, Position, Problem

GRAMMAR = 1
"""Version of the grammar. It is part of every fingerprint."""

_MOST_REMEMBERED = 50_000

COMPUTED = ("formula", "lookup", "rollup")
"""What stands as the type of a field that gets its value by itself; see `sections.entities.computing`."""
FORMULA_TYPES = tuple(
    "text long_text integer decimal money percent rating duration boolean date datetime choice".split()
)
"""What the value of a formula may be stored as."""
FIELD_TYPES = (*(name for name in TYPES if name != "id"), *COMPUTED)


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
    """The schema with every reference replaced by what it names, here or in the shared definitions.

    A definition that holds itself, as a block of steps does, stays a reference to `$defs`.
    """
    own = {key: each for key, each in schema.items() if key != "$defs"}
    definitions = {**shared_definitions(), **schema.get("$defs", {})}
    open_ones = {name: each for name, each in definitions.items() if name not in _holding_themselves(definitions)}
    resolved: dict[str, Any] = _resolved(own, open_ones)
    kept = {name: _resolved(each, open_ones) for name, each in definitions.items() if name not in open_ones}
    return {**resolved, "$defs": kept} if kept else resolved


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_resolved(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _resolved(each, definitions) for key, each in schema.items() if key != "$ref"}
    if isinstance(named := schema.get("$ref"), str):
        name = named.removeprefix("#/$defs/")
        return {**_resolved(definitions[name], definitions), **found} if name in definitions else schema
    return found


def _holding_themselves(definitions: Mapping[str, Any]) -> frozenset[str]:
    """The definitions that are reached again from themselves."""
    named = {name: frozenset(_named_in(each)) for name, each in definitions.items()}

    def reached(name: str) -> set[str]:
        found, left = set[str](), [name]
        while left:
            fresh = named.get(left.pop(), frozenset()) - found
            found |= fresh
            left.extend(fresh)
        return found

    return frozenset(name for name in named if name in reached(name))


def _named_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _named_in(each)
    elif isinstance(schema, dict):
        for key, each in schema.items():
            if key == "$ref" and isinstance(each, str):
                yield each.removeprefix("#/$defs/")
            else:
                yield from _named_in(each)


def field_schema(common: Mapping[str, Any], type_name: str) -> Mapping[str, Any]:
    """The grammar of a field of one type: what every field has, and what the type adds."""
    if type_name in COMPUTED:
        return _computed_schema(common, type_name)
    return _with_properties(common, type_name, TYPES[type_name].properties)


def formula_schema(common: Mapping[str, Any], as_type: str) -> Mapping[str, Any]:
    """The grammar of a formula whose value is of one type: what bounds or fills in a value has no place."""
    own = {name: each for name, each in TYPES[as_type].properties.items() if name in ("scale", "options", "unit")}
    if as_type == "rating":
        own = dict(TYPES[as_type].properties)
    schema = _computed_schema(common, "formula")
    return _with_properties(schema, "formula", own)


_NOT_COMPUTED = ("required", "unique", "default")
_VALUE = {"type": "string", "minLength": 1, "maxLength": 4000}
_OF_COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "formula": {
        "as": {"enum": list(FORMULA_TYPES), "description": "The type of its value."},
        "value": {**_VALUE, "description": "The expression: `amount * probability / 100`."},
    },
    "lookup": {"path": {**_VALUE, "description": "The field that is shown, over links: `account.industry`."}},
    "rollup": {
        "of": {**_VALUE, "description": "The list that is added up: rows, links, or the other end of a link."},
        "count": {"const": True, "description": "How many records there are."},
        "sum": {**_VALUE, "description": "The field that is added up."},
        "avg": {**_VALUE, "description": "The field whose average is taken."},
        "median": {**_VALUE, "description": "The field whose value in the middle is taken."},
        "min": {**_VALUE, "description": "The field whose smallest value is taken."},
        "max": {**_VALUE, "description": "The field whose largest value is taken."},
        "where": {**_VALUE, "description": "Only records of the list that meet this condition count."},
    },
}
_DEMANDED: Mapping[str, tuple[str, ...]] = {"formula": ("as", "value"), "lookup": ("path",), "rollup": ("of",)}


def _computed_schema(common: Mapping[str, Any], how: str) -> Mapping[str, Any]:
    properties = {name: each for name, each in common["properties"].items() if name not in _NOT_COMPUTED}
    properties |= _OF_COMPUTED[how]
    properties["disclose"] = {
        "type": "boolean",
        "description": "Whether it is shown to people who may not read all that it is made of.",
    }
    properties["type"] = {"const": how}
    return {**common, "properties": properties, "required": [*common["required"], *_DEMANDED[how]]}


def _with_properties(common: Mapping[str, Any], type_name: str, own: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = dict(common["properties"])
    properties["type"] = {"const": type_name}
    definitions = shared_definitions()
    for name, schema in own.items():
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
    return Grammar(schema, shape or shape_of(schema), _validator(schema))


def entity_grammar(whole: Mapping[str, Any], without_fields: Mapping[str, Any], fields: FieldGrammar) -> Grammar:
    """The grammar of entities: fields are checked one by one, so the validator leaves them out."""
    shape = shape_of(without_fields)
    properties = {**shape.properties, "fields": Shape("entries", entry=fields.shape)}
    return Grammar(whole, Shape("struct", properties), _validator(without_fields))


def _validator(schema: Mapping[str, Any]) -> Any:
    return Draft202012Validator(dict(schema), format_checker=_FORMATS)


_FORMATS = FormatChecker(())
"""The formats that our grammar names: `icon`."""
_FORMATS.checks("icon")(is_icon)


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
            problems = list(explain(self._validator(str(name), data), data, path, place))
            if not problems and content is not None and len(self.valid) < _MOST_REMEMBERED:
                self.valid.add(content)
            yield from problems

    def _validator(self, name: str, data: Any) -> Any:
        if name == "formula" and isinstance(data, Map):
            name = f"formula as {data.get('as')}"
            return self.validators.get(name, self.validators["formula"])
        return self.validators.get(name, self.validators["text"])


def field_grammar(common: Mapping[str, Any]) -> FieldGrammar:
    schemas = {name: field_schema(common, name) for name in FIELD_TYPES}
    formulas = {f"formula as {each}": formula_schema(common, each) for each in FORMULA_TYPES}
    # Editors complete what any formula may say; the checker knows which belongs to which type.
    schemas["formula"] = {**schemas["formula"], "properties": _united_properties(formulas.values())}
    inner = united([shape_of(schema) for schema in schemas.values()])
    nested = Shape("entries", entry=inner)
    shape = Shape("struct", {**inner.properties, "fields": nested})
    kept = {key: common["properties"][key] for key in ("id", "before", "after", "label", "help", "sensitivity")}
    overlay = {"type": "object", "properties": kept, "additionalProperties": False}
    validators = {name: Draft202012Validator(dict(schema)) for name, schema in {**schemas, **formulas}.items()}
    return FieldGrammar(schemas, validators, Draft202012Validator(overlay), shape, set())


def _united_properties(schemas: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {name: each for schema in schemas for name, each in schema["properties"].items()}


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
