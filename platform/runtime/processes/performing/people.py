"""Who is meant by the people that a step names, and giving a record to one of them."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.problems import Invalid, kind
from metadata.workflows import Person
from runtime import assigning, assignments, queries
from runtime import records as writing
from runtime.processes.performing.moving import Moving
from runtime.queries import Query
from runtime.queries.query import MAX_IDS
from runtime.records.policies import entity_of, not_found
from workflow.engine import AssignRecord

NOBODY = kind(
    "run.nobody",
    en="Nobody is found whom the step means: no active person is there. Name somebody in the record, or a further way "
    "to find one.",
    zh="找不到该步骤指定的人员：没有在职人员符合。请在记录中填写人员，或增加其他查找方式。",
)
NOT_OWNED = kind(
    "run.not_owned",
    en="{entity} have no owner, so they cannot be given to anybody.",
    zh="{entity}没有负责人，不能分配给任何人。",
)


def assign(moving: Moving, effect: AssignRecord) -> None:
    """Make the first person found the owner of the record, or whom an assignment finds."""
    entity = entity_of(moving.acts, effect.entity)
    if not entity.owned:
        raise Invalid(NOT_OWNED(entity=entity.plural))
    if effect.record is None:
        raise not_found(entity)
    if effect.assignment is not None:
        if assigning.assign(moving.acts, entity, effect.record, effect.assignment) is None:
            raise Invalid(NOBODY())
        return
    to = first(moving, effect.to, effect.entity, effect.record)
    writing.update(moving.acts, entity, effect.record, {"owner": to}, confirm=("*",))
    moving.told.update({"entity": entity.id, "record": effect.record, "values": {"owner": to}})


def first(moving: Moving, to: Sequence[Person], entity: str, record: str | None) -> str:
    """The first active person. Raises Invalid when there is none."""
    for each in to:
        found = _of(moving, each, entity, record)
        if found:
            return found[0]
    raise Invalid(NOBODY())


def everybody(moving: Moving, to: Sequence[Person], entity: str, record: str | None) -> list[str]:
    """All active people that are named, each once."""
    return list(dict.fromkeys(id for each in to for id in _of(moving, each, entity, record)))


def _of(moving: Moving, person: Person, entity: str, record: str | None) -> list[str]:
    """Ids of the active people that one of the named stands for."""
    if person.initiator:
        return _active(moving, [moving.run.initiator])
    if person.role is not None:
        return _active(moving, list(assignments.people_of(moving.ws, person.role)))
    if person.manager_of is not None:
        return _active(moving, [_manager(moving, moving.world.value(person.manager_of, entity, record))])
    if person.expression is not None:
        return _active(moving, [moving.world.value(person.expression, entity, record)])
    return []


def _manager(moving: Moving, user: str | None) -> str | None:
    """His direct manager, else the head of his main unit."""
    if user is None:
        return None
    known = moving.ws.model.entity("user")
    ways = [] if known is None else [each for each in ("manager", "unit") if each in known.fields]
    if "manager" in ways and (found := moving.world.value("manager", "user", user)) is not None:
        return str(found)
    head = moving.world.value("unit.manager", "user", user) if "unit" in ways else None
    return None if head is None or head == user else str(head)


def _active(moving: Moving, ids: Sequence[str | None]) -> list[str]:
    """Those who are there and work here, in the order in which they were named."""
    wanted = [each for each in ids if each is not None][:MAX_IDS]
    user = moving.ws.model.entity("user")
    if not wanted or user is None:
        return []
    where = "active != false" if "active" in user.fields else None
    query = Query("user", where, fields=("id",), ids=tuple(wanted), limit=500)
    there = {str(row[0]) for row in queries.find(moving.ws, query).raw}
    return [each for each in wanted if each in there]
