"""Section `seeds`: records that come with a package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map, plain
from metadata.model import Entity, Model, Part, Seed
from metadata.problems import kind, say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    nothing_further,
    said_id,
)
from metadata.sections.documenting import heading, words
from metadata.sections.imports.section import named_fields
from metadata.sections.values import check_value

NO_KEY = kind(
    "seed_without_key",
    en="This record has no value for “{name}”, by which it is found again. Add it.",
    zh="此记录缺少用于匹配的“{name}”的值，请补充。",
)

GRAMMAR = grammar.grammar(grammar.load("seeds"))


def compile_seed(element: Element, compilation: Compilation) -> Seed | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    by = tuple(named_fields(element, entity, compilation, "by"))
    records = data.get("records")
    made = tuple(
        _record(element, entity, compilation, by, key, each)
        for key, each in (records.items() if isinstance(records, Map) else ())
        if isinstance(each, Map)
    )
    return Seed(element.id, entity.id, by, made)


def _record(
    element: Element, entity: Entity, compilation: Compilation, by: tuple[str, ...], key: str, data: Map
) -> Mapping[str, Any]:
    path = ("records", key)
    values: dict[str, Any] = {}
    for name, value in data.items():
        field = compilation.named_field(element, entity, name, *path, name)
        if field is not None:
            check_value(element, compilation, field, plain(value), *path, name)
            values[field.id] = plain(value)
    for id in by:
        if values.get(id) is None:
            compilation.refuse(NO_KEY, element, *path, at_key=True, name=entity.fields[id].key)
    return {"key": key, "values": values}


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    yield Reference(("entity",), "entities", part["entity"])
    for each in part.get("by", ()):
        yield Reference(("by", each), "entities", part["entity"], each)
    for record in part.get("records", ()):
        for each in record["values"]:
            yield Reference(("records", record["key"], each), "entities", part["entity"], each)


def document(part: Part, lang: str, model: Model) -> str:
    entity = model.entity(part["entity"])
    count = len(part.get("records", ()))
    name = say(entity.plural, lang) if entity else part["entity"]
    return heading(2, {"*": part["id"]}, lang) + f"\n{words(lang, f'{count} records of', f'{count} 条记录：')} {name}\n"


SECTION = Section(
    name="seeds",
    grammar=GRAMMAR,
    check_grammar=grammar_only("seeds", GRAMMAR),
    identity=said_id,
    compile=each_element("seeds", compile_seed),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
