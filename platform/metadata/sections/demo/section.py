"""Section `demo`: made-up records from a seed number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map, plain
from metadata.model import EMPTY, Entity, Field, Model, Part
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
from metadata.sections.documenting import heading, table, words
from metadata.sections.values import LINKS, check_value

MISFIT = kind(
    "demo_generator",
    en="`{generator}` cannot make values of “{name}”, which is of type {type}. Use one of: {known}.",
    zh="`{generator}` 不能为类型 {type} 的“{name}”生成值。请使用其中之一：{known}。",
)

GRAMMAR = grammar.grammar(grammar.load("demo"))
TEXTS = frozenset({"text", "long_text"})
FITS: Mapping[str, frozenset[str]] = {
    "name": TEXTS,
    "number": frozenset({"integer", "decimal", "money", "percent"}),
    "date": frozenset({"date", "datetime"}),
    "link": frozenset({"link", "links", "any_link", "user", "unit"}),
    "text": TEXTS | {"url", "email", "tags"},
    "phone": frozenset({"phone", "text"}),
    "email": frozenset({"email", "text"}),
    "sequence": TEXTS,
}
"""Generator -> the field types that it can fill; `pick` fills all but links."""


def compile_demo(element: Element, compilation: Compilation) -> Any:
    entities = element.data.get("entities")
    made: dict[str, Any] = {}
    for name, data in entities.items() if isinstance(entities, Map) else ():
        entity = compilation.named_entity(element, name, "entities", name, at_key=True)
        if entity is not None and isinstance(data, Map):
            fields = dict(_fields(element, compilation, entity, name, data))
            made[entity.id] = {"count": data.get("count", 0), "fields": fields}
    return {"id": element.id, "key": element.key, "seed": element.data.get("seed", 0), "entities": made}


def _fields(
    element: Element, compilation: Compilation, entity: Entity, name: str, data: Map
) -> Iterable[tuple[str, Any]]:
    fields = data.get("fields")
    for key, generator in fields.items() if isinstance(fields, Map) else ():
        path = ("entities", name, "fields", key)
        field = compilation.named_field(element, entity, key, *path)
        if field is not None and isinstance(generator, Map) and len(generator) == 1:
            _check(element, compilation, field, generator, path)
            yield field.id, plain(generator)


def _check(element: Element, compilation: Compilation, field: Field, generator: Map, path: tuple[str, ...]) -> None:
    kind_, value = next(iter(generator.items()))
    if kind_ == "pick" and field.type not in LINKS:
        if field.type != "boolean":  # the keys of weights are texts
            for each in value if isinstance(value, (list, Map)) else ():
                raw = [plain(each)] if field.type in ("multi_choice", "tags") else plain(each)
                check_value(element, compilation, field, raw, *path, "pick")
    elif field.type not in FITS.get(kind_, frozenset()):
        known = [each for each, types in FITS.items() if field.type in types] or ["pick"]
        params: dict[str, Any] = {"generator": kind_, "name": field.key, "type": field.type, "known": known}
        compilation.refuse(MISFIT, element, *path, at_key=True, **params)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    for entity, data in part.get("entities", EMPTY).items():
        yield Reference(("entities", entity), "entities", entity)
        for field in data["fields"]:
            yield Reference(("entities", entity, "fields", field), "entities", entity, field)


def document(part: Part, lang: str, model: Model) -> str:
    rows = []
    for id, data in part["entities"].items():
        entity = model.entity(id)
        rows.append((say(entity.plural, lang) if entity else id, data["count"]))
    head = (words(lang, "Entity", "实体"), words(lang, "Records", "记录数"))
    return heading(2, {"*": part["key"]}, lang) + "\n" + table(head, rows)


SECTION = Section(
    name="demo",
    grammar=GRAMMAR,
    check_grammar=grammar_only("demo", GRAMMAR),
    identity=said_id,
    compile=each_element("demo", compile_demo),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
