"""Section `assignments`: to whom a record is given, by rules that are tried in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from metadata import grammar
from metadata.assignments import Assignment, Candidate, Fallback, Rule, Territory
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.model import Entity, Model, Part
from metadata.parts import build
from metadata.problems import say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_from,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.assignments import refusals as r
from metadata.sections.documenting import heading, table, words
from metadata.sections.views.section import mentioned, walked
from metadata.sections.workflows.giving import to_user
from metadata.sections.workflows.reading import Path, Place, Reader

GRAMMAR = grammar.grammar(grammar.load("assignments"))
WAYS = ("role", "user", "unit")
_OF = {"sticky": "path", "territory": "territories"}
"""What a strategy finds its people by, when that is not `candidates`."""
_SOURCES = ("candidates", "path", "territories")


def compile_assignment(element: Element, compilation: Compilation) -> Assignment | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    if entity.written_by == "platform":
        compilation.refuse(r.OF_PLATFORM, element, "entity", entity=entity.label)
    elif not entity.owned:
        compilation.refuse(r.NOT_OWNED, element, "entity", entity=entity.label)
    reader = Reader(compilation, element, entity)
    return Assignment(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        entity=entity.id,
        fallback=_fallback(reader, data),
        rules=tuple(_rule(reader, each, key, entity) for key, each in _maps(data, "rules")),
        open=reader.condition(data, "open", entity, (), sql=True),
    )


def _maps(data: Map, name: str) -> Iterator[tuple[str, Map]]:
    held = data.get(name)
    for key, each in held.items() if isinstance(held, Map) else ():
        if isinstance(each, Map):
            yield key, each


def _rule(reader: Reader, data: Map, key: str, entity: Entity) -> Rule:
    path: Path = ("rules", key)
    strategy: Any = data.get("strategy")
    needed = _OF.get(strategy, "candidates")
    if needed not in data:
        reader.refuse(r.NEEDS, *path, at_key=True, strategy=strategy, key=needed)
    for other in _SOURCES:
        if other != needed and other in data:
            reader.refuse(r.UNFIT, *path, other, at_key=True, key=other, strategy=strategy)
    way = to_user(reader, data, "path", Place(entity), path) if isinstance(data.get("path"), str) else None
    return Rule(
        id=said_id(key, data),
        label=label_of(data, key),
        strategy=strategy,
        when=reader.condition(data, "when", entity, path),
        candidates=_candidates(reader, data, path, strategy),
        path=way,
        territories=tuple(_territories(reader, data, path, strategy, entity)),
        full=data.get("full"),
    )


def _territories(reader: Reader, data: Map, path: Path, strategy: str, entity: Entity) -> Iterator[Territory]:
    for key, each in _maps(data, "territories"):
        here = (*path, "territories", key)
        yield Territory(
            said_id(key, each),
            reader.condition(each, "when", entity, here) or "false",
            _candidates(reader, each, here, strategy),
            label_of(each, key),
        )


def _candidates(reader: Reader, data: Map, path: Path, strategy: str) -> tuple[Candidate, ...]:
    found = []
    for key, each in _maps(data, "candidates"):
        here = (*path, "candidates", key)
        people = _people(reader, each, key, WAYS, here)
        for only, wanted in (("weight", "weighted"), ("per_30_days", "capacity")):
            if only in each and strategy != wanted:
                reader.refuse(r.UNFIT, *here, only, at_key=True, key=only, strategy=strategy)
        if strategy == "capacity" and "per_30_days" not in each:
            reader.refuse(r.NEEDS, *here, at_key=True, strategy=strategy, key="per_30_days")
        found.append(
            Candidate(said_id(key, each), **people, weight=each.get("weight", 1), per_30_days=each.get("per_30_days"))
        )
    return tuple(found)


def _fallback(reader: Reader, data: Map) -> Fallback:
    said = data.get("fallback")
    if not isinstance(said, Map):
        return Fallback()
    return Fallback(**_people(reader, said, "fallback", WAYS[:2], ("fallback",)))


def _people(reader: Reader, data: Map, name: str, ways: tuple[str, ...], path: Path) -> dict[str, str | None]:
    """The one way in which people are named, by ids where the description knows them."""
    said = [each for each in ways if isinstance(data.get(each), str)]
    if len(said) != 1:
        reader.refuse(r.NOT_ONE, *path, at_key=True, name=name, known=list(ways))
        return {}
    way, value = said[0], str(data[said[0]])
    if way == "role":
        return {way: reader.named("roles", value, *path, way)}
    _check_found_by(reader, way, path)
    return {way: value.lower() if way == "user" else value}


def _check_found_by(reader: Reader, way: str, path: Path) -> None:
    """Whether the description has what people are looked up by."""
    for entity, field in (("user", "email"),) if way == "user" else (("user", "unit"), ("unit", "code")):
        held = reader.compilation.entity(entity)
        if held is None or field not in held.fields:
            label = label_from(entity) if held is None else held.label
            reader.refuse(r.NO_FIELD, *path, way, at_key=True, key=way, entity=label, field=field)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    return dict.fromkeys(_references(build("assignments", part), model))


def _references(assignment: Assignment, model: Model) -> Iterator[Reference]:
    entity = assignment.entity
    yield Reference(("entity",), "entities", entity)
    yield from _read(model, entity, assignment.open, ("open",))
    if assignment.fallback.role is not None:
        yield Reference(("fallback", "role"), "roles", assignment.fallback.role)
    for rule in assignment.rules:
        path: Path = ("rules", rule.id)
        yield from _read(model, entity, rule.when, (*path, "when"))
        if rule.path is not None:
            yield from (Reference((*path, "path"), "entities", *each) for each in walked(model, entity, rule.path))
        yield from _roles(rule.candidates, path)
        for territory in rule.territories:
            here = (*path, "territories", territory.id)
            yield from _read(model, entity, territory.when, (*here, "when"))
            yield from _roles(territory.candidates, here)


def _read(model: Model, entity: str, text: str | None, path: Path) -> Iterator[Reference]:
    if text is not None:
        yield from (Reference(path, "entities", *each) for each in mentioned(model, entity, text))


def _roles(candidates: Iterable[Candidate], path: Path) -> Iterator[Reference]:
    for each in candidates:
        if each.role is not None:
            yield Reference((*path, "candidates", each.id, "role"), "roles", each.role)


_NAMES = {
    "round_robin": ("In turn", "轮流"),
    "least_load": ("Least load", "负载最少"),
    "weighted": ("By shares", "按比例"),
    "capacity": ("By capacity", "按容量"),
    "sticky": ("Who looks after it", "沿用负责人"),
    "territory": ("By territory", "按区域"),
}


def document(part: Part, lang: str, model: Model) -> str:
    assignment: Assignment = build("assignments", part)
    entity = model.entity(assignment.entity)
    facts = [
        (words(lang, "Records", "记录"), say(entity.label, lang) if entity else assignment.entity),
        (words(lang, "Load", "负载"), f"`{assignment.open}`" if assignment.open else "–"),
        (words(lang, "Otherwise", "其他情况"), assignment.fallback.role or assignment.fallback.user or "–"),
    ]
    rows = [
        (
            say(rule.label, lang),
            f"`{rule.when}`" if rule.when else "–",
            words(lang, *_NAMES[rule.strategy]),
            _who(rule),
            str(rule.full or "–"),
        )
        for rule in assignment.rules
    ]
    head = tuple(
        words(lang, *each)
        for each in (("Rule", "规则"), ("When", "条件"), ("How", "方式"), ("To whom", "分配给"), ("Full at", "上限"))
    )
    return heading(2, part["label"], lang, part["key"]) + "\n" + table(("", ""), facts) + "\n" + table(head, rows)


def _who(rule: Rule) -> str:
    if rule.path is not None:
        return f"`{rule.path}`"
    if rule.territories:
        return "; ".join(f"{each.id}: {_named(each.candidates)}" for each in rule.territories)
    return _named(rule.candidates)


def _named(candidates: Iterable[Candidate]) -> str:
    return ", ".join(each.role or each.user or each.unit or "" for each in candidates)


SECTION = Section(
    name="assignments",
    grammar=GRAMMAR,
    check_grammar=grammar_only("assignments", GRAMMAR),
    identity=said_id,
    compile=each_element("assignments", compile_assignment),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
