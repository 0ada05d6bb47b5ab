"""How one value of a record is shown: text, where it leads, how it stands. From the JSON that every client gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

from flask import current_app
from markupsafe import Markup, escape

from blueprints import visibility
from blueprints.addresses import address_at, address_of, around
from blueprints.app import codes
from blueprints.texts import Words
from metadata import mentions, money
from metadata.access import rights
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import Masked, TextContext
from metadata.ids import is_uuid
from metadata.model import EMPTY as NO_MORE
from metadata.model import Entity, Field
from metadata.problems import Label, say
from runtime import queries
from runtime.queries import Query
from runtime.workspace import Workspace

LINKS = frozenset({"link", "user", "unit"})
_PROSE = frozenset({"long_text", "rich_text"})
NUMBERS = frozenset({"integer", "decimal", "money", "percent", "duration"})
_OUTSIDE = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a cell: a text, where it leads, and the colour it has."""

    text: str
    url: str | None = None
    outside: bool = False
    tint: str = ""
    """Of an option: one of the names in `fieldtypes.colors`. Of a colour: `#rrggbb`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown. `kind`: text, prose, chip, color, rating, image, secret, hidden."""

    pieces: tuple[Piece, ...] = ()
    kind: str = "text"
    whole: Markup | None = None
    """What a page shows that has room for it, where that is more than the pieces: sanitised HTML, a drawn code."""
    more: Mapping[str, Any] = NO_MORE
    """What only its kind knows."""

    @property
    def text(self) -> str:
        return ", ".join(each.text for each in self.pieces)


EMPTY = Cell()
HIDDEN = Cell((), "hidden")


@dataclass(frozen=True, slots=True)
class Shown:
    """A field on a page: its dotted path in the answer, the field, and the entity that its link leads to."""

    path: str
    field: Field
    label: Label
    target: Entity | None = None
    title: Field | None = None
    """Of the target: the field that names it, when the actor may read it."""

    @property
    def number(self) -> bool:
        return self.field.type in NUMBERS

    @property
    def asked(self) -> str:
        """What to ask the query for."""
        return f"{self.path}.{self.title.key}" if self.title is not None else self.path


def shown(ws: Workspace, entity: Entity, path: str) -> Shown | None:
    """A field by dotted path, as far as the actor may read it and it can stand in a cell."""
    at = entity
    *links, last = path.split(".")
    keys, label = [], None
    for name in links:
        link = _readable(ws, at, name)
        target = ws.model.entity(link.to[0]) if link is not None and link.type in LINKS and link.to else None
        if link is None or target is None or not visibility.may(ws, target, "read"):
            return None
        keys.append(link.key)
        at, label = target, link.label
    field = _readable(ws, at, last)
    if field is None or field.type == "children" or (links and not registry.of(field).stored):
        return None
    target = ws.model.entity(field.to[0]) if field.type in {*LINKS, "links"} and field.to else None
    title = None
    if target is not None and visibility.may(ws, target, "read"):
        title = _readable(ws, target, target.title)
    # What names the record behind a link is called like the link: "Account", not "Name".
    named = label if label is not None and field.id == at.title else field.label
    return Shown(".".join([*keys, field.key]), field, named, target, title)


def _readable(ws: Workspace, entity: Entity, name: str) -> Field | None:
    field = entity.find(name)
    return field if field is not None and rights(ws.model, ws.actor, entity).may_read(field.id) else None


def title_of(ws: Workspace, entity: Entity) -> str | None:
    """Today's key of the field that names a record, when the actor may read it."""
    found = _readable(ws, entity, entity.title)
    return found.key if found is not None else None


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The JSON value at a dotted path; None behind an invisible or missing record."""
    found: Any = record
    for step in path.split("."):
        if not isinstance(found, Mapping) or found.get("hidden") is True:
            return None
        found = found.get(step)
    return found


def cell(shown: Shown, record: Mapping[str, Any], context: TextContext, titles: Titles) -> Cell:
    """One field of one record."""
    value = value_at(record, shown.path)
    if value is None:
        return EMPTY
    if isinstance(value, Mapping) and value.get("hidden") is True:
        return HIDDEN
    match shown.field.type:
        case "link" | "user" | "unit":
            return Cell((_linked(shown, value, context),))
        case "links":
            return Cell(tuple(_linked(shown, each, context) for each in value))
        case "any_link":
            return Cell((titles.piece(value["entity"], value["id"]),))
        case "file":
            return Cell((Piece(titles.words_file, address_of("api.download", id=value)),))
        case "image" | "signature":
            piece = Piece(titles.words_file, address_of("app.view_file", id=value))
            return Cell((piece,), "image", more={"image": address_of("app.file_content", id=value), "id": value})
        case "long_text" | "rich_text" if mentions.ids_in(value if isinstance(value, str) else None):
            return _mentioning(shown.field, value, context, titles)
        case "secret":
            at = {} if "." in shown.path else {"entity": shown.field.entity, "field": shown.field.key}
            return Cell((Piece(text_of(shown.field, value, context)),), "secret", more={**at, "id": record.get("id")})
    return _plain(shown.field, value, context)


def _mentioning(field: Field, value: str, context: TextContext, titles: Titles) -> Cell:
    """A text that mentions people, with the names that they have today."""
    pieces = []
    if field.type == "rich_text":
        value = registry.of(field).parse(field, value)
    for text, id in mentions.parts(value, markup=field.type == "rich_text"):
        if id:
            pieces.append(Markup('<span class="mention">@{}</span>').format(titles.person(id) or unescape(text)))
        else:
            pieces.append(Markup(text) if field.type == "rich_text" else escape(text))
    return Cell(
        (Piece(text_of(field, value, context)),),
        "prose" if field.type == "long_text" else "text",
        Markup().join(pieces),
    )


def _linked(shown: Shown, value: Any, context: TextContext) -> Piece:
    if shown.target is None or shown.title is None or not isinstance(value, Mapping):
        id = value["id"] if isinstance(value, Mapping) else str(value)
        return Piece(id[:8])
    return Piece(
        text_of(shown.title, value.get(shown.title.key), context) or value["id"][:8],
        address_at("app.show", entity=shown.target.key, id=value["id"]),
    )


def text_of(field: Field, value: Any, context: TextContext) -> str:
    """A JSON value as a person reads it."""
    if value is None or (isinstance(value, Mapping) and value.get("hidden") is True):
        return ""
    kind = registry.of(field)
    if isinstance(value, Mapping) and field.type == "money":
        context = TextContext(context.language, context.timezone, str(value.get("currency") or context.currency))
    return str(value) if isinstance(value, Masked) else kind.show(field, kind.parse(field, value), context)


_AS_THEY_ARE = frozenset({"text", "long_text", "sequence", "date"})
"""Types whose values are read as they are sent."""


def sayer(field: Field, context: TextContext) -> Callable[[Any], str]:
    """`text_of` for many values of one field: prepared once, and the same of the same value is not made again."""
    said: dict[Any, str] = {}

    def say(value: Any) -> str:
        key = value if value.__class__ is not dict else tuple(value.items())
        try:
            found = said.get(key)
        except TypeError:  # a list
            return text_of(field, value, context)
        if found is None:
            found = said[key] = text_of(field, value, context)
        return found

    if field.type == "money":
        return _money_sayer(context, say)
    if field.type == "long_text":
        return lambda value: mentions.plain(value) if value.__class__ is str else text_of(field, value, context)
    if field.type not in _AS_THEY_ARE:
        return say
    return lambda value: value if value.__class__ is str else text_of(field, value, context)


def _money_sayer(context: TextContext, otherwise: Callable[[Any], str]) -> Callable[[Any], str]:
    """Amounts are seldom the same twice; as the API sends them there is nothing to check."""

    def say(value: Any) -> str:
        if value.__class__ is not dict or value.keys() != {"amount", "currency"}:
            return otherwise(value)
        currency = value["currency"] or context.currency or None
        return money.format_money(Decimal(value["amount"]), currency, context.language)

    return say


def shower(words: Words) -> Callable[[Cell], str]:
    """How a cell is written as HTML, for those who write many of them outside a template."""
    template = current_app.jinja_env.get_template("cells.html")
    show: Callable[[Cell], str] = template.make_module({"t": words}).show  # type: ignore[attr-defined]
    return lambda cell: str(show(cell)).strip()


_UNSAFE = re.compile("[&<>\"']")


def safe(text: str) -> str:
    """A text as HTML. Most texts in cells hold nothing that has to be written otherwise."""
    return str(escape(text)) if _UNSAFE.search(text) else text


def addresses(entity: Entity, endpoint: str = "app.show") -> Callable[[str], str]:
    """Addresses of an entity's records: made once, then only the id is set in."""
    before, after = around(endpoint, entity=entity.key)
    return lambda id: f"{before}{id}{after}"


def _plain(field: Field, value: Any, context: TextContext) -> Cell:
    match field.type:
        case "choice" | "multi_choice":
            return Cell(tuple(_option(field, each, context) for each in _listed(value)), "chip")
        case "tags":
            return Cell(tuple(Piece(each) for each in value), "chip")
    text = text_of(field, value, context)
    match field.type:
        case "email":
            return Cell((Piece(text, f"mailto:{text}"),))
        case "phone":
            return Cell((Piece(text, f"tel:{value}"),))
        case "url" if str(value).split(":", 1)[0].lower() in _OUTSIDE:
            return Cell((Piece(text, str(value), True),))
        case "rich_text":
            return Cell((Piece(text),), whole=Markup(registry.of(field).parse(field, value)))
        case "barcode":
            return Cell((Piece(text),), whole=codes.drawn(field, str(value)))
        case "color":
            return Cell((Piece(text, tint=str(value)),), "color")
        case "rating":
            return Cell((Piece(text),), "rating", more={"value": value, "most": len(text)})
        case "location":
            return Cell((Piece(text, _map_url(value), True),))
    return Cell((Piece(text),))


def _listed(value: Any) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def _option(field: Field, name: str, context: TextContext) -> Piece:
    option = field.option(name)
    return Piece(name) if option is None else Piece(say(option.label, context.language), tint=option.color or "gray")


def _map_url(value: Mapping[str, str]) -> str:
    """A map that knows WGS 84; it is opened by who follows the link, never loaded by our pages."""
    return (
        f"https://www.openstreetmap.org/?mlat={value['lat']}&mlon={value['lon']}#map=16/{value['lat']}/{value['lon']}"
    )


class Titles:
    """Names of records that are linked from anywhere, read together once for a page."""

    def __init__(self, ws: Workspace, context: TextContext, words_file: str) -> None:
        self._ws, self._context = ws, context
        self.words_file = words_file
        self._found: dict[tuple[str, str], str] = {}

    def read(self, fields: Iterable[Shown], records: Iterable[Mapping[str, Any]]) -> None:
        """Find out the names behind every any_link of some records: one question per kind of record."""
        fields, records = list(fields), list(records)
        any_links = [each for each in fields if each.field.type == "any_link"]
        values = (value_at(record, each.path) for record in records for each in any_links)
        texts = [value_at(record, each.path) for record in records for each in fields if each.field.type in _PROSE]
        self.learn(("user", id) for text in texts if isinstance(text, str) for id in mentions.ids_in(text))
        self.learn((each["entity"], each["id"]) for each in values if isinstance(each, Mapping) and "entity" in each)

    def learn(self, mentioned: Iterable[tuple[str, str]]) -> None:
        """Find out the names of some records, given as (entity key, id): one question per kind of record."""
        wanted: dict[str, set[str]] = {}
        for name, id in mentioned:
            wanted.setdefault(name, set()).add(id)
        for name, ids in wanted.items():
            self._read(name, ids)

    def _read(self, name: str, ids: set[str]) -> None:
        entity = self._ws.model.entity(name)
        key = title_of(self._ws, entity) if entity is not None else None
        if entity is None or key is None:
            return
        query = Query(entity.key, fields=(key,), ids=tuple(ids), limit=len(ids))
        for record in queries.as_json(queries.find(self._ws, query)):
            text = text_of(entity.fields[entity.title], record.get(key), self._context)
            self._found[name, record["id"]] = text

    def person(self, id: str) -> str:
        """What somebody who is mentioned is called today; empty for whom the actor may not see."""
        if ("user", id) not in self._found:
            self.learn([("user", id)])
        return self._found.get(("user", id), "")

    def piece(self, name: str, id: str) -> Piece:
        entity = self._ws.model.entity(name)
        text = self._found.get((name, id))
        if entity is None or text is None:
            return Piece(id[:8])
        return Piece(text or id[:8], address_at("app.show", entity=entity.key, id=id))


def is_id(text: str) -> bool:
    return is_uuid(text)
