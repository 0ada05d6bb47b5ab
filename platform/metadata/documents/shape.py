"""What merging has to know of a grammar: where labels, named properties and extendable mappings are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LABELS = frozenset({"label", "plural", "help", "message"})
"""Properties that hold texts for people; a plain one is read as `{'*': ...}`."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One place of the grammar. `entries` are keyed by whoever writes them, `struct` by the grammar."""

    kind: Literal["value", "label", "struct", "entries"] = "value"
    properties: Mapping[str, Shape] = field(default_factory=dict)
    entry: Shape | None = None

    @property
    def has_ids(self) -> bool:
        """Whether entries may say `id:`, so that renaming is a change of key."""
        return self.entry is not None and "id" in self.entry.properties

    @property
    def has_places(self) -> bool:
        """Whether entries may say `before:` or `after:`."""
        return self.entry is not None and "before" in self.entry.properties


VALUE = Shape()
LABEL = Shape("label")


def shape_of(schema: Any) -> Shape:
    """The shape of a JSON Schema whose references are resolved, but for those to definitions that hold themselves."""
    definitions = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
    return _Reader(definitions, {}).shape(schema)


@dataclass(frozen=True, slots=True)
class _Reader:
    definitions: Mapping[str, Any]
    made: dict[str, Shape]
    """Shapes of definitions, noted before what is in them is read: so one may hold itself."""

    def shape(self, schema: Any, name: str | None = None) -> Shape:
        """`name`: of the definition that this is."""
        if not isinstance(schema, Mapping):
            return VALUE
        if isinstance(named := schema.get("$ref"), str):
            found = named.removeprefix("#/$defs/")
            return self.made.get(found) or self.shape(self.definitions[found], found)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                branches = [self.shape(each) for each in schema[keyword]]
                return next((each for each in branches if each is not VALUE), VALUE)
        if "properties" in schema:
            properties: dict[str, Shape] = {}
            shape = Shape("struct", properties)
            if name is not None:
                self.made[name] = shape
            properties.update((key, self._property(key, each)) for key, each in schema["properties"].items())
            return shape
        if _is_label(schema):
            return LABEL
        if "additionalProperties" in schema:
            return Shape("entries", entry=self.shape(schema["additionalProperties"]))
        return VALUE

    def _property(self, name: str, schema: Any) -> Shape:
        other = isinstance(schema, Mapping) and ("properties" in schema or schema.get("type") == "string")
        return LABEL if name in LABELS and not other else self.shape(schema)


def _is_label(schema: Mapping[str, Any]) -> bool:
    """Whether it is a text, plain or by language: the shared definition `label`, whatever the property is called."""
    return schema.get("type") == ["string", "object"] and "propertyNames" in schema


def united(shapes: list[Shape]) -> Shape:
    """A struct with the properties of all; of two that differ, the one with more structure."""
    properties: dict[str, Shape] = {}
    for shape in shapes:
        for name, each in shape.properties.items():
            if properties.get(name, VALUE).kind == "value":
                properties[name] = each
    return Shape("struct", properties)
