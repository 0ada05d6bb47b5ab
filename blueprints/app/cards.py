"""One record as a card on a board or calendar: title, a few fields, owner, what is overdue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from blueprints import visibility
from blueprints.app import cells
from blueprints.assets import icon
from blueprints.texts import Words
from metadata.expressions.binding import zone
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field, Option
from metadata.problems import say
from runtime.workspace import Workspace

_PLAIN = frozenset(
    "text integer decimal money percent date datetime time duration phone email sequence boolean".split()
)
"""Types whose cell is but a text."""
OPTION_COLORS = frozenset("red orange amber yellow lime green teal cyan blue indigo purple pink gray".split())


@dataclass(frozen=True, slots=True)
class Detail:
    """One further field of a card: a plain text, a chip with a tint, or a cell of another kind."""

    label: str
    text: str = ""
    tint: str = ""
    cell: cells.Cell | None = None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """The date that must not pass."""

    text: str
    late: bool


@dataclass(frozen=True, slots=True)
class Card:
    id: str
    version: int
    title: str
    url: str
    details: tuple[Detail, ...] = ()
    owner: str = ""
    due: Due | None = None

    @property
    def initials(self) -> str:
        """Of the owner: 王伟 -> 王伟, Anna Maria Berg -> AB."""
        parts = self.owner.split()
        if not parts:
            return ""
        if len(parts) == 1:
            return parts[0][:2] if parts[0].isascii() else parts[0][-2:]
        return parts[0][:1] + parts[-1][:1]


@dataclass(frozen=True, slots=True)
class Face:
    """What the cards of a view show to an actor: made once for model, roles and language."""

    title: Field | None
    details: tuple[cells.Shown, ...]
    owner: cells.Shown | None
    due: cells.Shown | None

    @property
    def asked(self) -> tuple[str, ...]:
        """Fields of the question."""
        title = (self.title.key,) if self.title is not None else ()
        more = (each for each in (*self.details, self.owner, self.due) if each is not None)
        return tuple(dict.fromkeys(("version", *title, *(each.asked for each in more))))


def face(ws: Workspace, entity: Entity, fields: Sequence[str], due: str | None = None, key: str = "") -> Face:
    """`fields`: ids, dotted over links; those that the actor may not read are left out."""
    return visibility.kept_for(ws, ("face", entity.id, key), lambda: _face(ws, entity, fields, due))


def _face(ws: Workspace, entity: Entity, fields: Sequence[str], due: str | None) -> Face:
    title = entity.fields[entity.title] if cells.title_of(ws, entity) is not None else None
    details = tuple(found for each in fields if (found := cells.shown(ws, entity, each)) is not None)
    owner = cells.shown(ws, entity, "owner") if entity.owned and "owner" not in fields else None
    dated = cells.shown(ws, entity, due) if due else None
    return Face(title, details, owner, dated)


def cards(
    ws: Workspace, entity: Entity, face: Face, records: Sequence[Mapping[str, Any]], reading: TextContext, done: bool
) -> tuple[Card, ...]:
    """`done`: nothing is due any more."""
    titles = cells.Titles(ws, reading, "")
    titles.read(face.details, records)
    lead = cells.addresses(entity)
    writer = _Writer(ws, face, reading, titles, done)
    return tuple([writer.card(each, lead(each["id"])) for each in records])


Say = Callable[[Mapping[str, Any]], Detail | None]
"""Record -> one field of its card."""


class _Writer:
    """Writes the cards of one column. What says a field is prepared once for all of them."""

    def __init__(self, ws: Workspace, face: Face, reading: TextContext, titles: cells.Titles, done: bool) -> None:
        self.face, self.reading, self.titles = face, reading, titles
        self.today = dt.date.min if done else today(ws, reading.timezone)
        self.title = cells.sayer(face.title, reading) if face.title is not None else None
        self.owner = self._named(face.owner) if face.owner is not None else None
        self.due = cells.sayer(face.due.field, reading) if face.due is not None else None
        self.details = [
            self._detail(each, say(each.label, reading.language))
            for each in face.details
            # The due date has a place of its own.
            if face.due is None or each.path != face.due.path
        ]

    def card(self, record: Mapping[str, Any], url: str) -> Card:
        face = self.face
        title = self.title(record.get(face.title.key)) if self.title is not None and face.title is not None else ""
        return Card(
            record["id"],
            record["version"],
            title or record["id"][:8],
            url,
            tuple([found for each in self.details if (found := each(record)) is not None]),
            self.owner(cells.value_at(record, face.owner.path)) if self.owner and face.owner is not None else "",
            self._due(record),
        )

    def _detail(self, shown: cells.Shown, label: str) -> Say:
        made: dict[str, Detail | None] = {}
        say = self._saying(shown, label)
        if say is None:
            return lambda record: self._by_cell(shown, label, record)

        def said(record: Mapping[str, Any]) -> Detail | None:
            value = record.get(shown.path) if "." not in shown.path else cells.value_at(record, shown.path)
            if value is None:
                return None
            key = value if value.__class__ is str else str(value)
            if key not in made:
                made[key] = None if isinstance(value, Mapping) and value.get("hidden") is True else say(value)
            return made[key]

        return said

    def _saying(self, shown: cells.Shown, label: str) -> Callable[[Any], Detail] | None:
        """How values of the field's type are said; None for a type that its cell knows better."""
        field, text = shown.field, cells.sayer(shown.field, self.reading)
        if field.type in cells.LINKS:
            name = self._named(shown)
            return lambda value: Detail(label, name(value))
        if field.type == "choice":
            return lambda value: Detail(label, text(value), tint(field.option(str(value))))
        if field.type in _PLAIN:
            return lambda value: Detail(label, text(value), number=shown.number)
        return None

    def _by_cell(self, shown: cells.Shown, label: str, record: Mapping[str, Any]) -> Detail | None:
        found = cells.cell(shown, record, self.reading, self.titles)
        return Detail(label, found.text, cell=found) if found.pieces else None

    def _named(self, shown: cells.Shown) -> Callable[[Any], str]:
        """The name of a linked record, as far as the actor may read it."""
        if shown.title is None:
            return lambda value: ""
        key, text = shown.title.key, cells.sayer(shown.title, self.reading)
        return lambda value: text(value.get(key)) if isinstance(value, Mapping) else ""

    def _due(self, record: Mapping[str, Any]) -> Due | None:
        due = self.face.due
        value = cells.value_at(record, due.path) if due is not None else None
        if self.due is None or not isinstance(value, str):
            return None
        return Due(self.due(value), day_of(value, self.reading.timezone) < self.today)


def written(cards: Iterable[Card], words: Words, movable: bool, value: str | None = None) -> Markup:
    """The cards of a board's column as HTML, in one piece: a template that puts a hundred together takes its time.

    `value`: the column that they stand in, for who shows them elsewhere.
    """
    safe, show = cells.safe, cells.shower(words)
    at = f' data-value="{safe(value)}"' if value is not None else ""
    label = escape(words.board_move)
    sign = '<span class="board-move-sign"></span>'
    button = f'<button class="board-move" type="button" data-move hidden aria-label="{label}" title="{label}">'
    mover = f"{button}{sign}</button>" if movable else ""
    found = []
    for card in cards:
        title = safe(card.title)
        details = "".join([_detail(each, show) for each in card.details])
        inner = f'<dl class="board-details">{details}</dl>' if details else ""
        found.append(
            f'<li class="board-card" data-card="{card.id}" data-version="{card.version}"{at} data-title="{title}" '
            f'tabindex="0"><a class="board-title" href="{card.url}">{title}</a>{inner}{_foot(card, words)}{mover}</li>'
        )
    return Markup("".join(found))


def _detail(each: Detail, show: Callable[[cells.Cell], str]) -> str:
    label, of_class = cells.safe(each.label), ' class="number"' if each.number else ""
    return f'<div{of_class} title="{label}"><dt class="visually-hidden">{label}</dt><dd>{said(each, show)}</dd></div>'


def said(detail: Detail, show: Callable[[cells.Cell], str]) -> str:
    """A detail's value as HTML."""
    if detail.cell is not None:
        return show(detail.cell)
    text = cells.safe(detail.text)
    return f'<span class="badge tint-{detail.tint}">{text}</span>' if detail.tint else text


def _foot(card: Card, words: Words) -> str:
    due, owner = card.due, cells.safe(card.owner)
    parts = ""
    if due is not None and due.late:
        late = f'<span class="visually-hidden">{words.board_late}</span>'
        parts = f'<span class="board-due late">{icon("calendar-due")}<span>{cells.safe(due.text)}</span>{late}</span>'
    elif due is not None:
        parts = f'<span class="board-due">{icon("calendar")}<span>{cells.safe(due.text)}</span></span>'
    if owner:
        initials = f'<span aria-hidden="true">{cells.safe(card.initials)}</span>'
        parts += (
            f'<span class="avatar-small" title="{owner}">{initials}<span class="visually-hidden">{owner}</span></span>'
        )
    return f'<div class="board-foot">{parts}</div>' if parts else ""


def day_of(value: str, timezone: str) -> dt.date:
    """The day of a date, or of a moment in a zone, from its JSON value."""
    if len(value) == 10:
        return dt.date.fromisoformat(value)
    return moment_of(value).astimezone(zone(timezone)).date()


def moment_of(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)


def today(ws: Workspace, timezone: str) -> dt.date:
    return ws.now.astimezone(zone(timezone)).date()


def tint(option: Option | None) -> str:
    """The colour name of an option, if it is one of ours."""
    return option.color if option is not None and option.color in OPTION_COLORS else "gray"
