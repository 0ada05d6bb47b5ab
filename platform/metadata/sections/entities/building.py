"""Outline and ties -> the `Entity` of the model. Remembered by content, since most entities do not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metadata.compilation import NO_SUCH, Compilation, problem_at
from metadata.documents.marked import Map
from metadata.explaining import nearest
from metadata.fieldtypes import registry
from metadata.fieldtypes.comparing import can_be_indexed
from metadata.model import EMPTY, Entity, Field
from metadata.problems import Problem, kind
from metadata.remembering import Remembered
from metadata.sections.entities.fields import Report, fields_of, pools_of
from metadata.sections.entities.indexing import declared_indexes, encrypted, named_field, not_indexed
from metadata.sections.entities.outline import Outline
from metadata.sections.entities.ties import Ties

TITLE_TYPE = kind(
    "entity_title",
    en="“{name}” is of type {type} and cannot name a record. Choose a field that holds a short text, number or date.",
    zh="“{name}”的类型是 {type}，不能作为记录名称。请选择短文本、数字或日期字段。",
)
SEARCH_TYPE = kind(
    "entity_search",
    en="“{name}” is of type {type}, which quick search cannot look into. Choose a field that holds text or a number.",
    zh="“{name}”的类型是 {type}，无法用于快速搜索。请选择文本或数字字段。",
)
RATE_DATE = kind(
    "entity_rate_date",
    en="“{name}” is no date. Name a field of type date or datetime.",
    zh="“{name}”不是日期字段。请填写 date 或 datetime 类型的字段。",
)
NO_MONEY = kind(
    "entity_no_money",
    en="{entity} has no money field, so `{property}` has no meaning. Remove it.",
    zh="{entity}没有金额字段，`{property}` 没有意义，请删除。",
)
CURRENCY_FROM = kind(
    "entity_currency_from",
    en="“{name}” gives no currency. Name a link to an entity that has money fields.",
    zh="“{name}”无法提供币种。请填写指向含金额字段实体的关联。",
)
NO_FIELDS = kind(
    "entity_no_fields",
    en="{entity} has no fields. Add at least one under `fields`.",
    zh="{entity}没有字段，请在 `fields` 下至少添加一个。",
)

TITLES = frozenset("text sequence email phone url integer date datetime choice person_name barcode".split())
SEARCHABLE = frozenset(
    "text long_text rich_text sequence email phone url tags choice multi_choice integer decimal person_name address"
    " region barcode".split()
)


@dataclass(frozen=True, slots=True)
class Built:
    entity: Entity
    problems: tuple[Problem, ...]


_built: Remembered[tuple[str, ...], Built] = Remembered(5_000)


def build(outline: Outline, ties: Ties, compilation: Compilation) -> Entity:
    """The entity without the indexes that views ask for. Its problems are noted in the compilation."""
    key = (outline.id, outline.key, outline.element.source, ties.facts(), _surroundings(outline, ties, compilation))
    built = _built.get(key, lambda: _build(outline, ties, compilation))
    compilation.problems.extend(built.problems)
    return built.entity


def _surroundings(outline: Outline, ties: Ties, compilation: Compilation) -> str:
    """What an entity takes from elsewhere beside its ties: option sets, keys and currencies of its targets."""
    sets = compilation.elements["options"]
    found: list[object] = []
    for each in outline.fields.values():
        said = each.data.get("options")
        if isinstance(said, str):
            id = compilation.resolve("options", said)
            found.append((said, sets[id].digest if id else sorted(sets)))
    if outline.pooled:
        found += [(each.id, each.key, each.label) for each in pools_of(outline, compilation)]
    for targets in ties.targets.values():
        for id in targets:
            target = compilation.outlines.get(id)
            found.append((id, target.key, target.has_currency) if target else id)
    return repr(found)


def _build(outline: Outline, ties: Ties, compilation: Compilation) -> Built:
    problems: list[Problem] = []
    fields = fields_of(outline, ties, compilation, problems.append)
    reader = _Reader(outline, fields, problems.append)
    money = outline.has_currency
    if not outline.fields and not outline.generated:
        problems.append(problem_at(NO_FIELDS, outline.element, (), entity=outline.label))
    entity = Entity(
        id=outline.id,
        key=outline.key,
        label=outline.label,
        plural=outline.plural,
        fields=fields,
        title=reader.title(),
        icon=str(outline.data.get("icon", "link" if outline.generated else "table")),
        owned=outline.owned,
        pooled=outline.pooled,
        has_currency=money,
        currency_from=reader.currency_from(ties, compilation),
        rate_date=reader.rate_date(),
        search=tuple(reader.search()),
        history=outline.data.get("history") is not False,
        parent=ties.parent,
        via=ties.via,
        indexes=tuple(declared_indexes(outline, fields, problems.append)),
        relations=tuple(ties.relations),
        inverses=tuple(ties.inverses),
        written_by=outline.data.get("written_by", "people"),
        generated=outline.generated,
        default_sort=tuple(reader.sort()),
        aliases=dict(outline.data["aliases"]) if "aliases" in outline.data else EMPTY,
        names=_names(outline, fields),
    )
    return Built(entity, tuple(problems))


def _names(outline: Outline, fields: Mapping[str, Field]) -> Mapping[str, str]:
    names = {alias: each.id for each in fields.values() for alias in each.aliases}
    return {**names, **{each.key: each.id for each in fields.values()}}


class _Reader:
    """Reads the properties of an entity that name its own fields."""

    def __init__(self, outline: Outline, fields: Mapping[str, Field], report: Report) -> None:
        self.outline, self.fields, self.report = outline, fields, report

    def named(self, name: str, *path: str, at_key: bool = False) -> Field | None:
        found = named_field(self.fields, self.outline, name)
        if found is None:
            keys = [each.key for each in self.fields.values()]
            params: dict[str, Any] = {"name": name, "where": self.outline.label}
            problem = problem_at(NO_SUCH, self.outline.element, path, at_key, nearest(name, keys), **params)
            self.report(problem)
        return found

    def title(self) -> str:
        """The named field, else one called name, title or subject, else the number, else the first text."""
        said = self.outline.data.get("title")
        if isinstance(said, str):
            found = self.named(said, "title")
            if found is not None and found.encrypted:
                self.report(encrypted(self.outline, ("title",), said, False))
            elif found is not None and found.type not in TITLES:
                at = problem_at(TITLE_TYPE, self.outline.element, ("title",), name=said, type=found.type)
                self.report(at)
            return found.id if found else "id"
        for id in ("name", "title", "subject", "number"):
            if id in self.fields and self.fields[id].type in TITLES and not self.fields[id].encrypted:
                return id
        naming = ("text", "email", "person_name")
        open_ = (each for each in self.fields.values() if not (each.system or each.encrypted))
        texts = (each.id for each in open_ if each.type in naming)
        return next(texts, "id")

    def search(self) -> list[str]:
        named = self.outline.data.get("search")
        found: dict[str, None] = {}
        for name in named if isinstance(named, Map) else ():
            each = self.named(name, "search", name, at_key=True)
            if each is None:
                continue
            path = ("search", name)
            if each.encrypted:
                self.report(encrypted(self.outline, path, name))
            elif each.type not in SEARCHABLE:
                self.report(problem_at(SEARCH_TYPE, self.outline.element, path, True, name=name, type=each.type))
            else:
                found[each.id] = None
        return list(found)

    def sort(self) -> list[str]:
        named = self.outline.data.get("sort")
        found: dict[str, str] = {}
        for name, direction in named.items() if isinstance(named, Map) else ():
            each = self.named(name, "sort", name, at_key=True)
            if each is None:
                continue
            if not registry.of(each).sortable or not can_be_indexed(each):
                self.report(not_indexed(self.outline, each, ("sort", name), name))
            else:
                found[each.id] = f"-{each.id}" if direction == "desc" else each.id
        return list(found.values())

    def rate_date(self) -> str | None:
        said = self.outline.data.get("rate_date")
        if not isinstance(said, str):
            return None
        self._needs_money("rate_date")
        each = self.named(said, "rate_date")
        if each is not None and each.type not in ("date", "datetime"):
            self.report(problem_at(RATE_DATE, self.outline.element, ("rate_date",), name=said))
        return each.id if each else None

    def currency_from(self, ties: Ties, compilation: Compilation) -> str | None:
        said = self.outline.data.get("currency")
        name = said.get("from") if isinstance(said, Mapping) else None
        if isinstance(name, str):
            self._needs_money("currency")
            each = self.named(name, "currency", "from")
            if each is not None and not self._gives_currency(each.id, ties, compilation):
                self.report(problem_at(CURRENCY_FROM, self.outline.element, ("currency", "from"), name=name))
            return each.id if each else None
        if self.outline.has_currency and ties.parent and self._gives_currency(ties.parent, ties, compilation):
            return ties.parent
        return None

    def _gives_currency(self, field: str, ties: Ties, compilation: Compilation) -> bool:
        targets = ties.targets.get(field, ())
        target = compilation.outlines.get(targets[0]) if len(targets) == 1 else None
        return target is not None and self.fields[field].type == "link" and target.has_currency

    def _needs_money(self, name: str) -> None:
        if not self.outline.has_currency:
            params: dict[str, Any] = {"entity": self.outline.label, "property": name}
            self.report(problem_at(NO_MONEY, self.outline.element, (name,), True, **params))
