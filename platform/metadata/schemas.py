"""The grammar as JSON Schema files, so that editors complete and check while a consultant types.

A file may be a layer over others, so nothing is required in it and null is allowed, as it removes what lies below.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metadata import packages
from metadata.sections import SECTIONS
from metadata.sections.entities.section import FIELDS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def published() -> dict[str, str]:
    """File name -> text: one for each section's elements, package.json, and metaloom.json for a package in one file."""
    elements = {name: _element(name) for name in SECTIONS}
    package = _lenient(packages.SCHEMA)
    files = {f"{name}.json": {"$schema": _DRAFT, **schema} for name, schema in elements.items()}
    files["package.json"] = {"$schema": _DRAFT, **package}
    files["metaloom.json"] = _whole(elements, package)
    return {name: json.dumps(schema, ensure_ascii=False, indent=1) + "\n" for name, schema in files.items()}


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into a folder; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in published().items():
        (folder / name).write_text(text, "utf-8")
        written.append(folder / name)
    return written


def _element(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = _lenient(
        {key: value for key, value in SECTIONS[name].grammar.schema.items() if key != "$schema"}
    )
    if name == "entities":
        schema["$defs"] = {"field": _field(), **_field_types()}
        schema["properties"]["fields"]["additionalProperties"] = {"$ref": "#/$defs/field"}
    return schema


def _field() -> dict[str, Any]:
    """A field: which properties it may have follows from its type; all of them while the type is not said."""
    forms: dict[str, list[Any]] = {}
    for schema in FIELDS.schemas.values():
        for name, each in schema["properties"].items():
            if (form := _nullable(_lenient(each))) not in forms.setdefault(name, []):
                forms[name].append(form)
    every: dict[str, Any] = {name: held[0] if len(held) == 1 else {"anyOf": held} for name, held in forms.items()}
    every["type"] = {"enum": list(FIELDS.schemas), "description": "What kind of value it holds."}
    branches = [
        {
            "if": {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/field_{name}"},
        }
        for name in FIELDS.schemas
    ]
    return {"type": ["object", "null"], "properties": every, "additionalProperties": False, "allOf": branches}


def _field_types() -> dict[str, Any]:
    found = {}
    for name, schema in FIELDS.schemas.items():
        lenient = _lenient(schema)
        if name == "links":
            lenient["properties"]["fields"]["additionalProperties"] = {"$ref": "#/$defs/field"}
        found[f"field_{name}"] = lenient
    return found


def _whole(elements: Mapping[str, dict[str, Any]], package: Mapping[str, Any]) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {"package": package}
    for name, schema in elements.items():
        definitions |= schema.get("$defs", {})
        element = {key: value for key, value in schema.items() if key != "$defs"}
        properties[name] = {"type": ["object", "null"], "additionalProperties": element}
    return {
        "$schema": _DRAFT,
        "title": "Package in one file",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }


def _lenient(schema: Any) -> Any:
    """As a layer may write it: nothing required, null anywhere below the top, few entries allowed."""
    if isinstance(schema, list):
        return [_lenient(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {key: _lenient(value) for key, value in schema.items() if key not in ("required", "minProperties")}
    for key in ("properties", "additionalProperties"):
        if isinstance(held := schema.get(key), Mapping):
            entries = held if key == "properties" else {"": held}
            opened = {name: _nullable(_lenient(each)) for name, each in entries.items()}
            found[key] = opened if key == "properties" else opened[""]
    return found


def _nullable(schema: Any) -> Any:
    if not isinstance(schema, Mapping) or not schema:
        return schema
    kept = dict(schema)
    if "$ref" in kept:
        kept["anyOf"] = [{"$ref": kept.pop("$ref")}]
    if isinstance(named := kept.get("type"), str):
        kept["type"] = [named, "null"]
    elif isinstance(named, list) and "null" not in named:
        kept["type"] = [*named, "null"]
    if isinstance(values := kept.get("enum"), list):
        kept["enum"] = [*values, None]
    if isinstance(branches := kept.get("anyOf"), list):
        kept["anyOf"] = [*branches, {"type": "null"}]
    return kept
