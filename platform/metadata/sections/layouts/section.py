"""Section `layouts`: how one record is shown and edited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.model import Entity, Layout, Model, Part, Tab
from metadata.model import Section as PageSection
from metadata.problems import kind, say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.layouts import topping

PLACED_TWICE = kind(
    "layout_field_twice",
    en="“{name}” already stands in this layout; this second place is left out. Remove one with null.",
    zh="“{name}”已在此布局中出现，第二处将被忽略。请用 null 移除其一。",
)
NOT_SHOWN = kind(
    "layout_field_unshowable",
    en="“{name}” is a list and cannot be a highlight. Show it under `sections` or `related`.",
    zh="“{name}”是列表，不能作为摘要字段。请放到 `sections` 或 `related` 中。",
)

GRAMMAR = grammar.grammar(grammar.load("layouts"))


def compile_layout(element: Element, compilation: Compilation) -> Layout | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    placed: set[str] = set()
    tabs = data.get("tabs")
    return Layout(
        id=element.id,
        key=element.key,
        entity=entity.id,
        label=label_of(data, element.key) if "label" in data else entity.label,
        highlights=tuple(_highlights(element, entity, compilation)),
        tabs=tuple(
            _tab(element, entity, compilation, key, tab, placed)
            for key, tab in (tabs.items() if isinstance(tabs, Map) else ())
            if isinstance(tab, Map)
        ),
        props=topping.props(element, entity, compilation),
        roles=tuple(topping.roles(element, compilation)),
    )


def _highlights(element: Element, entity: Entity, compilation: Compilation) -> Iterable[str]:
    named = element.data.get("highlights")
    found: dict[str, None] = {}
    for name in named if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "highlights", name)
        if field is not None and field.type in ("children", "links"):
            compilation.refuse(NOT_SHOWN, element, "highlights", name, at_key=True, name=name)
        elif field is not None:
            found[field.id] = None
    return found


def _tab(element: Element, entity: Entity, compilation: Compilation, key: str, data: Map, placed: set[str]) -> Tab:
    sections = data.get("sections")
    made: list[PageSection] = []
    for name, each in sections.items() if isinstance(sections, Map) else ():
        if isinstance(each, Map):
            path = ("tabs", key, "sections", name)
            fields = tuple(_placed(element, entity, compilation, each, path, placed))
            columns = each.get("columns", 2)
            made.append(PageSection(said_id(name, each), label_of(each, name), fields, columns))
    related = tuple(_related(element, entity, compilation, data, ("tabs", key, "related")))
    timeline = tuple(_timeline(element, entity, compilation, data, ("tabs", key, "timeline")))
    return Tab(said_id(key, data), label_of(data, key), tuple(made), related, timeline)


def _placed(
    element: Element, entity: Entity, compilation: Compilation, data: Map, path: tuple[str, ...], placed: set[str]
) -> Iterable[str]:
    named = data.get("fields")
    for name in named if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, *path, "fields", name)
        if field is None:
            continue
        if field.id in placed:
            compilation.warn(PLACED_TWICE, element, *path, "fields", name, at_key=True, name=name)
            continue
        placed.add(field.id)
        yield field.id


def _related(
    element: Element, entity: Entity, compilation: Compilation, data: Map, path: tuple[str, ...]
) -> Iterable[str]:
    """Keys of related lists: of an inverse, or of a field that holds a list."""
    named = data.get("related")
    lists = {each.key: each.key for each in entity.fields.values() if each.type in ("children", "links")}
    lists |= {each.id: each.key for each in entity.fields.values() if each.type in ("children", "links")}
    lists |= {each.inverse: each.inverse for each in entity.inverses}
    for name in named if isinstance(named, Map) else ():
        if name in lists:
            yield lists[name]
        else:
            compilation.unknown(element, name, lists, entity.label, *path, name, at_key=True)


def _timeline(
    element: Element, entity: Entity, compilation: Compilation, data: Map, path: tuple[str, ...]
) -> Iterable[str]:
    """Keys of the inverses whose records are told, by time, in one stream."""
    named = data.get("timeline")
    inverses = [each.inverse for each in entity.inverses]
    for name in named if isinstance(named, Map) else ():
        if name in inverses:
            yield name
        else:
            compilation.unknown(element, name, inverses, entity.label, *path, name, at_key=True)


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    entity = part["entity"]
    yield Reference(("entity",), "entities", entity)
    for each in part.get("roles", ()):
        yield Reference(("roles", each), "roles", each)
    props = part.get("props", {})
    if "stage" in props:
        yield Reference(("stage",), "entities", entity, props["stage"])
    for name, fields in (("quick", props.get("quick", ())), ("highlights", part.get("highlights", ()))):
        for each in fields:
            yield Reference((name, each), "entities", entity, each)
    for tab in part.get("tabs", ()):
        for section in tab["sections"]:
            for each in section["fields"]:
                yield Reference(("tabs", tab["id"], "sections", section["id"], each), "entities", entity, each)
        for name in ("related", "timeline"):
            for key in tab.get(name, ()):
                found = model.entity(entity)
                relation = found.inverse(key) if found else None
                if relation is not None:
                    yield Reference(("tabs", tab["id"], name, key), "entities", relation.source, relation.field)


def document(part: Part, lang: str, model: Model) -> str:
    entity = model.entity(part["entity"])
    rows = [
        (say(tab["label"], lang), say(section["label"], lang), ", ".join(f"`{each}`" for each in section["fields"]))
        for tab in part.get("tabs", ())
        for section in tab["sections"]
    ]
    head = (words(lang, "Tab", "标签页"), words(lang, "Section", "分组"), words(lang, "Fields", "字段"))
    shown = say(entity.label, lang) if entity else part["entity"]
    text = heading(2, part["label"], lang, part["key"]) + f"\n{words(lang, 'Shows', '显示')}: {shown}\n"
    for title, named in _whole(part, lang):
        text += f"\n{title}: {', '.join(f'`{each}`' for each in named)}\n"
    return text + ("\n" + table(head, rows) if rows else "")


def _whole(part: Part, lang: str) -> Iterable[tuple[str, Sequence[str]]]:
    """What is said of the whole page: (title, names)."""
    props = part.get("props", {})
    timeline = [key for tab in part.get("tabs", ()) for key in tab.get("timeline", ())]
    stage = [props["stage"]] if "stage" in props else []
    for title, named in (
        (words(lang, "For", "适用角色"), part.get("roles", ())),
        (words(lang, "Stage bar", "阶段条"), stage),
        (words(lang, "Short form", "快捷表单"), props.get("quick", ())),
        (words(lang, "Timeline", "时间线"), timeline),
    ):
        if named:
            yield title, named


SECTION = Section(
    name="layouts",
    grammar=GRAMMAR,
    check_grammar=grammar_only("layouts", GRAMMAR),
    identity=said_id,
    compile=each_element("layouts", compile_layout),
    checks=topping.checks,
    references=references,
    difference=differences,
    documentation=document,
)
