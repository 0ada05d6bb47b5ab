"""Section `scenarios`: tests of the description, beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metadata import grammar
from metadata.compilation import Compilation, problem_at
from metadata.documents.marked import Map
from metadata.model import Entity, Model, Part
from metadata.parts import build
from metadata.problems import Problem, say
from metadata.scenarios import START, Given, Outside, Person, Scenario
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.scenarios import refusals as r
from metadata.sections.scenarios.acting import DOES, steps
from metadata.sections.scenarios.reading import USER, Scene
from metadata.sections.scenarios.referring import told

GRAMMAR = grammar.grammar(grammar.load("scenarios"))


def check_grammar(element: Element) -> Iterable[Problem]:
    """What the grammar refuses, and every step that does several things, or nothing at all."""
    yield from GRAMMAR.problems(element.data, element.path, element.mark.key_position)
    held = element.data.get("steps") if isinstance(element.data, Map) else None
    for key, data in held.items() if isinstance(held, Map) else ():
        if not isinstance(data, Map):
            continue
        found = [each for each in data if each in DOES]
        strange = [each for each in data if each not in GRAMMAR.shape.properties["steps"].entry.properties]  # type: ignore[union-attr]
        if len(found) > 1:
            yield problem_at(r.TWO_DOINGS, element, ("steps", key), True, name=key, found=found)
        elif not found and "expect" not in data and not strange:
            yield problem_at(r.NO_DOING, element, ("steps", key), True, name=key, known=list(DOES))


def compile_scenario(element: Element, compilation: Compilation) -> Scenario:
    data, scene = element.data, Scene(compilation, element)
    given = data.get("given")
    given = given if isinstance(given, Map) else Map()
    people, records = dict(_maps(given, "people")), dict(_maps(given, "records"))
    user = compilation.entity(USER)
    entities: dict[str, Entity | None] = {}
    for key in people:
        scene.learn(key, USER, "given", "people", key)
    for key, each in records.items():
        name, path = each.get("entity"), ("given", "records", key)
        entities[key] = compilation.named_entity(element, name, *path, "entity") if isinstance(name, str) else None
        found = entities[key]
        scene.learn(key, found.id if found is not None else None, *path)
    return Scenario(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        now=scene.moment(data, "now") or START,
        people=tuple(_person(scene, key, each, user) for key, each in people.items()),
        records=tuple(_given(scene, key, each, entities[key]) for key, each in records.items()),
        outside=tuple(_outside(given)),
        steps=tuple(steps(scene, data.get("steps"))),
        entities={key: id for key, id in scene.known.items() if id is not None},
    )


def _maps(data: Map, name: str) -> Iterator[tuple[str, Map]]:
    held = data.get(name)
    for key, each in held.items() if isinstance(held, Map) else ():
        if isinstance(each, Map):
            yield key, each


def _person(scene: Scene, key: str, data: Map, user: Entity | None) -> Person:
    path = ("given", "people", key)
    roles = scene.reader(user).roles(data, path)  # type: ignore[arg-type]
    return Person(key, roles, scene.values(user, data.get("values"), *path, "values"))


def _given(scene: Scene, key: str, data: Map, entity: Entity | None) -> Given:
    path = ("given", "records", key)
    values = scene.values(entity, data.get("values"), *path, "values")
    return Given(key, "" if entity is None else entity.id, values, scene.moment(data, "at", *path))


def _outside(given: Map) -> Iterator[Outside]:
    for key, each in _maps(given, "outside"):
        yield Outside(key, str(each.get("url", "")), int(each.get("status", 200)))


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    return dict.fromkeys(told(build("scenarios", part), model))


def document(part: Part, lang: str, model: Model) -> str:
    found: Scenario = build("scenarios", part)
    rows = [(say(each.label, lang), each.by or "", each.act.does if each.act else "") for each in found.steps]
    head = (words(lang, "Step", "步骤"), words(lang, "By", "执行人"), words(lang, "Does", "动作"))
    return heading(2, found.label, lang, found.key) + "\n" + table(head, rows)


SECTION = Section(
    name="scenarios",
    grammar=GRAMMAR,
    check_grammar=check_grammar,
    identity=said_id,
    compile=each_element("scenarios", compile_scenario),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
