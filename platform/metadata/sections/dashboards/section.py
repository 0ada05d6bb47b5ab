"""Section `dashboards`: pages of figures, charts, short lists and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from metadata import grammar
from metadata.compilation import SECTION_LABELS, Compilation
from metadata.documents.marked import Map
from metadata.measures import MEASURE
from metadata.model import Dashboard, Model, Part
from metadata.problems import say
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
from metadata.sections.dashboards.tiles import TILE_KINDS, compile_tile
from metadata.sections.documenting import heading, table, words
from metadata.sections.views.section import mentioned, walked

GRAMMAR = grammar.grammar(grammar.load("dashboards"))


def compile_dashboard(element: Element, compilation: Compilation) -> Dashboard:
    data = element.data
    tiles = data.get("tiles")
    made = (
        compile_tile(element, compilation, key, each)
        for key, each in (tiles.items() if isinstance(tiles, Map) else ())
        if isinstance(each, Map)
    )
    return Dashboard(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        icon=data.get("icon", "dashboard"),
        roles=tuple(roles_of(element, compilation)),
        tiles=tuple(each for each in made if each is not None),
    )


def roles_of(element: Element, compilation: Compilation) -> Iterable[str]:
    """Ids of the roles that an element names under `roles`; a problem for each that there is not."""
    named = element.data.get("roles")
    for name in named if isinstance(named, Map) else ():
        id = compilation.resolve("roles", name)
        if id is None:
            known = compilation.known("roles")
            compilation.unknown(element, name, known, SECTION_LABELS["roles"], "roles", name, at_key=True)
        else:
            yield id


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    for each in part.get("roles", ()):
        yield Reference(("roles", each), "roles", each)
    for tile in part.get("tiles", ()):
        for found in _of_tile(tile, model):
            yield Reference(("tiles", tile["id"], *found.path), found.section, found.element, found.field)


def _of_tile(tile: Part, model: Model) -> Iterable[Reference]:
    if "view" in tile:
        yield Reference(("view",), "views", tile["view"])
    if "entity" in tile:
        yield Reference(("entity",), "entities", tile["entity"])
        for name, path in _fields_of(tile):
            for entity, field in walked(model, tile["entity"], path):
                yield Reference((name,), "entities", entity, field)
        if "where" in tile:
            for entity, field in mentioned(model, tile["entity"], tile["where"]):
                yield Reference(("where",), "entities", entity, field)
    for source in tile.get("sources", ()):
        at = ("sources", source["id"])
        yield Reference((*at, "entity"), "entities", source["entity"])
        yield Reference((*at, "date"), "entities", source["entity"], source["date"])
        if "where" in source:
            for entity, field in mentioned(model, source["entity"], source["where"]):
                yield Reference((*at, "where"), "entities", entity, field)


def _fields_of(tile: Part) -> Iterable[tuple[str, str]]:
    """(property, dotted field ids) of everything that a tile names but for its condition."""
    for name in ("group", "split"):
        if name in tile:
            yield name, tile[name]
    if tile.get("period"):
        yield "period", tile["period"][0]
    if found := MEASURE.fullmatch(tile.get("measure", "")):
        yield "measure", found.group(2)
    for name in ("columns", "sort"):
        for each in tile.get(name, ()):
            yield name, each.lstrip("-")


def document(part: Part, lang: str, model: Model) -> str:
    rows = []
    for tile in part.get("tiles", ()):
        entity = model.entity(tile["entity"]) if "entity" in tile else None
        about = say(entity.plural, lang) if entity else ""
        details = [f"`{name}`: `{path}`" for name, path in _fields_of(tile)]
        details += [f"`{tile['where']}`"] if "where" in tile else []
        details += [say(source["label"], lang) for source in tile.get("sources", ())]
        rows.append((say(tile["label"], lang), say(TILE_KINDS[tile["kind"]], lang), about, "; ".join(details)))
    head = (
        words(lang, "Tile", "磁贴"),
        words(lang, "Kind", "类型"),
        words(lang, "Of", "对象"),
        words(lang, "Shows", "内容"),
    )
    return heading(2, part["label"], lang, part["key"]) + "\n" + table(head, rows)


SECTION = Section(
    name="dashboards",
    grammar=GRAMMAR,
    check_grammar=grammar_only("dashboards", GRAMMAR),
    identity=said_id,
    compile=each_element("dashboards", compile_dashboard),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
