"""The command palette: records, pages and what was looked at lately, found while somebody types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from blueprints import assets, context, visibility
from blueprints.answers import json_answer, no_content
from blueprints.app import cells
from blueprints.app.shell import entity_of, menu, page, shell_of, text_context
from blueprints.limits import json_object, require_keys
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.folding import fold
from metadata.ids import is_uuid
from metadata.model import Entity
from runtime import inbox, preferences, queries, search
from runtime.queries import Query
from runtime.workspace import Workspace

_MOST_ENTITIES = 10
_PER_ENTITY = 6
_MOST_PAGES = 8
_MOST_RECENT = 12
_SHOWN_RECENT = 6
_MATCHED_FIELDS = 4
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the palette."""

    title: str
    url: str
    icon: str
    hint: str = ""
    """What is said beside it: by what it was found, or what kind of thing it is."""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Searched:
    """An entity as the palette looks into it. `fields` are keys: its title first, then what else it is found by."""

    entity: Entity
    label: str
    title: str
    fields: tuple[str, ...]


def find_anything() -> Response:
    """What is like the text `q`: `{"groups": [{"label", "items": [{"title", "url", "icon", "hint"}]}]}`."""
    text = request.args.get("q", "")[:_LONGEST]
    groups = context.perform(lambda ws: found(ws, text))
    shown = [{"label": each.label, "items": [_as_json(item) for item in each.items]} for each in groups]
    return json_answer({"groups": shown})


def _as_json(item: Item) -> dict[str, str]:
    return {"title": item.title, "url": item.url, "icon": assets.SHELF.icon(item.icon), "hint": item.hint}


def palette() -> Response:
    """The search as a page of its own: what the palette finds, for browsers without scripts."""
    text = request.args.get("q", "")[:_LONGEST]
    return context.perform(lambda ws: page(ws, "search.html", q=text, groups=found(ws, text)))


def found(ws: Workspace, text: str) -> tuple[Group, ...]:
    """Recent records and pages when nothing is typed, else records and pages that are like it."""
    text = text.strip()
    words = Words(context.language())
    if not text:
        return _filled(Group(words.palette_recent, tuple(_recent(ws))), Group(words.palette_pages, tuple(_pages(ws))))
    pages = tuple(item for item in (*_pages(ws), *_news(ws)) if _is_like(item.title, text))[:_MOST_PAGES]
    groups = sorted(_records(ws, text), key=lambda group: _by(group.items[0].title, text))
    return _filled(*groups, Group(words.palette_pages, pages))


def _filled(*groups: Group) -> tuple[Group, ...]:
    return tuple(each for each in groups if each.items)


def _records(ws: Workspace, text: str) -> Iterator[Group]:
    if not _is_enough(text):
        return
    reading = text_context(ws)
    lang = context.language()
    for searched in visibility.kept_for(ws, ("palette", lang), lambda: tuple(_searched(ws, Words(lang)))):
        page = queries.find(ws, Query(searched.entity.id, fields=searched.fields, q=text, limit=_PER_ENTITY))
        items = [_item(searched, row[0], _texts(page, values, reading), text) for row, values in _rows(page)]
        if items:
            yield Group(searched.label, tuple(sorted(items, key=lambda item: _rank(item.title, text))))


def _rows(page: queries.Page) -> Iterable[tuple[Sequence[Any], Sequence[Any]]]:
    return zip(page.raw, page.rows, strict=True)


def _texts(page: queries.Page, values: Sequence[Any], reading: TextContext) -> list[str]:
    return [
        registry.of(column.field).show(column.field, value, reading)
        for column, value in zip(page.columns, values, strict=False)
    ]


def _item(searched: Searched, id: str, texts: Sequence[str], typed: str) -> Item:
    """A record by its title, and beside it by what it was found, when that is something else."""
    title, others = texts[0], [each for each in texts[1:] if each]
    wanted = fold(typed)
    hint = next((each for each in others if wanted in fold(each)), others[0] if others else "")
    url = url_for("app.show", entity=searched.entity.key, id=str(id))
    return Item(title or str(id)[:8], url, searched.entity.icon, "" if hint == title else hint)


_ELSEWHERE = 3
"""It was found by something else than its title as it is written."""


def _rank(title: str, typed: str) -> int:
    folded, wanted = fold(title), fold(typed)
    return 0 if folded == wanted else 1 if folded.startswith(wanted) else 2 if wanted in folded else _ELSEWHERE


def _by(title: str, typed: str) -> int:
    """Kinds of records in the menu's order, but first those called so: a company before the people who work there."""
    return 0 if _rank(title, typed) < _ELSEWHERE else 1


def _is_enough(text: str) -> bool:
    """One Latin letter or digit would match half of everything."""
    return len(text) > 1 or not text.isascii()


def _searched(ws: Workspace, words: Words) -> Iterator[Searched]:
    """The entities that the palette looks into: those of the person's menus in their order, then the others."""
    of_menus = [line.entity for group in menu(ws, words.lang) for line in group.items]
    rest = (entry["key"] for entry in ws.model.index.get("entities", {}).values())
    count = 0
    for key in dict.fromkeys((*of_menus, *rest)):
        entity = ws.model.entity(key)
        if entity is None or not _is_searched(ws, entity):
            continue
        title = cells.title_of(ws, entity)
        readable = {each.id for each in visibility.readable(ws, entity)}
        others = [id for id in entity.search if id in readable and id != entity.title]
        if title is None or not any(id in readable for id in entity.search):
            continue
        fields = (title, *(entity.fields[id].key for id in others[:_MATCHED_FIELDS]))
        yield Searched(entity, words.label(entity.plural), title, fields)
        count += 1
        if count == _MOST_ENTITIES:
            return


def _is_searched(ws: Workspace, entity: Entity) -> bool:
    """Whether people look for such records by themselves, and may."""
    alone = not entity.generated and entity.parent is None and entity.written_by == "people"
    return alone and bool(entity.search) and visibility.may(ws, entity, "read")


def _pages(ws: Workspace) -> Iterator[Item]:
    words = Words(context.language())
    groups = menu(ws, words.lang)
    for group in groups:
        for line in group.items:
            yield Item(line.label, line.url, line.icon, group.label if len(groups) > 1 else "")
    if inbox.has(ws):
        yield Item(words.inbox, url_for("app.inbox"), "inbox")
    yield Item(words.shell_notices, url_for("app.notices"), "bell")
    yield Item(words.account, url_for("auth.account"), "user-circle", words.palette_settings)


def _news(ws: Workspace) -> Iterator[Item]:
    words = Words(context.language())
    for each in shell_of(ws).new:
        yield Item(words("new", what=each.label), each.url, "plus")


def _is_like(title: str, text: str) -> bool:
    """Whether a text is in a title, or are the pinyin initials of it."""
    wanted = fold(text)
    return wanted in fold(title) or any(each.startswith(f"~{wanted}") for each in search.text_tokens(title))


def looked_at() -> Response:
    """Remember that the person looked at a record: `{"entity", "id"}`, sent by its page a moment after it opened."""
    body, _ = json_object(request)
    require_keys(body, "entity", "id")
    context.perform(lambda ws: _remember(ws, str(body.get("entity", "")), str(body.get("id", ""))), write=True)
    return no_content()


def _remember(ws: Workspace, name: str, id: str) -> None:
    entity = entity_of(ws, name)
    if not is_uuid(id) or not queries.sees(ws, entity, "read", id.lower(), deleted=False):
        return
    newest = [entity.id, id.lower()]
    before = _kept(ws)
    if before[:1] != [newest]:
        preferences.put(ws, "recent", [newest, *(each for each in before if each != newest)][:_MOST_RECENT])


def _kept(ws: Workspace) -> list[list[str]]:
    kept = preferences.get(ws, "recent")
    return kept if isinstance(kept, list) else []


def _recent(ws: Workspace) -> Iterator[Item]:
    """What the person looked at last, as far as he still may: titles are those of today."""
    kept = [(entity, id) for entity, id in _kept(ws)][:_SHOWN_RECENT]
    reading, words = text_context(ws), Words(context.language())
    titles: dict[tuple[str, str], Item] = {}
    for name in dict.fromkeys(entity for entity, _ in kept):
        entity = ws.model.entity(name)
        title = cells.title_of(ws, entity) if entity is not None and visibility.may(ws, entity, "read") else None
        if entity is None or title is None:
            continue
        ids = tuple(id for each, id in kept if each == name)
        found = queries.find(ws, Query(entity.id, fields=(title,), ids=ids, limit=len(ids)))
        for row, values in _rows(found):
            id, said = str(row[0]), _texts(found, values, reading)[0]
            url = url_for("app.show", entity=entity.key, id=id)
            titles[name, id] = Item(said or id[:8], url, entity.icon, words.label(entity.label))
    for each in kept:
        if each in titles:
            yield titles[each]


ROUTES = (
    Route("/app/-/search", "GET", palette, PAGE),
    Route("/app/-/find", "GET", find_anything, PAGE),
    Route("/app/-/recent", "POST", looked_at, PAGE),
)
