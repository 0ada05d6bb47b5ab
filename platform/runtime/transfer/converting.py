"""Cells become values: the plain columns by their types, links all at once for many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Field
from metadata.problems import kind
from runtime.transfer import links
from runtime.transfer.cells import Converted, PlainConverter, clears, is_link
from runtime.transfer.mapping import Column, Plan
from runtime.transfer.options import Options
from runtime.transfer.reading import Row, plain
from runtime.transfer.texts import WRAPPED, meant
from runtime.workspace import Workspace

NO_SUCH_KIND = kind(
    "import_any_link_kind",
    en="{label}: write what it is and its title, like {example}.",
    zh="{label}：请填写类型和标题，例如 {example}。",
)


class Converter:
    """Converts the rows of one import: the plain columns, then the links, which are looked up."""

    def __init__(self, ws: Workspace, plan: Plan, options: Options, plain: PlainConverter | None = None) -> None:
        self._ws, self._plan = ws, plan
        self._clear = clears(plan, options)
        self._plain = plain or PlainConverter(ws, plan, options)
        self._links = [each for each in plan.columns if is_link(each)]
        self._unreadable = [each for each in self._links if not _may_name(ws, each)]

    def convert(self, rows: Sequence[Row], late: bool = False) -> list[Converted]:
        """The values of many rows. `late`: all rows are written, so a link that leads nowhere is a problem."""
        return self.link(self._plain.convert(rows), late)

    def link(self, found: list[Converted], late: bool = False) -> list[Converted]:
        """Rows whose plain columns are converted, with their links."""
        width = len(self._plan.headers)
        whole = [made for made in found if len(made.row.cells) <= width]
        for column in self._links:
            if column in self._unreadable:
                self._refuse_naming(column, whole)
            else:
                self._fill_links(column, whole, late)
        return found

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

    def _fill_links(self, column: Column, rows: Sequence[Converted], late: bool) -> None:
        cells: list[tuple[Converted, list[str]]] = []
        at, several = column.at, column.field.type == "links"
        for made in rows:
            text = made.row.cells[at].strip()
            if column.values or text[:1] in WRAPPED:
                text = meant(column, made.row.cells[at])
            if text:
                cells.append((made, _split(text) if several else [text]))
            elif self._clear:
                made.values[column.field.id] = () if several else None
        if column.field.type == "any_link":
            self._fill_any(column, cells)
            return
        target = self._ws.model.entity(column.field.to[0])
        if target is None:
            return
        named = links.resolve(self._ws, target, column.by, list(dict.fromkeys(t for _, texts in cells for t in texts)))
        for made, texts in cells:
            if not several and (hit := named.get(texts[0], links.NOTHING)).id is not None:
                made.values[column.field.id] = hit.id
            else:
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


def _may_name(ws: Workspace, column: Column) -> bool:
    if column.field.type == "any_link":
        return True
    target = ws.model.entity(column.field.to[0])
    return target is None or links.may_name(ws, target, column.by)


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.replace("；", ";").replace("\n", ";").split(";") if each.strip()]
