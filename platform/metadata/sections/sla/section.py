"""Section `sla`: how long what is done for records may take, in business time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.model import Entity
from metadata.section import (
    Element,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.sla import refusals as r
from metadata.sections.sla.alerting import alerts
from metadata.sections.sla.checking import check, decided, moment_field
from metadata.sections.sla.mentioning import references
from metadata.sections.sla.telling import document
from metadata.sections.workflows.reading import Path, Reader
from metadata.sla import Level, Policy, Sla, Target

GRAMMAR = grammar.grammar(grammar.load("sla"))


def compile_sla(element: Element, compilation: Compilation) -> Sla | None:
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    if entity.written_by == "platform":
        compilation.refuse(r.OF_PLATFORM, element, "entity", entity=entity.label)
    reader, data = Reader(compilation, element, entity), element.data
    targets = tuple(_target(reader, each, key, entity) for key, each in _maps(data, "targets"))
    names = {
        name: target.id
        for (key, _), target in zip(_maps(data, "targets"), targets, strict=True)
        for name in (key, target.id)
    }
    found = Sla(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        entity=entity.id,
        targets=targets,
        policies=tuple(_policy(reader, each, key, entity, names) for key, each in _maps(data, "policies")),
        when=decided(reader, data, "when", entity, ()),
    )
    check(reader, found, entity)
    return found


def _maps(data: Map, name: str) -> Iterator[tuple[str, Map]]:
    held = data.get(name)
    for key, each in held.items() if isinstance(held, Map) else ():
        if isinstance(each, Map):
            yield key, each


def _target(reader: Reader, data: Map, key: str, entity: Entity) -> Target:
    path: Path = ("targets", key)
    measures: Any = data.get("measures", "resolution")
    if measures == "response" and "pause" in data:
        reader.refuse(r.RESPONSE_PAUSED, *path, "pause", at_key=True, name=key)
    return Target(
        id=said_id(key, data),
        label=label_of(data, key),
        stop=decided(reader, data, "stop", entity, path) or "false",
        measures=measures,
        start=decided(reader, data, "start", entity, path),
        pause=decided(reader, data, "pause", entity, path),
        reopen=data.get("reopen", "keep" if measures == "response" else "resume"),
        since=moment_field(reader, data, "since", entity, path),
        due=moment_field(reader, data, "due", entity, path, kept=True),
        alerts=tuple(alerts(reader, data, entity, path)),
    )


def _policy(reader: Reader, data: Map, key: str, entity: Entity, targets: dict[str, str]) -> Policy:
    path: Path = ("policies", key)
    calendar = reader.calendar(data, path)
    return Policy(
        id=said_id(key, data),
        label=label_of(data, key),
        levels=tuple(_level(reader, each, name, entity, targets, path) for name, each in _maps(data, "levels")),
        when=decided(reader, data, "when", entity, path),
        calendar=calendar,
    )


def _level(reader: Reader, data: Map, key: str, entity: Entity, targets: dict[str, str], path: Path) -> Level:
    here = (*path, "levels", key)
    said, within = data.get("within"), dict[str, str]()
    for name in said if isinstance(said, Map) else ():
        assert isinstance(said, Map)
        id = targets.get(name)
        if id is None:
            known = [each for each, _ in _maps(reader.element.data, "targets")]
            reader.compilation.unknown(reader.element, name, known, r.TARGETS, *here, "within", name, at_key=True)
            continue
        # Days are counted as business days in a calendar, and months mean nothing there.
        span = reader.span(said, name, (*here, "within"), calendar="some")
        if span is not None:
            within[id] = span
    return Level(
        id=said_id(key, data),
        label=label_of(data, key),
        within=within,
        when=decided(reader, data, "when", entity, here),
    )


SECTION = Section(
    name="sla",
    grammar=GRAMMAR,
    check_grammar=grammar_only("sla", GRAMMAR),
    identity=said_id,
    compile=each_element("sla", compile_sla),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
