"""Cells of plain columns become values: everything that needs no look into the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.model import Field
from metadata.problems import Invalid, Problem, kind
from runtime.records import Parsed
from runtime.transfer import links
from runtime.transfer.mapping import LINKS, Column, Plan
from runtime.transfer.options import Options
from runtime.transfer.reading import Row
from runtime.transfer.texts import Read, meant, reader
from runtime.workspace import Workspace, timezone_of

TOO_MANY_CELLS = kind(
    "import_row_too_long",
    en="The row has {cells} cells, the header {columns}. Is a delimiter or quotation mark wrong?",
    zh="该行有 {cells} 个单元格，而表头有 {columns} 列。请检查分隔符或引号。",
)
DIGITS_LOST = kind(
    "import_digits_lost",
    en="{label}: Excel has kept only 15 digits of {text}. Format the column as text and enter the number again.",
    zh="{label}：Excel 只保留了 {text} 的 15 位数字。请将该列设为文本格式后重新录入。",
)

_KEPT_TEXTS = 20_000


@dataclass(slots=True)
class Converted:
    """One row on its way: its values by field id, and what is wrong with it."""

    row: Row
    values: Parsed
    problems: list[Problem] = field(default_factory=list)
    waiting: bool = False
    """A link to a record of the same file leads nowhere yet; it is set when all rows are written."""


class PlainConverter:
    """Converts the columns that name no other records, one after the other. Texts that come again are read once.

    Keep it for a whole file. It may work in another thread than the one that made it.
    """

    def __init__(self, ws: Workspace, plan: Plan, options: Options) -> None:
        self._plan = plan
        self._clear = clears(plan, options)
        self._constants = {id: _constant(ws, plan.entity.fields[id], value) for id, value in plan.constants.items()}
        self._context = TextContext(ws.actor.language, timezone_of(ws), str(ws.model.settings.get("currency", "")))
        whole = [each for each in plan.columns if each.part is None]
        self._plain = [(each, reader(each, self._context)) for each in whole if not is_link(each)]
        self._parted = _by_field(plan.columns)
        self._known: dict[int, dict[str, Any] | None] = {each.at: {} for each, _ in self._plain}

    def convert(self, rows: Sequence[Row]) -> list[Converted]:
        """The values of many rows, those of links not among them."""
        found = [Converted(row, Parsed(self._constants)) for row in rows]
        width = len(self._plan.headers)
        whole = [made for made in found if len(made.row.cells) <= width]
        cells = [made.row.cells for made in whole]
        for column, read in self._plain:
            self._fill(column, read, whole, cells)
        for columns in self._parted:
            self._fill_parts(columns, whole)
        for made in found:
            if made.row.lost:
                self._report_lost(made)
            if len(made.row.cells) > width:
                made.problems.append(TOO_MANY_CELLS(cells=len(made.row.cells), columns=width))
        return found

    def _fill(self, column: Column, read: Read, rows: Sequence[Converted], cells: Sequence[tuple[str, ...]]) -> None:
        at, id, known = column.at, column.field.id, self._known[column.at]
        for made, row in zip(rows, cells, strict=True):
            text = row[at]
            if not text:
                value = None
            elif known is None:
                value = read(text)
            elif (value := known.get(text, known)) is known:
                value = known[text] = read(text)
            if value is None:
                if self._clear:
                    made.values[id] = None
            elif type(value) is Problem:
                made.problems.append(value)
            else:
                made.values[id] = value
        if known is not None and (len(known) > _KEPT_TEXTS or len(known) * 2 > len(rows)):
            # Hardly any text comes twice: remembering them costs more than reading them.
            self._known[at] = None

    def _fill_parts(self, columns: Sequence[Column], rows: Sequence[Converted]) -> None:
        """One value out of several cells; its parts that the file has no column for are empty."""
        field = columns[0].field
        type_ = registry.of(field)
        for made in rows:
            texts = {str(each.part): meant(each, made.row.cells[each.at]) for each in columns}
            if not any(texts.values()):
                if self._clear:
                    made.values[field.id] = None
                continue
            try:
                raw = {part: type_.read_part(field, part, text, self._context) for part, text in texts.items()}
                made.values[field.id] = type_.parse(field, raw)
            except ValueProblem as refused:
                made.problems.append(refused.problem.under(field.key))

    def _report_lost(self, made: Converted) -> None:
        for column in self._plan.columns:
            if column.at in made.row.lost and column.field.type not in ("decimal", "money", "percent"):
                text = made.row.cells[column.at]
                made.problems.append(DIGITS_LOST(column.field.key, label=column.field.label, text=text))


def clears(plan: Plan, options: Options) -> bool:
    """Whether a blank cell empties what is there."""
    return options.blank == "clear" and plan.mode != "insert"


def _by_field(columns: Sequence[Column]) -> list[list[Column]]:
    """The columns of parts, together for each field."""
    found: dict[str, list[Column]] = {}
    for each in columns:
        if each.part is not None:
            found.setdefault(each.field.id, []).append(each)
    return list(found.values())


def _constant(ws: Workspace, field: Field, value: object) -> object:
    """A value that every row gets; a link is named by title or id. Raises Invalid when it leads nowhere."""
    target = ws.model.entity(field.to[0]) if field.type in ("link", "user", "unit") else None
    if target is None or not isinstance(value, str):
        return registry.of(field).parse(field, value)
    hit = links.resolve(ws, target, None, [value]).get(value, links.NOTHING)
    if hit.id is None:
        raise Invalid(links.problem(field, target, None, value, hit))
    return hit.id


def is_link(column: Column) -> bool:
    return column.field.type in LINKS or column.field.type == "any_link"
