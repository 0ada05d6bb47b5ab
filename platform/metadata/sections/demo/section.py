"""Section `demo`: made-up records from a seed number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
DATES = frozenset({"date", "datetime"})
FITS: Mapping[str, frozenset[str]] = {
    "name": TEXTS,
    "number": frozenset({"integer", "decimal", "money", "percent", "rating"}),
    "date": DATES,
    "link": frozenset({"link", "links", "any_link", "user", "unit"}),
    "text": TEXTS | {"url", "email", "tags"},
    "phone": frozenset({"phone", "text"}),
    "email": frozenset({"email", "text"}),
    "sequence": TEXTS,
    "short": TEXTS,
    "rows": frozenset({"children"}),
    "total": frozenset({"money", "decimal", "integer"}),
}
"""Generator -> the field types that it can fill; `pick` fills all but links, `from` what its path leads to."""
WRAPPERS = frozenset({"case", "sometimes"})


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
    element: Element, compilation: Compilation, entity: Entity, name: str, data: Map, *within: str
) -> Iterable[tuple[str, Any]]:
    fields = data.get("fields")
    for key, generator in fields.items() if isinstance(fields, Map) else ():
        path = ("entities", name, *within, "fields", key)
        field = compilation.named_field(element, entity, key, *path)
        if field is not None and isinstance(generator, Map) and len(generator) == 1:
            made = _Made(element, compilation, entity, field, name)
            _check(made, generator, path)
            yield field.id, _plain(made, generator, path)


@dataclass(frozen=True, slots=True)
class _Made:
    """The field of a demo whose generator is looked at."""

    element: Element
    compilation: Compilation
    entity: Entity
    field: Field
    name: str


def _plain(made: _Made, generator: Map, path: tuple[str, ...]) -> Any:
    """The generator as data; that of rows has its fields by id, like an entity's."""
    kind_, value = next(iter(generator.items()))
    if kind_ != "rows" or not isinstance(value, Map):
        return plain(generator)
    rows = made.compilation.entity(made.field.to[0]) if made.field.to else None
    if rows is None:
        return plain(generator)
    within = (*path[2:], "rows")
    fields = dict(_fields(made.element, made.compilation, rows, made.name, value, *within))
    return {"rows": {"min": value.get("min", 0), "max": value.get("max", 1), "fields": fields}}


def _check(made: _Made, generator: Map, path: tuple[str, ...]) -> None:
    field, (kind_, value) = made.field, next(iter(generator.items()))
    if kind_ in WRAPPERS:
        for at, inner in _inner(kind_, value):
            if isinstance(inner, Map) and len(inner) == 1:
                _check(made, inner, (*path, kind_, *at))
    elif kind_ == "from" and isinstance(value, str):
        _check_path(made, value, *path, "from")
    elif kind_ in ("pick", "turn") and field.type not in LINKS:
        if field.type != "boolean":  # the keys of weights are texts
            for each in value if isinstance(value, (list, Map)) else ():
                raw = [plain(each)] if field.type in ("multi_choice", "tags") else plain(each)
                check_value(made.element, made.compilation, field, raw, *path, kind_)
    elif field.type not in FITS.get(kind_, frozenset()):
        known = [each for each, types in FITS.items() if field.type in types] or ["pick"]
        params: dict[str, Any] = {"generator": kind_, "name": field.key, "type": field.type, "known": known}
        made.compilation.refuse(MISFIT, made.element, *path, at_key=True, **params)
    for option in ("of", "after", "name", "at"):
        if kind_ in ("case", "date", "number", "email") and isinstance(value, Map) and option in value:
            _check_path(made, str(value[option]), *path, kind_, option)
    if kind_ == "short" and isinstance(value, str):
        _check_path(made, value, *path, "short")
    if kind_ == "link" and isinstance(value, Map) and "where" in value and field.to:
        target = made.compilation.entity(field.to[0])
        if target is not None:
            made.compilation.expression(made.element, str(value["where"]), target, *path, "link", "where")


def _inner(kind_: str, value: Any) -> Iterable[tuple[tuple[str, ...], Any]]:
    """The generators inside one that chooses between them, with their places."""
    if not isinstance(value, Map):
        return
    if kind_ == "sometimes":
        yield ("make",), value.get("make")
        return
    when = value.get("when")
    for each, inner in when.items() if isinstance(when, Map) else ():
        yield ("when", each), inner
    if "else" in value:
        yield ("else",), value["else"]


def _check_path(made: _Made, name: str, *path: str) -> None:
    """Whether the first step of a path is a field of the same record; further steps go over what the demo made."""
    made.compilation.named_field(made.element, made.entity, name.split(".")[0], *path, at_key=False)


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
