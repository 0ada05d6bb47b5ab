"""Cells become values: each column by its field's type, links all at once for many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Field
from metadata.problems import Invalid, Problem, kind
from runtime.records import Parsed
from runtime.transfer import links
from runtime.transfer.mapping import LINKS, Column, Plan
from runtime.transfer.options import Options
from runtime.transfer.reading import Row, plain
from runtime.transfer.texts import Read, meant, reader
from runtime.workspace import Workspace

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
NO_SUCH_KIND = kind(
    "import_any_link_kind",
    en="{label}: write what it is and its title, like {example}.",
    zh="{label}：请填写类型和标题，例如 {example}。",
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


class Converter:
    """Converts the rows of one import, column by column. Texts that come again are read once."""

    def __init__(self, ws: Workspace, plan: Plan, options: Options) -> None:
        self._ws, self._plan = ws, plan
        self._clear = options.blank == "clear" and plan.mode != "insert"
        self._constants = {id: _constant(ws, plan.entity.fields[id], value) for id, value in plan.constants.items()}
        context = TextContext(ws.actor.language, ws.actor.timezone, str(ws.model.settings.get("currency", "")))
        self._plain = [(each, reader(each, context)) for each in plan.columns if not _is_link(each)]
        self._known: dict[int, dict[str, Any] | None] = {each.at: {} for each, _ in self._plain}
        self._links = [each for each in plan.columns if _is_link(each)]
        self._unreadable = [each for each in self._links if not _may_name(ws, each)]

    def convert(self, rows: Sequence[Row], late: bool = False) -> list[Converted]:
        """The values of many rows. `late`: all rows are written, so a link that leads nowhere is a problem."""
        found = [Converted(row, Parsed(self._constants)) for row in rows]
        width = len(self._plan.headers)
        whole = [made for made in found if len(made.row.cells) <= width]
        for column, read in self._plain:
            self._fill(column, read, whole)
        for column in self._links:
            if column in self._unreadable:
                self._refuse_naming(column, whole)
            else:
                self._fill_links(column, whole, late)
        for made in found:
            if made.row.lost:
                self._report_lost(made)
            if len(made.row.cells) > width:
                made.problems.append(TOO_MANY_CELLS(cells=len(made.row.cells), columns=width))
        return found

    def _fill(self, column: Column, read: Read, rows: Sequence[Converted]) -> None:
        at, id, known = column.at, column.field.id, self._known[column.at]
        for made in rows:
            text = made.row.cells[at]
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

    def _refuse_naming(self, column: Column, rows: Sequence[Converted]) -> None:
        target = self._ws.model.entity(column.field.to[0])
        if target is not None:
            key = links.key_field(target, column.by).label
            for made in rows:
                if made.row.cells[column.at].strip():
                    shown = links.MAY_NOT_NAME(
                        column.field.key, label=column.field.label, field=key, entity=target.label
                    )
                    made.problems.append(shown)

    def _report_lost(self, made: Converted) -> None:
        for column in self._plan.columns:
            if column.at in made.row.lost and column.field.type not in ("decimal", "money", "percent"):
                text = made.row.cells[column.at]
                made.problems.append(DIGITS_LOST(column.field.key, label=column.field.label, text=text))

    def _fill_links(self, column: Column, rows: Sequence[Converted], late: bool) -> None:
        cells: list[tuple[Converted, list[str]]] = []
        for made in rows:
            text = meant(column, made.row.cells[column.at])
            if text:
                cells.append((made, _split(text) if column.field.type == "links" else [text]))
            elif self._clear:
                made.values[column.field.id] = () if column.field.type == "links" else None
        if column.field.type == "any_link":
            self._fill_any(column, cells)
            return
        target = self._ws.model.entity(column.field.to[0])
        if target is None:
            return
        named = links.resolve(self._ws, target, column.by, list(dict.fromkeys(t for _, texts in cells for t in texts)))
        for made, texts in cells:
            self._put(made, column, target, texts, named, late)

    def _put(
        self,
        made: Converted,
        column: Column,
        target: Entity,
        texts: Sequence[str],
        named: Mapping[str, links.Named],
        late: bool,
    ) -> None:
        ids = [named.get(text, links.NOTHING) for text in texts]
        lost = [(text, hit) for text, hit in zip(texts, ids, strict=True) if hit.id is None]
        if not lost:
            self._set(made, column.field, [hit.id for hit in ids])
            return
        nowhere = all(hit.number == 0 for _, hit in lost)
        if nowhere and not late and target.id == self._plan.entity.id and not column.field.required:
            made.waiting = True
            return
        made.problems += [links.problem(column.field, target, column.by, text, hit) for text, hit in lost]

    def _set(self, made: Converted, field: Field, ids: Sequence[str | None]) -> None:
        if field.type != "links":
            made.values[field.id] = ids[0]
            return
        try:
            made.values[field.id] = registry.of(field).parse(field, ids)
        except ValueProblem as refused:
            made.problems.append(refused.problem.under(field.key))

    def _fill_any(self, column: Column, cells: Sequence[tuple[Converted, list[str]]]) -> None:
        """`Account: Acme`, or `account:<id>`: what it is, then which."""
        groups: dict[str, list[tuple[Converted, str]]] = {}
        for made, (text,) in cells:
            kind_, _, title = text.partition(":")
            target = self._target_called(column.field, kind_)
            if target is None or not title.strip():
                example = ", ".join(f"{each}: …" for each in column.field.to[:3])
                made.problems.append(NO_SUCH_KIND(column.field.key, label=column.field.label, example=example))
            else:
                groups.setdefault(target.id, []).append((made, title.strip()))
        for entity_id, wanted in groups.items():
            target = self._ws.model.entity(entity_id)
            assert target is not None
            named = links.resolve(self._ws, target, None, list(dict.fromkeys(title for _, title in wanted)))
            for made, title in wanted:
                hit = named.get(title, links.NOTHING)
                if hit.id is None:
                    made.problems.append(links.problem(column.field, target, None, title, hit))
                else:
                    made.values[column.field.id] = AnyLink(target.id, hit.id)

    def _target_called(self, field: Field, name: str) -> Entity | None:
        wanted = plain(name)
        for id in field.to:
            entity = self._ws.model.entity(id)
            if entity is not None:
                label = entity.label
                names = [entity.id, entity.key, *((label,) if isinstance(label, str) else label.values())]
                if wanted in {plain(each) for each in names}:
                    return entity
        return None


def _constant(ws: Workspace, field: Field, value: object) -> object:
    """A value that every row gets; a link is named by title or id. Raises Invalid when it leads nowhere."""
    target = ws.model.entity(field.to[0]) if field.type in ("link", "user", "unit") else None
    if target is None or not isinstance(value, str):
        return registry.of(field).parse(field, value)
    hit = links.resolve(ws, target, None, [value]).get(value, links.NOTHING)
    if hit.id is None:
        raise Invalid(links.problem(field, target, None, value, hit))
    return hit.id


def _is_link(column: Column) -> bool:
    return column.field.type in LINKS or column.field.type == "any_link"


def _may_name(ws: Workspace, column: Column) -> bool:
    if column.field.type == "any_link":
        return True
    target = ws.model.entity(column.field.to[0])
    return target is None or links.may_name(ws, target, column.by)


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.replace("；", ";").replace("\n", ";").split(";") if each.strip()]
