"""Steps of a workflow: their grammar made into the model's, one function for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

from metadata.documents.marked import Map
from metadata.model import EMPTY, Entity
from metadata.section import label_of, said_id
from metadata.sections.workflows import acting
from metadata.sections.workflows import refusals as r
from metadata.sections.workflows.acting import NEW, own_of
from metadata.sections.workflows.calling import check_url
from metadata.sections.workflows.giving import body, people
from metadata.sections.workflows.reading import Path, Place, Reader
from metadata.workflow_texts import any_value, moment
from metadata.workflows import (
    Ask,
    CallHttp,
    Case,
    Choice,
    Create,
    Delete,
    Each,
    Find,
    HumanTask,
    Message,
    Parallel,
    Step,
    Steps,
    Stop,
    Try,
    Wait,
    With,
    walk,
)

LOOPS = 2
"""How many `for_each` may stand within each other."""
LOOPED = 1000
"""How many records loops within each other may come to: as many steps as a run may do."""
LIMIT = 200


def block(reader: Reader, holder: Any, key: str, place: Place, path: Path) -> Steps:
    """The steps under a key, in order; none when there is no such key."""
    said = holder.get(key) if isinstance(holder, Map) else None
    found: list[Step] = []
    over = False
    for name, data in said.items() if isinstance(said, Map) else ():
        here = (*path, key, name)
        kind = next((each for each in KINDS if isinstance(data, Map) and each in data), None)
        if kind is None:  # the grammar has said so
            continue
        if over:
            reader.refuse(r.UNREACHABLE, *here, at_key=True, name=name)
            over = False
        step = _step(reader, name, data, kind, place, here)
        found.append(step)
        over = ends(step)
        gone = place.gone or isinstance(step, Delete)
        place = replace(place, made={**place.made, **_made(reader, step, name)}, gone=gone)
    return tuple(found)


def _step(reader: Reader, key: str, data: Map, kind: str, place: Place, path: Path) -> Step:
    id = said_id(key, data)
    if id in reader.steps:
        reader.refuse(r.SAME_STEP, *path, at_key=True, id=id)
    reader.steps[id] = path
    step = KINDS[kind](reader, data, place, path)
    return replace(step, id=id, label=label_of(data, key))


def _made(reader: Reader, step: Step, key: str) -> dict[str, tuple[str, Entity | None]]:
    """What later steps may call a record that this one makes, or one within it."""
    made: dict[str, tuple[str, Entity | None]] = {}
    for each in walk((step,)):
        if isinstance(each, Create):
            entity = reader.compilation.made["entities"].get(each.entity)
            name = reader.steps[each.id][-1] if each.id in reader.steps else key
            made[name] = made[each.id] = (each.id, entity)
    return made


def ends(step: Step) -> bool:
    """Whether the run is over after a step, whatever happens."""
    match step:
        case Stop():
            return True
        case Choice() | Find() | With():
            return all(map(_ended, step.blocks.values()))
        case Parallel(join=join, branches=branches):
            over = [_ended(each) for each in branches.values()]
            return all(over) if join == "any" else any(over)
        case Try(steps=steps):
            return _ended(steps)
    return False


def _ended(steps: Steps) -> bool:
    return bool(steps) and ends(steps[-1])


# -- kinds that hold blocks; the others are in `acting`


def _if(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    when = reader.condition(data, "if", place.entity, path)
    case = Case("then", when or "", block(reader, data, "then", place, path))
    return Choice(**NEW, cases=(case,), otherwise=block(reader, data, "else", place, path))


def _switch(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "switch"), (*path, "switch")
    cases = []
    for key, said in own_of(own, "cases").items():
        here = (*path, "cases", key)
        if said_id(key, said) == "else":
            reader.refuse(r.CASE_ELSE, *here, at_key=True)
        if isinstance(said, Map):
            when = reader.condition(said, "when", place.entity, here)
            steps = block(reader, said, "do", place, here)
            cases.append(Case(said_id(key, said), when or "", steps, label_of(said, key)))
    return Choice(**NEW, cases=tuple(cases), otherwise=block(reader, own, "else", place, path))


def _parallel(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "parallel"), (*path, "parallel")
    said = own_of(own, "branches")
    branches = {key: block(reader, said, key, place, (*path, "branches")) for key in said}
    return Parallel(**NEW, branches=branches, join=own.get("join", "all"))


def _for_each(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "for_each"), (*path, "for_each")
    entity, limit = reader.entity(own, path), own.get("limit", LIMIT)
    inner = reader.within(place, entity, limit)
    if len(inner.loops) > LOOPS:
        reader.refuse(r.TOO_DEEP, *path, at_key=True)
    elif prod(inner.loops) > LOOPED:
        reader.refuse(r.TOO_MANY, *path, *(["limit"] if "limit" in own else []), count=prod(inner.loops), most=LOOPED)
    return Each(
        **NEW,
        entity=entity.id if entity is not None else "",
        where=reader.condition(own, "where", entity, path, sql=True),
        by=reader.back(own, entity, place, path),
        sort=reader.sort(own, entity, path),
        limit=limit,
        steps=block(reader, own, "do", inner, path),
    )


def _find(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "find"), (*path, "find")
    entity = reader.entity(own, path)
    return Find(
        **NEW,
        entity=entity.id if entity is not None else "",
        where=reader.condition(own, "where", entity, path, sql=True),
        by=reader.back(own, entity, place, path),
        sort=reader.sort(own, entity, path),
        found=block(reader, own, "found", reader.within(place, entity), path),
        none=block(reader, own, "none", place, path),
    )


def _with(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "with"), (*path, "with")
    way, entity = reader.linked(own, place, path)
    return With(
        **NEW,
        path=way,
        entity=entity.id if entity is not None else "",
        steps=block(reader, own, "do", reader.within(place, entity), path),
        none=block(reader, own, "none", place, path),
    )


def _wait(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "wait"), (*path, "wait")
    ways = [each for each in ("span", "until", "event", "message") if each in own]
    if len(ways) != 1:
        reader.refuse(r.ONE_WAIT, *path, at_key=True)
    _only_with(reader, own, "when", "event", path)
    if "message" not in own:
        _only_with(reader, own, "timeout", "event", path)
    _only_with(reader, own, "late", "timeout", path)
    if "calendar" in own and "span" not in own:
        _only_with(reader, own, "calendar", "timeout", path)
    calendar = reader.calendar(own, path)
    until = own.get("until")
    if isinstance(until, str):
        until = reader.by_ids(until, reader.expression(until, place.entity, (*path, "until"), moment))
    return Wait(
        **NEW,
        span=reader.span(own, "span", path, calendar=calendar),
        until=until,
        calendar=calendar,
        event=own.get("event"),
        when=reader.condition(own, "when", place.entity, path, changes=own.get("event") == "updated"),
        message=_message(reader, own, place, path),
        timeout=reader.span(own, "timeout", path, calendar=calendar),
        late=block(reader, own, "late", place, path),
    )


def _message(reader: Reader, own: Map, place: Place, path: Path) -> Message | None:
    for key in ("at", "match"):
        _only_with(reader, own, key, "message", path)
        if "message" in own and key not in own:
            reader.refuse(r.MESSAGE_NEEDS, *path, "message", at_key=True, key=key)
    text = own.get("match")
    if "message" not in own or not isinstance(text, str):
        return None
    match = reader.by_ids(text, reader.expression(text, place.entity, (*path, "match"), any_value))
    return Message(own["message"], own.get("at", ""), match=match)


def _task(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "task"), (*path, "task")
    if reader.compilation.resolve("entities", "task") is None:
        reader.refuse(r.NO_TASKS, *path, at_key=True)
    _only_with(reader, own, "late", "timeout", path)
    if "calendar" in own and "due" not in own:
        _only_with(reader, own, "calendar", "timeout", path)
    calendar = reader.calendar(own, path)
    return HumanTask(
        **NEW,
        title=reader.text(own, "title", place.entity, path),
        to=people(reader, own, place, path),
        due=reader.span(own, "due", path, calendar=calendar),
        calendar=calendar,
        done=block(reader, own, "done", place, path),
        dropped=block(reader, own, "dropped", place, path),
        timeout=reader.span(own, "timeout", path, calendar=calendar),
        late=block(reader, own, "late", place, path),
    )


def _only_with(reader: Reader, own: Map, key: str, other: str, path: Path) -> None:
    if key in own and other not in own:
        reader.refuse(r.ONLY_WITH, *path, key, at_key=True, key=key, other=other)


def _approval(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "approval"), (*path, "approval")
    acting.require_living(reader, place, path)
    name = own.get("approval")
    id = reader.named("approvals", name, *path, "approval") if isinstance(name, str) else None
    approvals = reader.compilation.elements.get("approvals", EMPTY)
    about = {
        each.id: reader.compilation.resolve("entities", str(each.data.get("entity"))) for each in approvals.values()
    }
    if place.entity is not None and id is not None and about[id] not in (None, place.entity.id):
        reader.refuse(r.OTHER_ENTITY, *path, "approval", name=name, entity=place.entity.label)
    elif place.entity is not None and name is None and place.entity.id not in about.values():
        reader.refuse(r.NO_APPROVAL, *path, at_key=True, entity=place.entity.label)
    return Ask(
        **NEW,
        approval=id,
        approved=block(reader, own, "approved", place, path),
        rejected=block(reader, own, "rejected", place, path),
        withdrawn=block(reader, own, "withdrawn", place, path),
    )


def _call(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "call"), (*path, "call")
    if own.get("method") == "GET" and "body" in own:
        reader.refuse(r.GET_BODY, *path, "body", at_key=True)
    check_url(reader, own.get("url"), *path, "url")
    return CallHttp(
        **NEW,
        url=own.get("url", ""),
        method=own.get("method", "POST"),
        body=body(reader, own, place, path),
        secret=own.get("secret"),
        ok=block(reader, own, "ok", place, path),
        failed=block(reader, own, "failed", place, path),
    )


def _try(reader: Reader, data: Map, place: Place, path: Path) -> Step:
    own, path = own_of(data, "try"), (*path, "try")
    steps = block(reader, own, "do", place, path)
    return Try(**NEW, steps=steps, catch=block(reader, own, "catch", place, path))


KINDS: Mapping[str, Callable[[Reader, Map, Place, Path], Step]] = {
    "if": _if,
    "switch": _switch,
    "parallel": _parallel,
    "for_each": _for_each,
    "find": _find,
    "with": _with,
    "wait": _wait,
    "task": _task,
    "approval": _approval,
    "create": acting.create,
    "update": acting.update,
    "delete": acting.delete,
    "assign": acting.assign,
    "send": acting.send,
    "call": _call,
    "run": acting.run,
    "try": _try,
    "stop": acting.stop,
}
