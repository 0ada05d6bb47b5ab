"""Dotted names of a question -> fields, for an actor: what may not be read does not exist."""

from __future__ import annotations

from dataclasses import dataclass

from metadata.expressions.names import closest
from metadata.fieldtypes import registry
from metadata.model import Entity, Field, Model, Relation
from metadata.problems import BadRequest, Problem
from runtime.queries import query as q
from runtime.queries.build import Build

MAX_LINKS = 4


@dataclass(frozen=True, slots=True)
class Path:
    """A field reached over links to one record each."""

    links: tuple[Field, ...]
    entity: Entity
    """Of the last field."""
    field: Field

    @property
    def link_ids(self) -> tuple[str, ...]:
        return tuple(link.id for link in self.links)

    @property
    def keys(self) -> str:
        return ".".join(each.key for each in (*self.links, self.field))


def entity_of(model: Model, name: str) -> Entity:
    """Raises BadRequest for an entity that does not exist."""
    found = model.entity(name)
    if found is None:
        keys = [entry["key"] for entry in model.index.get("entities", {}).values()]
        raise BadRequest(q.unknown_entity("entity", name=name[:60], suggestion=closest(name, keys)))
    return found


def resolve(build: Build, entity: Entity, name: str, place: str) -> Path:
    """A stored field by dotted name. Raises BadRequest, the same for a hidden field as for none."""
    steps = name.split(".")
    if len(steps) > MAX_LINKS + 1:
        raise BadRequest(q.path_too_long(place, name=name[:80], limit=MAX_LINKS))
    links: list[Field] = []
    for step in steps[:-1]:
        link = readable(build, entity, step, place)
        entity = target_of(build, entity, link, name, place)
        links.append(link)
    field = readable(build, entity, steps[-1], place)
    if not registry.of(field).stored:
        raise BadRequest(q.not_a_path(place, name=name[:80], step=field.key))
    return Path(tuple(links), entity, field)


def readable(build: Build, entity: Entity, name: str, place: str) -> Field:
    field = entity.find(name)
    if field is None or not build.may_read(entity, field):
        raise BadRequest(unknown(build, entity, name, place))
    return field


def visible(build: Build, entity: Entity, name: str, place: str) -> Field:
    """The same for a field that is only shown, be it as a mask."""
    field = entity.find(name)
    if field is None or not build.may_see(entity, field):
        raise BadRequest(unknown(build, entity, name, place))
    return field


def unknown(build: Build, entity: Entity, name: str, place: str, also: tuple[str, ...] = ()) -> Problem:
    keys = [each.key for each in entity.fields.values() if build.may_read(entity, each)]
    suggestion = closest(name, [*keys, *also])
    return q.unknown_field(place, name=name[:60], entity=entity.label, suggestion=suggestion)


def target_of(build: Build, entity: Entity, link: Field, name: str, place: str) -> Entity:
    """The entity that a link to one record of one kind leads to."""
    if link.type in ("link", "user", "unit") and len(link.to) == 1:
        found = build.model.entity(link.to[0])
        if found is not None:
            return found
    raise BadRequest(q.not_a_path(place, name=name[:80], step=link.key))


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of other records that a record has: its children, its links, or what links to it."""

    key: str
    entity: Entity
    """Of the records listed."""
    link: Field
    """On `entity`, or on `through` when there is one: the link that points back."""
    through: Entity | None = None
    far: Field | None = None
    """On `through`: the link that points to the records listed."""
    field: Field | None = None
    """The field `links` or `children` that declares the list, if one does."""


def find_list(build: Build, entity: Entity, name: str) -> Listed | None:
    """A list by the key of a `links` or `children` field, or of an inverse; None when there is none to be seen."""
    field = entity.find(name)
    if field is not None:
        if registry.of(field).stored or not build.may_read(entity, field):
            return None
        return _of_field(build, entity, field)
    relation = entity.inverse(name)
    return None if relation is None else _of_inverse(build, relation)


def _of_field(build: Build, entity: Entity, field: Field) -> Listed | None:
    if field.type == "children":
        child = build.model.entity(field.to[0])
        by = None if child is None else child.find(str(field.props.get("by", "")))
        return None if child is None or by is None else Listed(field.key, child, by, field=field)
    relation = entity.relation(field.id)
    if relation is None or relation.through is None:
        return None
    return _through(build, field.key, relation, relation.targets[0], relation.near, relation.far, field)


def _of_inverse(build: Build, relation: Relation) -> Listed | None:
    source = build.model.entity(relation.source)
    if source is None:
        return None
    link = source.fields.get(relation.field)
    if link is None or not build.may_read(source, link):
        return None
    if relation.through is not None:
        return _through(build, relation.inverse, relation, source.id, relation.far, relation.near, None)
    return Listed(relation.inverse, source, link)


def _through(
    build: Build, key: str, relation: Relation, listed: str, back: str | None, on: str | None, field: Field | None
) -> Listed | None:
    through, entity = build.model.entity(relation.through or ""), build.model.entity(listed)
    if through is None or entity is None or back is None or on is None:
        return None
    return Listed(key, entity, through.fields[back], through, through.fields[on], field)
