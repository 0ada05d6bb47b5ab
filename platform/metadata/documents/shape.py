"""What merging has to know of a grammar: where labels, named properties and extendable mappings are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LABELS = frozenset({"label", "plural", "help"})
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
    """The shape of a JSON Schema whose references are resolved."""
    if not isinstance(schema, Mapping):
        return VALUE
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            branches = [shape_of(each) for each in schema[keyword]]
            return next((each for each in branches if each is not VALUE), VALUE)
    if "properties" in schema:
        return Shape("struct", {name: _property(name, each) for name, each in schema["properties"].items()})
    if "additionalProperties" in schema:
        return Shape("entries", entry=shape_of(schema["additionalProperties"]))
    return VALUE


def _property(name: str, schema: Any) -> Shape:
    return LABEL if name in LABELS else shape_of(schema)


def united(shapes: list[Shape]) -> Shape:
    """A struct with the properties of all; of two that differ, the one with more structure."""
    properties: dict[str, Shape] = {}
    for shape in shapes:
        for name, each in shape.properties.items():
            if properties.get(name, VALUE).kind == "value":
                properties[name] = each
    return Shape("struct", properties)
