"""Keys of a scenario and the ids of the records that they mean, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.model import Entity, Field, Model

_ONE = frozenset({"link", "user", "unit"})


@dataclass(slots=True)
class Cast:
    """Which record is meant by which key, as far as the scenario has come."""

    model: Model
    entities: Mapping[str, str]
    """Key -> id of the entity."""
    ids: dict[str, str] = field(default_factory=dict)
    """Key -> id of the record."""
    stuck: set[str] = field(default_factory=set)
    """Ids of the runs that are known to have failed."""

    def values(self, entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the API takes them: by today's names, links as ids."""
        return {
            (field.key if field else name): (value if field is None else self.value(field, value))
            for name, value in values.items()
            for field in (entity.find(name),)
        }

    def value(self, field: Field, value: Any) -> Any:
        if value is None:
            return None
        if field.type in _ONE:
            return self.ids.get(str(value), value)
        if field.type == "links":
            return [self.ids.get(str(each), each) for each in value]
        if field.type == "any_link":
            of = self.model.entity(self.entities.get(str(value), ""))
            return value if of is None else {"entity": of.key, "id": self.ids.get(str(value), value)}
        if field.type == "children":
            of = self.model.entity(field.to[0])
            return value if of is None else [self.values(of, each) for each in value]
        return value

    def named(self, value: Any) -> Any:
        """A value for people: ids of records that the scenario knows become their keys."""
        if isinstance(value, Mapping):
            if "id" in value and {"entity", "id"} >= set(value):
                return self.named(value["id"])
            return {key: self.named(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.named(each) for each in value]
        return next((key for key, id in self.ids.items() if id == value), value) if isinstance(value, str) else value

    def mentioned(self, entity: Entity, values: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
        """(field id, key, whether the record cannot be without it) of each record that values of a record name."""
        for name, value in values.items():
            field = entity.find(name)
            if field is None or value is None:
                continue
            if field.type in _ONE or field.type == "any_link":
                yield field.id, str(value), field.required
            elif field.type == "links":
                yield from ((field.id, str(each), field.required) for each in value)
            elif field.type == "children" and (of := self.model.entity(field.to[0])) is not None:
                for row in value:
                    yield from ((field.id, key, True) for _, key, _ in self.mentioned(of, row))
