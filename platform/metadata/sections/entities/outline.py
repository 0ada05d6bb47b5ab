"""What one entity's own text says, before other entities are looked at: ids, names and links still unresolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from metadata.documents.marked import Map
from metadata.grammar import COMPUTED, FIELD_TYPES, FORMULA_TYPES
from metadata.model import EMPTY
from metadata.problems import Label
from metadata.section import Element, label_of, said_id

LINKING = frozenset({"link", "links", "any_link", "children", "user", "unit"})
ALWAYS = ("id", "version", "created_at", "created_by", "updated_at", "updated_by")
"""System fields that every entity has."""


@dataclass(frozen=True, slots=True)
class FieldOutline:
    """One field as its text has it. `at` leads from the element to it."""

    id: str
    key: str
    type: str
    data: Mapping[str, Any]
    at: tuple[str, ...]
    computed: bool = False
    """Formula, lookup or rollup: `type` is what is known of the type of its value, until all entities are."""

    @property
    def label(self) -> Label:
        return label_of(self.data, self.key)


@dataclass(frozen=True, eq=False)
class Outline:
    """One entity as its text has it, or a generated one."""

    id: str
    key: str
    element: Element
    fields: Mapping[str, FieldOutline]
    generated: bool = False
    pair: tuple[FieldOutline, FieldOutline] | None = None
    """Of a generated entity: its two links."""
    own_label: Label | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        return EMPTY if self.generated else self.element.data

    @cached_property
    def label(self) -> Label:
        return self.own_label or label_of(self.data, self.key)

    @cached_property
    def plural(self) -> Label:
        return label_of(self.data, self.key, "plural") if "plural" in self.data else self.label

    @cached_property
    def owned(self) -> bool:
        return self.data.get("owned") is True

    @cached_property
    def pooled(self) -> bool:
        return "pool" in self.platform_fields

    @cached_property
    def untyped(self) -> bool:
        """Whether the type of a field is missing or unknown."""
        return any(each.data.get("type") != each.type and not each.computed for each in self.fields.values())

    @cached_property
    def has_currency(self) -> bool:
        return any(each.type == "money" for each in self.fields.values())

    @cached_property
    def linking(self) -> tuple[FieldOutline, ...]:
        """The fields that point at other entities."""
        return tuple(each for each in self.fields.values() if each.type in LINKING and not each.computed)

    @cached_property
    def platform_fields(self) -> frozenset[str]:
        """Ids of the fields that the platform adds."""
        return platform_fields(self.data, (each.type for each in self.fields.values()))

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Today's key, else a former one -> field id."""
        names: dict[str, str] = {}
        for each in self.fields.values():
            for alias in each.data.get("aliases") or ():
                names.setdefault(alias, each.id)
        names.update({each.key: each.id for each in self.fields.values()})
        return names

    def find(self, name: str) -> FieldOutline | None:
        return self.fields.get(name) or self.fields.get(self.names.get(name, ""))


def platform_fields(data: Mapping[str, Any], types: Iterable[str]) -> frozenset[str]:
    """Ids of the fields that the platform adds to an entity: always the same, and what its properties ask for."""
    owned = ("owner", "unit") if data.get("owned") is True else ()
    pooled = ("pool",) if owned and data.get("pooled") is True else ()
    money = ("currency",) if "money" in types else ()
    number = ("number",) if isinstance(data.get("number"), str) else ()
    return frozenset((*ALWAYS, *owned, *pooled, *money, *number))


def outline(element: Element) -> Outline:
    """The outline of a merged entity. What the grammar refused is left out."""
    fields = element.data.get("fields")
    found = field_outlines(fields, ("fields",)) if isinstance(fields, Map) else {}
    platform = platform_fields(element.data, (each.type for each in found.values()))
    found = {id: each for id, each in found.items() if not (id in platform and "type" not in each.data)}
    return Outline(element.id, element.key, element, found)


def field_outlines(fields: Map, at: tuple[str, ...]) -> dict[str, FieldOutline]:
    found: dict[str, FieldOutline] = {}
    for key, data in fields.items():
        if isinstance(data, Map):
            # What has no type that we know is taken for a text, so that names still lead to it.
            known = data.get("type") in FIELD_TYPES
            id = said_id(key, data)
            type_ = data["type"] if known else "text"
            computed = type_ in COMPUTED
            if computed:
                said = data.get("as")
                type_ = said if said in FORMULA_TYPES else "text"
            found[id] = FieldOutline(id, key, type_, data, (*at, key), computed)
    return found
