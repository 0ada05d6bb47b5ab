"""The tiles of a dashboard: which properties each kind has, and their names resolved and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata.compilation import SECTION_LABELS, Compilation
from metadata.documents.marked import Map
from metadata.explaining import MISSING
from metadata.fieldtypes import registry
from metadata.fieldtypes.comparing import can_be_indexed
from metadata.measures import MEASURE
from metadata.model import Entity, Field, NextSource, Tile, View
from metadata.problems import Label, kind
from metadata.section import Element, label_from, label_of, said_id
from metadata.sections.entities.indexing import NOT_INDEXED, Demand
from metadata.sections.views.kinds import DATES, NOT_GROUPED, NOT_SUMMED, measurable
from metadata.sections.views.section import check_where

_ROWS = frozenset({"entity", "where", "period"})
PROPERTIES: Mapping[str, frozenset[str]] = {
    "metric": _ROWS | {"measure", "compare"},
    "chart": _ROWS | {"measure", "chart", "group", "bucket", "split"},
    "list": _ROWS | {"view", "columns", "sort", "limit"},
    "next": frozenset({"sources"}),
    "text": frozenset({"text"}),
}
"""What each kind of tile understands beyond its label and size."""
SIZES = {"metric": "small", "chart": "medium", "list": "medium", "next": "medium", "text": "wide"}
"""The size of a tile that says none."""
OPEN_PERIODS = frozenset({"past", "future"})

TILE_KINDS: Mapping[str, Label] = {
    "metric": {"en": "a figure", "zh": "指标"},
    "chart": {"en": "a chart", "zh": "图表"},
    "list": {"en": "a list", "zh": "列表"},
    "next": {"en": "a tile of what to do next", "zh": "待办磁贴"},
    "text": {"en": "a text", "zh": "文本"},
}

OTHER_KIND = kind(
    "tile_other_kind",
    en="{kind} has no `{name}`. Remove it, or write another `kind`.",
    zh="{kind}没有 `{name}` 属性。请删除，或更改 `kind`。",
)
OTHER_ENTITY = kind(
    "tile_other_entity",
    en="The view “{view}” shows {entity}, not the entity named beside it. Remove one of the two.",
    zh="视图“{view}”显示的是{entity}，与旁边的实体不符。请删除其中之一。",
)
NOT_A_LIST = kind(
    "tile_view_kind",
    en="“{view}” is not a list, so a tile cannot show its rows. Name a list, or write `entity` and `columns`.",
    zh="“{view}”不是列表视图，磁贴无法显示其行。请改用列表视图，或写明 `entity` 与 `columns`。",
)
NOT_DATED = kind(
    "tile_not_dated",
    en="“{name}” is of type {type}: a date or datetime is needed here. Choose another field.",
    zh="“{name}”的类型是 {type}，此处需要日期或日期时间字段，请另选字段。",
)
NEEDS_SPLIT = kind(
    "tile_needs_split",
    en="Stacked bars need a second field. Add `split`, or write `chart: bar`.",
    zh="堆叠柱形图需要第二个字段。请添加 `split`，或改为 `chart: bar`。",
)
NO_SPLIT = kind(
    "tile_no_split",
    en="A {chart} chart has no room for a second field. Remove `split`, or write `chart: stacked`.",
    zh="{chart} 图无法使用第二个字段。请删除 `split`，或改为 `chart: stacked`。",
)
NO_BUCKET = kind(
    "tile_no_bucket",
    en="“{name}” is not a date, so it has no {bucket}s. Remove `bucket`, or group by a date.",
    zh="“{name}”不是日期，不能按 {bucket} 分段。请删除 `bucket`，或按日期分组。",
)
NO_PREVIOUS = kind(
    "tile_no_previous",
    en="There is nothing before to compare with. Give the tile a `period` such as this_month, or remove `compare`.",
    zh="没有可比较的上一期间。请为磁贴设置 `period`（如 this_month），或删除 `compare`。",
)


def compile_tile(element: Element, compilation: Compilation, key: str, data: Map) -> Tile | None:
    """One tile; None when too much of it is wrong."""
    return _Tile(element, compilation, key, data).made()


class _Tile:
    """Makes one tile; what is wrong is noted at its place under `tiles.<key>`."""

    def __init__(self, element: Element, compilation: Compilation, key: str, data: Map) -> None:
        self.element, self.compilation, self.key, self.data = element, compilation, key, data
        self.kind = str(data.get("kind", ""))
        self.at = ("tiles", key)

    def made(self) -> Tile | None:
        if self.kind not in PROPERTIES:
            return None
        for name in frozenset().union(*PROPERTIES.values()) - PROPERTIES[self.kind]:
            if name in self.data:
                shown = {"kind": TILE_KINDS[self.kind], "name": name}
                self.compilation.refuse(OTHER_KIND, self.element, *self.at, name, at_key=True, **shown)
        common: dict[str, Any] = {
            "id": said_id(self.key, self.data),
            "label": label_of(self.data, self.key),
            "kind": self.kind,
            "size": self.data.get("size", SIZES[self.kind]),
        }
        if self.kind == "text":
            return Tile(**common, text=self._text())
        if self.kind == "next":
            return Tile(**common, sources=tuple(self._sources()))
        view = self._view() if self.kind == "list" else None
        entity = self._entity(view)
        if entity is None:
            return None
        common |= {"entity": entity.id, "where": self._where(entity), "period": self._period(entity)}
        match self.kind:
            case "list":
                return Tile(**common, **self._list(entity, view))
            case "chart":
                return Tile(**common, measure=self._measure(entity), **self._chart(entity))
        return Tile(**common, measure=self._measure(entity), compare=self._compare(common["period"]))

    def _refuse(self, what: Any, *path: str, at_key: bool = False, **params: Any) -> None:
        self.compilation.refuse(what, self.element, *self.at, *path, at_key=at_key, **params)

    def _text(self) -> Label:
        text = self.data.get("text")
        if "text" not in self.data:
            self._refuse(MISSING, "text", key="text")
        return dict(text) if isinstance(text, Map) else {"*": str(text or "")}

    def _view(self) -> View | None:
        name = self.data.get("view")
        if not isinstance(name, str):
            return None
        id = self.compilation.resolve("views", name)
        found: View | None = self.compilation.made["views"].get(id) if id is not None else None
        if id is None:
            known = self.compilation.known("views")
            self.compilation.unknown(self.element, name, known, SECTION_LABELS["views"], *self.at, "view")
        elif found is not None and found.kind != "list":
            self._refuse(NOT_A_LIST, "view", view=found.key)
            return None
        return found

    def _entity(self, view: View | None) -> Entity | None:
        name = self.data.get("entity")
        named = None
        if isinstance(name, str):
            named = self.compilation.named_entity(self.element, name, *self.at, "entity")
        if view is None:
            if "entity" not in self.data and "view" not in self.data:
                self._refuse(MISSING, "entity", key="entity")
            return named
        shown = self.compilation.entity(view.entity)
        if named is not None and named.id != view.entity:
            self._refuse(OTHER_ENTITY, "view", view=view.key, entity=shown.plural if shown else view.entity)
        return shown

    def _where(self, entity: Entity, *path: str, data: Map | None = None) -> str | None:
        where = (self.data if data is None else data).get("where")
        if not isinstance(where, str):
            return None
        demand = self.compilation.demands.setdefault(entity.id, Demand())
        check_where(self.element, entity, where, self.compilation, demand, *self.at, *path, "where")
        return where

    def _period(self, entity: Entity) -> tuple[str, ...]:
        said = self.data.get("period")
        for name, period in said.items() if isinstance(said, Map) else ():
            field = self._dated(entity, name, "period", name, at_key=True)
            if field is not None:
                return (field.id, str(period))
        return ()

    def _dated(self, entity: Entity, name: str, *path: str, at_key: bool = False) -> Field | None:
        place = (*self.at, *path)
        field = self.compilation.named_field(self.element, entity, name, *place, at_key=at_key)
        if field is None:
            return None
        if field.type not in DATES:
            self._refuse(NOT_DATED, *path, at_key=at_key, name=field.key, type=field.type)
            return None
        demand = self.compilation.demands.setdefault(entity.id, Demand())
        demand.sorts.setdefault((field.id,), self.element.id)
        return field

    def _measure(self, entity: Entity) -> str:
        text = str(self.data.get("measure", "count"))
        found = MEASURE.fullmatch(text)
        if found is None:
            return "count"
        function, name = found.groups()
        path = self.compilation.named_path(self.element, entity, name, *self.at, "measure")
        if path is None:
            return "count"
        if not measurable(path[-1], function):
            self._refuse(NOT_SUMMED, "measure", name=name, type=path[-1].type, measure=function)
        return f"{function}({'.'.join(each.id for each in path)})"

    def _compare(self, period: tuple[str, ...]) -> bool:
        if "compare" not in self.data:
            return False
        if not period or period[1] in OPEN_PERIODS:
            self._refuse(NO_PREVIOUS, "compare", at_key=True)
        return True

    def _chart(self, entity: Entity) -> dict[str, Any]:
        chart = str(self.data.get("chart", "bar"))
        group, split = self._grouped(entity, "group"), self._grouped(entity, "split")
        if "group" not in self.data:
            self._refuse(MISSING, "group", key="group")
        if chart == "stacked" and "split" not in self.data:
            self._refuse(NEEDS_SPLIT, "chart")
        if chart in ("pie", "funnel") and "split" in self.data:
            self._refuse(NO_SPLIT, "split", at_key=True, chart=chart)
        bucket = self.data.get("bucket")
        dated = group is not None and group[-1].type in DATES
        if bucket is not None and group is not None and not dated:
            self._refuse(NO_BUCKET, "bucket", at_key=True, name=group[-1].key, bucket=bucket)
        return {
            "chart": chart,
            "group": _dotted(group),
            "bucket": (bucket or "month") if dated else None,
            "split": _dotted(split),
        }

    def _grouped(self, entity: Entity, name: str) -> tuple[Field, ...] | None:
        said = self.data.get(name)
        if not isinstance(said, str):
            return None
        path = self.compilation.named_path(self.element, entity, said, *self.at, name)
        if path is None:
            return None
        last = path[-1]
        if (not registry.of(last).groupable and last.type not in DATES) or (name == "split" and last.type in DATES):
            self._refuse(NOT_GROUPED, name, name=said, type=last.type)
            return None
        if len(path) == 1 and last.type == "choice":
            self.compilation.demands.setdefault(entity.id, Demand()).choices[last.id] = None
        return path

    def _list(self, entity: Entity, view: View | None) -> dict[str, Any]:
        return {
            "view": view.id if view is not None else None,
            "columns": tuple(self._columns(entity)),
            "sort": tuple(self._sort(entity)),
            "limit": self.data.get("limit", 5),
        }

    def _columns(self, entity: Entity) -> Iterable[str]:
        named = self.data.get("columns")
        for name in named if isinstance(named, Map) else ():
            path = self.compilation.named_path(self.element, entity, name, *self.at, "columns", name)
            if path is not None:
                yield ".".join(each.id for each in path)

    def _sort(self, entity: Entity) -> Iterable[str]:
        named = self.data.get("sort")
        for name, direction in named.items() if isinstance(named, Map) else ():
            path = self.compilation.named_path(self.element, entity, name, *self.at, "sort", name)
            if path is None:
                continue
            if not registry.of(path[-1]).sortable or not can_be_indexed(path[-1]):
                self._refuse(NOT_INDEXED, "sort", name, at_key=True, name=name, type=path[-1].type)
                continue
            yield ("-" if direction == "desc" else "") + ".".join(each.id for each in path)

    def _sources(self) -> Iterable[NextSource]:
        named = self.data.get("sources")
        if "sources" not in self.data:
            self._refuse(MISSING, "sources", key="sources")
        for key, data in named.items() if isinstance(named, Map) else ():
            if not isinstance(data, Map):
                continue
            place = ("sources", key)
            name = data.get("entity")
            if not isinstance(name, str):
                continue
            entity = self.compilation.named_entity(self.element, name, *self.at, *place, "entity")
            if entity is None:
                continue
            date = self._dated(entity, str(data.get("date", "")), *place, "date") if "date" in data else None
            where = self._where(entity, *place, data=data)
            if date is not None:
                label = label_of(data, key) if "label" in data else label_from(key)
                icon = data.get("icon", entity.icon)
                yield NextSource(said_id(key, data), label, entity.id, date.id, where, icon, data.get("days", 7))


def _dotted(path: tuple[Field, ...] | None) -> str | None:
    return ".".join(each.id for each in path) if path else None
