"""One record as a card on a board or calendar: title, a few fields, owner, what is overdue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from blueprints import visibility
from blueprints.app import cells
from metadata.expressions.binding import zone
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field, Option
from metadata.problems import say
from runtime.workspace import Workspace

_ID = "00000000-0000-0000-0000-000000000000"
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
    # An address is built once, not for each of a hundred cards.
    head, _, tail = url_for("app.show", entity=entity.key, id=_ID).partition(_ID)
    writer = _Writer(ws, face, reading, titles, done)
    return tuple(writer.card(each, f"{head}{each['id']}{tail}") for each in records)


class _Writer:
    """Writes the cards of one column."""

    def __init__(self, ws: Workspace, face: Face, reading: TextContext, titles: cells.Titles, done: bool) -> None:
        self.face, self.reading, self.titles = face, reading, titles
        self.today = dt.date.min if done else today(ws, reading.timezone)
        self.details = [
            (each, say(each.label, reading.language))
            for each in face.details
            # The due date has a place of its own.
            if face.due is None or each.path != face.due.path
        ]

    def card(self, record: Mapping[str, Any], url: str) -> Card:
        face, reading = self.face, self.reading
        title = cells.text_of(face.title, record.get(face.title.key), reading) if face.title is not None else ""
        details = (self._detail(each, label, record) for each, label in self.details)
        return Card(
            record["id"],
            record["version"],
            title or record["id"][:8],
            url,
            tuple(each for each in details if each is not None),
            self._name(face.owner, cells.value_at(record, face.owner.path)) if face.owner is not None else "",
            self._due(record),
        )

    def _detail(self, shown: cells.Shown, label: str, record: Mapping[str, Any]) -> Detail | None:
        value = cells.value_at(record, shown.path)
        if value is None or (isinstance(value, Mapping) and value.get("hidden") is True):
            return None
        if shown.field.type in cells.LINKS:
            return Detail(label, self._name(shown, value))
        if shown.field.type == "choice":
            return Detail(label, cells.text_of(shown.field, value, self.reading), tint(shown.field.option(str(value))))
        if shown.field.type in _PLAIN:
            return Detail(label, cells.text_of(shown.field, value, self.reading), number=shown.number)
        found = cells.cell(shown, record, self.reading, self.titles)
        return Detail(label, found.text, cell=found) if found.pieces else None

    def _name(self, shown: cells.Shown, value: Any) -> str:
        """The name of a linked record, as far as the actor may read it."""
        if not isinstance(value, Mapping) or shown.title is None:
            return ""
        return cells.text_of(shown.title, value.get(shown.title.key), self.reading)

    def _due(self, record: Mapping[str, Any]) -> Due | None:
        due = self.face.due
        value = cells.value_at(record, due.path) if due is not None else None
        if due is None or not isinstance(value, str):
            return None
        late = day_of(value, self.reading.timezone) < self.today
        return Due(cells.text_of(due.field, value, self.reading), late)


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
