"""Section `views`: records as lists, boards and calendars."""

from __future__ import annotations

from collections.abc import Iterable

from metadata import grammar
from metadata.compilation import Compilation, place_of
from metadata.documents.marked import Map
from metadata.expressions.names import Scope
from metadata.expressions.parser import parse_in
from metadata.expressions.sql import sql_problem
from metadata.fieldtypes import registry
from metadata.fieldtypes.comparing import can_be_indexed
from metadata.model import Entity, Model, Part, View
from metadata.problems import PlatformError, say
from metadata.rules import scope_of_rules
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.entities.computing import calendars_of
from metadata.sections.entities.indexing import ENCRYPTED, NOT_INDEXED, Demand
from metadata.sections.views.kinds import KINDS, mentioned_fields, props_of

GRAMMAR = grammar.grammar(grammar.load("views"))
CHOICES = frozenset({"choice"})


def compile_view(element: Element, compilation: Compilation) -> View | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    demand = compilation.demands.setdefault(entity.id, Demand())
    columns = tuple(_columns(element, entity, compilation, demand))
    where = data.get("where")
    if isinstance(where, str):
        check_where(element, entity, where, compilation, demand)
    sort = tuple(_sort(element, entity, compilation))
    if sort and data.get("kind") != "board":
        demand.sorts.setdefault(tuple(each.lstrip("-") for each in sort if "." not in each), element.id)
    return View(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key) if "label" in data else entity.plural,
        entity=entity.id,
        kind=data.get("kind", "list"),
        columns=columns,
        where=where if isinstance(where, str) else None,
        sort=sort,
        filters=tuple(_filters(element, entity, compilation, demand)),
        props=props_of(element, entity, compilation, demand),
    )


def _columns(element: Element, entity: Entity, compilation: Compilation, demand: Demand) -> Iterable[str]:
    named = element.data.get("columns")
    found: dict[str, None] = {}
    for name in named if isinstance(named, Map) else ():
        path = compilation.named_path(element, entity, name, "columns", name)
        if path is not None:
            found[".".join(each.id for each in path)] = None
            if len(path) == 1 and path[0].type in CHOICES:
                demand.choices[path[0].id] = None
    return found


def _sort(element: Element, entity: Entity, compilation: Compilation) -> Iterable[str]:
    named = element.data.get("sort")
    for name, direction in named.items() if isinstance(named, Map) else ():
        path = compilation.named_path(element, entity, name, "sort", name)
        if path is None:
            continue
        last = path[-1]
        if not registry.of(last).sortable or not can_be_indexed(last):
            compilation.refuse(NOT_INDEXED, element, "sort", name, at_key=True, name=name, type=last.type)
            continue
        dotted = ".".join(each.id for each in path)
        yield f"-{dotted}" if direction == "desc" else dotted


def _filters(element: Element, entity: Entity, compilation: Compilation, demand: Demand) -> Iterable[str]:
    named = element.data.get("filters")
    for name in named if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "filters", name)
        if field is None:
            continue
        type_ = registry.of(field)
        if type_.encrypted:
            compilation.refuse(ENCRYPTED, element, "filters", name, at_key=True, name=name, property="filters")
            continue
        if not type_.stored or not type_.in_cells or type_.kind == "json":
            compilation.refuse(NOT_INDEXED, element, "filters", name, at_key=True, name=name, type=field.type)
            continue
        if field.type in CHOICES:
            demand.choices[field.id] = None
        yield field.id


def check_where(
    element: Element, entity: Entity, text: str, compilation: Compilation, demand: Demand, *path: str
) -> None:
    """Check a condition at a place of an element, and that a database can answer it; note the choices it looks at."""
    path = path or ("where",)
    expression = compilation.expression(element, text, entity, *path, scope=_scope(compilation))
    problem = None if expression is None else sql_problem(expression.root)
    if problem is not None:
        compilation.problems.append(problem.under(".".join((element.path, *path))).at(place_of(element, path)))
    for entity_id, field_id in expression.reads() if expression else ():
        if entity_id == entity.id and field_id in entity.fields and entity.fields[field_id].type in CHOICES:
            demand.choices[field_id] = None


def _scope(compilation: Compilation) -> Scope:
    """What a condition of a list may name: every field, and who asks."""
    calendars = calendars_of(compilation)
    return Scope(compilation.entity, role=lambda name: compilation.resolve("roles", name), calendars=calendars)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    yield Reference(("entity",), "entities", part["entity"])
    for name in ("columns", "sort", "filters"):
        for each in part.get(name, ()):
            for entity, field in walked(model, part["entity"], each.lstrip("-")):
                yield Reference((name, each.lstrip("-")), "entities", entity, field)
    for name, each in mentioned_fields(part.get("props", {})):
        for entity, field in walked(model, part["entity"], each):
            yield Reference((name, each) if name in ("sums", "card", "totals") else (name,), "entities", entity, field)
    if "where" in part:
        for entity, field in mentioned(model, part["entity"], part["where"]):
            yield Reference(("where",), "entities", entity, field)


def walked(model: Model, entity: str, dotted: str) -> Iterable[tuple[str, str]]:
    """(entity id, field id) of every step of a dotted path of ids."""
    here = model.entity(entity)
    for step in dotted.split("."):
        field = here.find(step) if here else None
        if here is None or field is None:
            return
        yield here.id, field.id
        here = model.entity(field.to[0]) if field.to else None


def mentioned(model: Model, entity: str, text: str) -> Iterable[tuple[str, str]]:
    """(entity id, field id) of everything that an expression reads."""
    here = model.entity(entity)
    try:
        return sorted(parse_in(text, here, scope_of_rules(model)).reads()) if here else ()
    except PlatformError:
        return ()


def document(part: Part, lang: str, model: Model) -> str:
    entity = model.entity(part["entity"])
    rows = [(f"`{each}`",) for each in part.get("columns", ())]
    text = heading(2, part["label"], lang, part["key"])
    shown = say(entity.plural, lang) if entity else part["entity"]
    text += f"\n{words(lang, 'Shows', '显示')}: {shown}, {words(lang, 'as', '形式：')} "
    text += f"{say(KINDS[part.get('kind', 'list')], lang)}\n"
    props = [f"`{name}`: `{each}`" for name, each in mentioned_fields(part.get("props", {}))]
    text += "".join(f"\n- {each}" for each in props) + ("\n" if props else "")
    if "where" in part:
        text += f"\n{words(lang, 'Only', '条件')}: `{part['where']}`\n"
    return text + ("\n" + table((words(lang, "Column", "列"),), rows) if rows else "")


SECTION = Section(
    name="views",
    grammar=GRAMMAR,
    check_grammar=grammar_only("views", GRAMMAR),
    identity=said_id,
    compile=each_element("views", compile_view),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
