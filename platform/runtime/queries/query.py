"""What can be asked of the records of an entity, the answer, and what can be wrong with the question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from metadata.model import Entity, Field
from metadata.problems import kind

if TYPE_CHECKING:
    from runtime.queries.output import Output

MAX_LIMIT = 500
MAX_SORTS = 5
MAX_FIELDS = 200
MAX_GROUPS = 1_000
MAX_IDS = 1_000
CAP = 10_001
LIST_CAP = 100
"""Records of one expanded list per record of a page; a single record gets `LIST_CAP_OF_ONE`."""
LIST_CAP_OF_ONE = 1_000

Count = Literal["none", "capped", "exact"]

unknown_entity = kind(
    "unknown_entity",
    en="There is no entity “{name}”. Use the key of an entity of this system.",
    zh="没有名为“{name}”的实体。请使用系统中实体的键。",
)
not_readable = kind(
    "not_readable",
    en="Your roles do not let you read {entity}. Ask an administrator for access.",
    zh="您的角色无权查看{entity}。请联系管理员授权。",
)
not_found = kind(
    "not_found",
    en="There is no such record in {entity}, or you may not see it. Check the id.",
    zh="{entity}中没有这条记录，或您无权查看。请检查 ID。",
)
unknown_field = kind(
    "unknown_field",
    en="There is no field “{name}” in {entity}. Use the key of an existing field.",
    zh="{entity}中没有字段“{name}”。请使用已有字段的键。",
)
not_a_path = kind(
    "not_a_path",
    en="“{name}” cannot go on after “{step}”. Only links lead further.",
    zh="“{name}”不能在“{step}”之后继续，只有链接可以延伸。",
)
path_too_long = kind(
    "path_too_long",
    en="“{name}” walks too far. At most {limit} links are followed.",
    zh="“{name}”的路径过长，最多跟随 {limit} 个链接。",
)
not_sortable = kind(
    "not_sortable",
    en="Records cannot be sorted by “{name}”. Sort by a text, number, date or choice.",
    zh="不能按“{name}”排序。请按文本、数字、日期或选项排序。",
)
not_groupable = kind(
    "not_groupable",
    en="Records cannot be grouped by “{name}”. Group by a choice, link, user, boolean, or a date with :month.",
    zh="不能按“{name}”分组。请按选项、链接、用户、布尔值或日期（如 :month）分组。",
)
not_measurable = kind(
    "not_measurable",
    en="“{name}” is not a measure here. Use count, or sum, avg, min, max of a number field, like sum(amount).",
    zh="“{name}”不能作为统计值。请使用 count，或数字字段的 sum、avg、min、max，例如 sum(amount)。",
)
too_many_groups = kind(
    "too_many_groups",
    en="The answer has more than {limit} groups. Add a filter, or group by something coarser.",
    zh="结果超过 {limit} 组。请添加筛选条件或使用更粗的分组。",
)
too_many = kind(
    "too_many_parts",
    en="{what} takes at most {limit}. Ask for fewer.",
    zh="{what}最多 {limit} 个，请减少。",
)
bad_limit = kind(
    "bad_limit",
    en="The limit is a number from 1 to {limit}.",
    zh="limit 应为 1 到 {limit} 的数字。",
)
bad_cursor = kind(
    "bad_cursor",
    en="The cursor does not belong to this question. Start again without “after”.",
    zh="游标与本次查询不符，请去掉“after”重新开始。",
)
unknown_list = kind(
    "unknown_list",
    en="{entity} has no related list “{name}”. Use the key of a list of the record.",
    zh="{entity}没有相关列表“{name}”。请使用已有列表的键。",
)
list_in_list = kind(
    "list_in_list",
    en="“{name}” asks for a list inside another path. Ask for lists of the record itself.",
    zh="“{name}”在路径中嵌套了列表。只能请求记录本身的列表。",
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question about records. Names are today's keys (or ids), dotted over links; `-` before a sort descends."""

    entity: str
    where: str | None = None
    sort: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    """None: every stored field that the actor may read."""
    limit: int = 50
    after: str | None = None
    count: Count = "none"
    q: str | None = None
    deleted: bool = False
    """The recycle bin: deleted records only."""
    ids: tuple[str, ...] | None = None
    """Only these records."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer. `path` is dotted in today's keys; `listed`: its value is a list of records."""

    path: str
    field: Field
    entity: Entity
    listed: bool = False


class Page:
    """An answer: `rows` holds Python values in the order of `columns`; `as_json` makes objects of it."""

    __slots__ = ("_cursor", "_rows", "capped", "columns", "count", "lists", "next", "output", "raw")

    def __init__(
        self,
        output: Output,
        raw: Sequence[tuple[Any, ...]],
        lists: dict[str, dict[str, list[Any]]],
        next: str | None = None,
        count: int | None = None,
        capped: bool = False,
        cursor: Callable[[int], str] | None = None,
    ) -> None:
        self.output = output
        self.columns: tuple[Column, ...] = output.columns
        self.raw = raw
        self.lists = lists
        self.next = next
        self.count = count
        self.capped = capped
        self._rows: list[tuple[Any, ...]] | None = None
        self._cursor = cursor

    def cursor(self, at: int) -> str:
        """The cursor after the record at this place: for a reader who takes fewer than there are."""
        if self._cursor is None:
            raise RuntimeError("this page has no order")
        return self._cursor(at)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        if self._rows is None:
            self._rows = self.output.rows(self.raw, self.lists)
        return self._rows


def as_json(page: Page, dates_as_text: bool = True) -> list[dict[str, Any]]:
    """The records as JSON data by today's keys. A link to what the actor may not see is `{"hidden": true}`.

    With `dates_as_text` false, dates and times are left for a JSON writer that writes them out itself.
    """
    return page.output.objects(page.raw, page.lists, dates_as_text)
