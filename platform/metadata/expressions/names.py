"""What the names of an expression mean: fields over links, lists, variables. A hidden field does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from metadata.expressions import problems as p
from metadata.expressions.syntax import Name, written
from metadata.expressions.tree import FieldRef, Kind, Listed
from metadata.fieldtypes import registry
from metadata.model import EMPTY, Entity, Field, Relation
from metadata.problems import Problem

MAX_LINKS = 4
VARIABLES: Mapping[str, Kind] = {"$user": "id", "$now": "datetime", "$today": "date"}

Visible = Callable[[Entity, Field], bool]
Entities = Callable[[str], Entity | None]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name beside the fields of its entity, and who asks."""

    entities: Entities
    """Finds an entity by id or name: `model.entity`."""
    visible: Visible | None = None
    """None: every field is."""
    changes: bool = False
    """Whether there is a save to look at: `old.stage`, `changed('stage')`."""
    role: Callable[[str], str | None] | None = None
    """Id of a role by id or key, for `has_role`; None: there are no roles here."""
    calendars: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Name -> id of the calendars of business time."""
    encrypted: bool = False
    """Whether encrypted fields of the record itself may be looked at: only where its values lie in memory, and nothing
    keeps what is made of them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The value that an expression must have: a kind, and the field that will hold it, whose options it names."""

    kind: Kind
    field: Field | None = None


class Wrong(Exception):
    """What is wrong with one part; the other parts are looked at all the same."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


def closest(name: str, names: Iterable[str]) -> str | None:
    """The most similar of some names, for a suggestion."""
    found = difflib.get_close_matches(name, names, 1, 0.6) if len(name) <= 60 else []
    return found[0] if found else None


class Names:
    """The names that may stand in one place: those of an entity, seen by a scope."""

    def __init__(self, entity: Entity, scope: Scope, met: dict[FieldRef, Field]) -> None:
        self.entity, self.scope, self.met = entity, scope, met

    def of(self, entity: Entity) -> Names:
        """The names inside a list of records of another entity."""
        return Names(entity, replace(self.scope, encrypted=False), self.met)

    def field(self, node: Name) -> FieldRef:
        """A field, its path walked. Raises Wrong."""
        old = node.path[0] == "old" and len(node.path) > 1 and self.entity.find("old") is None
        if old and not self.scope.changes:
            raise Wrong(p.no_change_here(name=written(node), column=node.at + 1))
        path = node.path[1:] if old else node.path
        entity, links = self._walked(path[:-1], node)
        found = self._find(entity, path[-1], node)
        type_ = registry.of(found)
        if not type_.stored:
            raise Wrong(p.not_a_link(name=path[-1], column=node.at + 1))
        ref = FieldRef(entity.id, found.id, found.type, type_.kind, links, old)
        self.met[ref] = found
        return ref

    def opened(self, node: Name) -> FieldRef:
        """A field whose value is looked at, which an encrypted one does not show to the database. Raises Wrong."""
        ref = self.field(node)
        found = self.met[ref]
        if found.encrypted and (ref.links or not self.scope.encrypted):
            raise Wrong(p.encrypted(label=found.label, name=written(node), column=node.at + 1))
        return ref

    def listed(self, node: Name) -> tuple[Listed, Entity]:
        """A list of records and the entity of its records. Raises Wrong."""
        owner, links = self._walked(node.path[:-1], node)
        name = node.path[-1]
        found = owner.find(name)
        if found is not None and self._seen(owner, found):
            listed = self._list_of_field(owner, found)
        else:
            relation = owner.inverse(name)
            listed = None if relation is None else self._list_of_inverse(owner, relation)
        entity = None if listed is None else self.scope.entities(listed.entity)
        if listed is None or entity is None:
            suggestion = closest(name, self.lists_of(owner))
            raise Wrong(p.not_a_list(name=written(node)[:60], column=node.at + 1, suggestion=suggestion))
        return _reached_over(listed, links), entity

    def lists_of(self, owner: Entity) -> list[str]:
        """The names of all lists of an entity that may be named."""
        fields = [each for each in owner.fields.values() if self._seen(owner, each)]
        found = [each.key for each in fields if self._list_of_field(owner, each) is not None]
        return found + [each.inverse for each in owner.inverses if self._list_of_inverse(owner, each) is not None]

    def _list_of_field(self, owner: Entity, found: Field) -> Listed | None:
        if found.type == "children":
            child = self.scope.entities(found.to[0])
            by = None if child is None else child.find(str(found.props.get("by", "")))
            return None if child is None or by is None else Listed(owner.id, child.id, by.id, found.id)
        relation = owner.relation(found.id)
        if relation is None or relation.through is None or relation.near is None:
            return None
        return Listed(owner.id, relation.targets[0], relation.near, found.id, relation.through, relation.far)

    def _list_of_inverse(self, owner: Entity, relation: Relation) -> Listed | None:
        source = self.scope.entities(relation.source)
        link = None if source is None else source.fields.get(relation.field)
        if source is None or link is None or not self._seen(source, link):
            return None
        if relation.through is not None:
            if relation.far is None:
                return None
            return Listed(owner.id, source.id, relation.far, None, relation.through, relation.near)
        return Listed(owner.id, source.id, link.id)

    def _walked(self, path: tuple[str, ...], node: Name) -> tuple[Entity, tuple[tuple[str, str, str], ...]]:
        if len(path) > MAX_LINKS:
            raise Wrong(p.path_too_long(name=written(node)[:60], limit=MAX_LINKS, column=node.at + 1))
        entity, links = self.entity, []
        for name in path:
            link = self._find(entity, name, node)
            target = self._target(link)
            if target is None:
                raise Wrong(p.not_a_link(name=name, column=node.at + 1))
            links.append((entity.id, link.id, target.id))
            entity = target
        return entity, tuple(links)

    def _find(self, entity: Entity, name: str, node: Name) -> Field:
        found = entity.find(name)
        if found is not None and self._seen(entity, found):
            return found
        names = [each.key for each in entity.fields.values() if self._seen(entity, each)]
        suggestion = f"${name}" if f"${name}" in VARIABLES else closest(name, names)
        raise Wrong(p.unknown_name(name=name[:60], entity=entity.label, column=node.at + 1, suggestion=suggestion))

    def _seen(self, entity: Entity, found: Field) -> bool:
        return self.scope.visible is None or self.scope.visible(entity, found)

    def _target(self, link: Field) -> Entity | None:
        if registry.of(link).stored and len(link.to) == 1 and link.type in ("link", "user", "unit"):
            return self.scope.entities(link.to[0])
        return None


def _reached_over(listed: Listed, links: tuple[tuple[str, str, str], ...]) -> Listed:
    return Listed(listed.owner, listed.entity, listed.link, listed.field, listed.through, listed.far, links)
