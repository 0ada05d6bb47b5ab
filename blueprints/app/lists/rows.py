"""The rows of a list as HTML, each column by a writer that is prepared once for the page.

Most of a list's time is its cells: 50 rows of 8 columns are 400 of them. A writer knows its column's type, and says
what it has said before without making it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from markupsafe import Markup, escape

from blueprints.app import cells
from blueprints.app.lists.columns import Head
from blueprints.texts import Words
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity
from runtime import queries
from runtime.queries import Page
from runtime.workspace import Workspace

Record = Mapping[str, Any]
Write = Callable[[Record], str]
"""Record -> what stands in its cell, as HTML."""

_PLAIN = frozenset(
    "text long_text integer decimal money percent date datetime time duration sequence boolean person_name".split()
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a small table (related lists)."""

    id: str
    url: str | None
    cells: tuple[cells.Cell, ...]
    restore_url: str | None = None


def rows_of(
    ws: Workspace,
    entity: Entity,
    columns: Sequence[cells.Shown],
    found: Page,
    reading: TextContext,
    words: Words,
    deleted: bool = False,
) -> tuple[Row, ...]:
    """Rows as values, for a template that shows a few of them."""
    records = queries.as_json(found)
    titles = cells.Titles(ws, reading, words.file)
    titles.read(columns, records)
    return tuple(
        Row(
            record["id"],
            None if deleted else url_for("app.show", entity=entity.key, id=record["id"]),
            tuple(cells.cell(each, record, reading, titles) for each in columns),
            url_for("app.restore", entity=entity.key, id=record["id"]) if deleted else None,
        )
        for record in records
    )


@dataclass(frozen=True, slots=True)
class Writer:
    """What is needed to write the rows of one page."""

    ws: Workspace
    entity: Entity
    columns: Sequence[cells.Shown]
    heads: Sequence[Head]
    reading: TextContext
    words: Words
    deleted: bool = False

    def rows(self, records: Sequence[Record]) -> Markup:
        """A `<tr>` for each record, in one piece: a template that puts it together takes as long as writing it."""
        titles = cells.Titles(self.ws, self.reading, self.words.file)
        titles.read(self.columns, records)
        made = [self._write(column, titles) for column in self.columns]
        opened = [self._opened(head) for head in self.heads]
        title = next((at for at, each in enumerate(self.heads) if each.title), 0)
        lead = cells.addresses(self.entity)
        back = cells.addresses(self.entity, "app.restore")
        found = []
        for record in records:
            id = record["id"]
            texts = [write(record) for write in made]
            named = texts[title] or id[:8]
            if not self.deleted:
                texts[title] = f'<a class="open" href="{lead(id)}">{_bare(named)}</a>'
            inner = "".join([f"{start}{text}</td>" for start, text in zip(opened, texts, strict=True)])
            end = self._restore(back(id)) if self.deleted else ""
            found.append(f'<tr data-id="{id}">{self._pick(_bare(named))}{inner}{end}</tr>')
        return Markup("".join(found))

    def _pick(self, named: str) -> str:
        said = named if "<" not in named else ""
        return (
            '<td class="tick"><input class="form-check-input" type="checkbox" data-pick '
            f'aria-label="{said or escape(self.words.list_pick)}"></td>'
        )

    def _restore(self, url: str) -> str:
        return (
            f'<td class="act"><button class="btn btn-sm" type="submit" form="restore" formaction="{url}">'
            f"{escape(self.words.restore)}</button></td>"
        )

    def _opened(self, head: Head) -> str:
        kinds = [name for name, is_so in (("number", head.number), ("pin", head.pinned), ("lead", head.title)) if is_so]
        of_class = f' class="{" ".join(kinds)}"' if kinds else ""
        return f'<td{of_class} data-label="{escape(head.label)}">'

    def _write(self, column: cells.Shown, titles: cells.Titles) -> Write:
        made = _value_writer(column, self.reading)
        if made is None:
            return _by_template(column, self.reading, titles, self.words)
        write, at = _remembering(made), _reader(column.path)
        hidden = f'<span class="quiet">{escape(self.words.hidden)}</span>'

        def written(record: Record) -> str:
            value = at(record)
            if value is None:
                return ""
            if type(value) is dict and value.get("hidden") is True:
                return hidden
            return write(value)

        return written


def _bare(text: str) -> str:
    """A title that is a link elsewhere or marked up would be a link in a link: only its text stays."""
    return str(escape(Markup(text).striptags())) if "<" in text else text


def _reader(path: str) -> Callable[[Record], Any]:
    if "." not in path:
        return lambda record: record.get(path)
    return lambda record: cells.value_at(record, path)


def _remembering(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """A writer that says the same of the same value. Holds a page's values, no more."""
    said: dict[Any, str] = {}

    def again(value: Any) -> str:
        key = value if value.__class__ is not dict else tuple(value.items())
        try:
            found = said.get(key)
        except TypeError:  # a list
            return write(value)
        if found is None:
            found = said[key] = write(value)
        return found

    return again


def _value_writer(column: cells.Shown, reading: TextContext) -> Callable[[Any], str] | None:
    """How values of the column's type are written; None for a type that its template knows better."""
    field = column.field
    say, safe = cells.sayer(field, reading), cells.safe
    if field.type in _PLAIN:
        return lambda value: safe(say(value))
    match field.type:
        case "choice":
            return _badge(column, reading)
        case "multi_choice":
            one = _badge(column, reading)
            return lambda value: " ".join([one(each) for each in value])
        case "tags":
            return lambda value: " ".join([f'<span class="badge">{escape(each)}</span>' for each in value])
        case "email":
            return lambda value: f'<a href="mailto:{escape(value)}">{escape(value)}</a>'
        case "phone":
            return lambda value: f'<a href="tel:{safe(value)}">{safe(say(value))}</a>'
        case "link" | "user" | "unit" if column.target is not None and column.title is not None:
            return _link(column, reading)
    return None


def _badge(column: cells.Shown, reading: TextContext) -> Callable[[Any], str]:
    made: dict[str, str] = {}
    for option in column.field.options:
        tint = f" tint-{option.color}" if option.color else ""
        label = escape(Words(reading.language).label(option.label))
        made[option.key] = made[option.id] = f'<span class="badge{tint}">{label}</span>'
    return lambda value: made.get(value, str(escape(value)))


def _link(column: cells.Shown, reading: TextContext) -> Callable[[Any], str]:
    target, title = column.target, column.title
    assert target is not None and title is not None
    lead, say, safe = cells.addresses(target), cells.sayer(title, reading), cells.safe

    def written(value: Any) -> str:
        if not isinstance(value, Mapping):
            return str(escape(str(value)[:8]))
        id = value["id"]
        named = value.get(title.key)
        text = (say(named) if named is not None else "") or id[:8]
        return f'<a href="{lead(id)}">{safe(text)}</a>'

    return written


def _by_template(column: cells.Shown, reading: TextContext, titles: cells.Titles, words: Words) -> Write:
    """Cells of types that are rare in lists, as every other page shows them."""
    show = cells.shower(words)

    def written(record: Record) -> str:
        found = cells.cell(column, record, reading, titles)
        return show(found) if found is not cells.EMPTY else ""

    return written
