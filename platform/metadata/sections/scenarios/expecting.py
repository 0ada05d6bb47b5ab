"""What a step of a scenario expects afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from metadata.documents.marked import Map, plain
from metadata.model import EMPTY, Entity
from metadata.problems import Label
from metadata.scenarios import Count, Expect, Holds, Message, Request, RunOf, Standing
from metadata.sections.scenarios.reading import Path, Scene


def expected(scene: Scene, data: Any, path: Path) -> Expect | None:
    if not isinstance(data, Map):
        return None
    return Expect(
        records=dict(_records(scene, data.get("records"), (*path, "records"))),
        holds=tuple(_holds(scene, data.get("holds"), (*path, "holds"))),
        deleted=tuple(_named(scene, data.get("deleted"), (*path, "deleted"))),
        visible=dict(_visible(scene, data.get("visible"), (*path, "visible"))),
        counts=tuple(_counts(scene, data, (*path, "counts"))),
        tasks=tuple(_messages(scene, data, "tasks", path)),
        notifications=tuple(_messages(scene, data, "notifications", path)),
        mails=tuple(_messages(scene, data, "mails", path)),
        calls=tuple(_calls(data)),
        runs=tuple(_runs(scene, data, (*path, "runs"))),
        approvals=tuple(_approvals(scene, data, (*path, "approvals"))),
    )


def _maps(data: Any, name: str | None = None) -> Iterator[tuple[str, Map]]:
    held = data.get(name) if name is not None else data
    for key, each in held.items() if isinstance(held, Map) else ():
        if isinstance(each, Map):
            yield key, each


def _records(scene: Scene, data: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, values in _maps(data):
        entity = scene.record(key, *path, key, at_key=True)
        yield key, scene.values(entity, values, *path, key, expected=True)


def _holds(scene: Scene, data: Any, path: Path) -> Iterator[Holds]:
    for key in data if isinstance(data, Map) else ():
        entity = scene.record(key, *path, key, at_key=True)
        if entity is None:
            continue
        text = scene.reader(entity).condition(data, key, entity, path)
        if text is not None:
            yield Holds(key, text)


def _named(scene: Scene, data: Any, path: Path) -> Iterator[str]:
    for key in data if isinstance(data, Map) else ():
        if scene.record(key, *path, key, at_key=True) is not None:
            yield key


def _visible(scene: Scene, data: Any, path: Path) -> Iterator[tuple[str, Mapping[str, bool]]]:
    for person, records in _maps(data):
        if scene.person(person, *path, person, at_key=True) is None:
            continue
        for key in records:
            scene.record(key, *path, person, key, at_key=True)
        yield person, dict(records)


def _counts(scene: Scene, data: Map, path: Path) -> Iterator[Count]:
    for key, each in _maps(data, "counts"):
        name = each.get("entity")
        here = (*path, key)
        entity = scene.compilation.named_entity(scene.element, name, *here, "entity") if isinstance(name, str) else None
        if entity is not None:
            where = scene.reader(entity).condition(each, "where", entity, here, sql=True)
            yield Count(key, entity.id, int(each.get("count", 0)), where)


def _messages(scene: Scene, data: Map, name: str, path: Path) -> Iterator[Message]:
    for key, each in _maps(data, name):
        to = each.get("to")
        if isinstance(to, str) and not (name == "mails" and "@" in to):
            to = scene.person(to, *path, name, key, "to")
        yield Message(key, to, _label(each, "subject"), _label(each, "contains"), each.get("count"))


def _label(data: Map, name: str) -> Label | None:
    found = data.get(name)
    return dict(found) if isinstance(found, Mapping) else None


def _calls(data: Map) -> Iterator[Request]:
    for key, each in _maps(data, "calls"):
        body = plain(each["body"]) if isinstance(each.get("body"), Map) else EMPTY
        yield Request(key, each.get("url"), each.get("method"), body, each.get("count"))


def _runs(scene: Scene, data: Map, path: Path) -> Iterator[RunOf]:
    from metadata.sections.scenarios.acting import named_about

    for key, each in _maps(data, "runs"):
        record = each.get("record")
        entity = scene.record(record, *path, key, "record") if isinstance(record, str) else None
        id = named_about(scene, "workflows", key, entity, *path, key, at_key=True)
        if id is not None:
            yield RunOf(id, record, each.get("state"), each.get("count"))


def _approvals(scene: Scene, data: Map, path: Path) -> Iterator[Standing]:
    from metadata.sections.scenarios.acting import named_about, node

    for key, each in _maps(data, "approvals"):
        entity: Entity | None = scene.record(key, *path, key, at_key=True)
        here = (*path, key)
        name, at = each.get("approval"), each.get("node")
        waiting = scene.people(each["waiting"], *here, "waiting") if isinstance(each.get("waiting"), Map) else None
        yield Standing(
            key,
            cast("str | None", each.get("state")),
            named_about(scene, "approvals", name, entity, *here, "approval") if isinstance(name, str) else None,
            waiting,
            node(scene, at, entity, *here, "node") if isinstance(at, str) else None,
        )
