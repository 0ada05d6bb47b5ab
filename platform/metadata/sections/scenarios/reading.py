"""What every part of a scenario is read with: the records and people it knows, values, moments, names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.compilation import Compilation
from metadata.documents.marked import Map, plain
from metadata.explaining import nearest
from metadata.model import Entity, Field
from metadata.problems import Kind
from metadata.section import Element
from metadata.sections.scenarios import refusals as r
from metadata.sections.values import LINKS, check_value
from metadata.sections.workflows.reading import Reader

Path = tuple[str, ...]
USER = "user"
_FILES = frozenset({"file", "files", "image", "signature"})
_LISTS = frozenset({"links"})


@dataclass(slots=True)
class Scene:
    """The state of reading one scenario: by which keys it knows which records, as far as it has been read."""

    compilation: Compilation
    element: Element
    known: dict[str, str | None] = field(default_factory=dict)
    """Key -> id of the entity; None: what it is has been refused."""

    def refuse(self, what: Kind, *path: str, at_key: bool = False, **params: Any) -> None:
        self.compilation.refuse(what, self.element, *path, at_key=at_key, **params)

    def reader(self, entity: Entity) -> Reader:
        return Reader(self.compilation, self.element, entity)

    # -- records and people

    def learn(self, key: str, entity: str | None, *path: str) -> None:
        """The scenario knows a record by this key from here on."""
        if key in self.known:
            self.refuse(r.TAKEN, *path, at_key=True, name=key)
        self.known[key] = entity

    def record(self, name: Any, *path: str, at_key: bool = False) -> Entity | None:
        """The entity of a record that a place names; None when nothing is known of it, which has been said."""
        if not isinstance(name, str):
            return None
        if name not in self.known:
            problem = nearest(name, self.known)
            self._unknown(r.NO_RECORD, name, problem, path, at_key)
            return None
        id = self.known[name]
        return None if id is None else self.compilation.entity(id)

    def person(self, name: Any, *path: str, at_key: bool = False) -> str | None:
        """The key of a person that a place names."""
        if not isinstance(name, str):
            return None
        if self.known.get(name, USER) != USER or name not in self.known:
            people = [key for key, entity in self.known.items() if entity == USER]
            self._unknown(r.NO_PERSON, name, nearest(name, people), path, at_key)
            return None
        return name

    def people(self, data: Any, *path: str) -> tuple[str, ...]:
        found = (self.person(each, *path, each, at_key=True) for each in data) if isinstance(data, Map) else ()
        return tuple(each for each in found if each is not None)

    def _unknown(self, what: Kind, name: str, suggestion: str | None, path: Path, at_key: bool) -> None:
        from metadata.compilation import problem_at

        self.compilation.problems.append(problem_at(what, self.element, path, at_key, suggestion, name=name))

    # -- values

    def values(self, entity: Entity | None, data: Any, *path: str, expected: bool = False) -> Mapping[str, Any]:
        """Values by field id. `expected`: fields that nobody can write may stand there as well."""
        found: dict[str, Any] = {}
        for name, value in data.items() if isinstance(data, Mapping) and entity is not None else ():
            field = self.compilation.named_field(self.element, entity, name, *path, name) if entity else None
            if field is None or entity is None:
                continue
            found[field.id] = plain(value)
            self._check(entity, field, value, (*path, name), expected)
        return found

    def _check(self, entity: Entity, field: Field, value: Any, path: Path, expected: bool) -> None:
        if value is None:
            return
        if field.type in _FILES or (field.type == "children" and (expected or not isinstance(value, list))):
            self.refuse(r.NOT_GIVEN, *path, at_key=True, field=field.label)
        elif field.type == "children":
            rows = self.compilation.entity(field.to[0]) if field.to else None
            for row in value:
                self.values(rows, row, *path, expected=expected)
        elif field.type in LINKS:
            for each in value if field.type in _LISTS and isinstance(value, list) else (value,):
                self._check_link(field, each, path)
        elif not expected or (field.computed is None and not field.system and field.type != "sequence"):
            check_value(self.element, self.compilation, field, plain(value), *path)

    def _check_link(self, field: Field, name: Any, path: Path) -> None:
        entity = self.record(name if isinstance(name, str) else str(name), *path)
        if entity is not None and field.to and entity.id not in field.to:
            held = [found.label for each in field.to if (found := self.compilation.entity(each)) is not None]
            self.refuse(r.WRONG_ENTITY, *path, name=name, entity=entity.label, field=field.label, to=held)

    # -- times

    def moment(self, data: Map, key: str, *path: str) -> str | None:
        text = data.get(key)
        if not isinstance(text, str):
            return None
        try:
            dt.datetime.fromisoformat(text)
        except ValueError:
            self.refuse(r.BAD_MOMENT, *path, key, text=text)
            return None
        return text
