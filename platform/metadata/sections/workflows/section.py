"""Section `workflows`: what is done after a save, at a time or at the press of a button, as steps in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from metadata import grammar
from metadata.compilation import Compilation, problem_at
from metadata.documents.marked import Map
from metadata.documents.shape import Shape
from metadata.problems import Problem
from metadata.section import Element, Section, differences, each_element, label_of, said_id
from metadata.sections.workflows import looping
from metadata.sections.workflows import refusals as r
from metadata.sections.workflows import steps as s
from metadata.sections.workflows import triggers as t
from metadata.sections.workflows.drawing import document
from metadata.sections.workflows.reading import Path, Place, Reader
from metadata.sections.workflows.referring import references
from metadata.workflows import Workflow

GRAMMAR = grammar.grammar(grammar.load("workflows"))
BESIDE_IF = ("then", "else")


def check_grammar(element: Element) -> Iterable[Problem]:
    """What the grammar refuses, and every trigger and step that is not exactly one thing."""
    yield from GRAMMAR.problems(element.data, element.path, element.mark.key_position)
    if isinstance(element.data, Map):
        yield from _kinds(element, element.data, GRAMMAR.shape, ())


def _kinds(element: Element, data: Map, shape: Shape, path: Path) -> Iterator[Problem]:
    for key, value in data.items():
        below = shape.properties.get(key) if shape.kind == "struct" else shape.entry
        if below is None or not isinstance(value, Map):
            continue
        here = (*path, key)
        if "called" in below.properties:
            yield from _one_kind(element, value, below, tuple(t.KINDS), here)
        elif "stop" in below.properties:
            yield from _one_kind(element, value, below, tuple(s.KINDS), here)
            yield from _beside_if(element, value, here)
        yield from _kinds(element, value, below, here)


def _one_kind(element: Element, data: Map, shape: Shape, known: tuple[str, ...], path: Path) -> Iterator[Problem]:
    found = [each for each in data if each in known]
    strange = [each for each in data if each not in shape.properties]  # has been refused already
    if len(found) > 1:
        yield problem_at(r.TWO_KINDS, element, path, True, name=path[-1], found=found)
    elif not found and not strange and not any(each in data for each in BESIDE_IF):
        yield problem_at(r.NO_KIND, element, path, True, name=path[-1], known=list(known))


def _beside_if(element: Element, data: Map, path: Path) -> Iterator[Problem]:
    if "if" in data and "then" not in data:
        yield problem_at(r.NO_THEN, element, (*path, "if"), True)
    for key in BESIDE_IF:
        if key in data and "if" not in data:
            yield problem_at(r.NO_IF, element, (*path, key), True, key=key)


def compile_workflow(element: Element, compilation: Compilation) -> Workflow | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    if entity.written_by == "platform":
        compilation.refuse(r.OF_PLATFORM, element, "entity", entity=entity.label)
    reader = Reader(compilation, element, entity)
    triggers = t.triggers(reader)
    gone = bool(triggers) and all(each.kind == "deleted" for each in triggers)
    return Workflow(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        entity=entity.id,
        triggers=triggers,
        steps=s.block(reader, data, "steps", Place(entity, gone=gone), ()),
        active=data.get("active", True),
        priority=data.get("priority", 100),
        run_as=_run_as(reader, data.get("run_as")),
        on_import=data.get("on_import", False),
        once=data.get("once", False),
    )


def _run_as(reader: Reader, said: Any) -> str:
    name = said.get("role") if isinstance(said, Map) else None
    role = reader.named("roles", name, "run_as", "role") if isinstance(name, str) else None
    return role or "initiator"


SECTION = Section(
    name="workflows",
    grammar=GRAMMAR,
    check_grammar=check_grammar,
    identity=said_id,
    compile=each_element("workflows", compile_workflow),
    checks=looping.check,
    references=references,
    difference=differences,
    documentation=document,
)
