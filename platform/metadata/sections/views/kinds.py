"""What lists, boards and calendars have of their own: properties checked, as `View.props`, by ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.explaining import MISSING
from metadata.fieldtypes import registry
from metadata.fieldtypes.comparing import can_be_indexed
from metadata.model import Entity, Field
from metadata.problems import Label, kind
from metadata.section import Element
from metadata.sections.entities.indexing import Demand

PROPERTIES: Mapping[str, frozenset[str]] = {
    "list": frozenset({"columns", "sort", "group", "totals"}),
    "board": frozenset({"sort", "by", "sums", "card", "due", "done"}),
    "calendar": frozenset({"from", "until", "color", "card"}),
}
"""What each kind understands beyond what all views have."""
BOARD_BY = frozenset({"choice", "boolean", "link", "user"})
DATES = frozenset({"date", "datetime"})
_CHOICES = frozenset({"choice"})

KINDS: Mapping[str, Label] = {
    "list": {"en": "a list", "zh": "列表"},
    "board": {"en": "a board", "zh": "看板"},
    "calendar": {"en": "a calendar", "zh": "日历"},
}

OTHER_KIND = kind(
    "view_other_kind",
    en="{kind} has no `{name}`. Remove it, or write another `kind`.",
    zh="{kind}没有 `{name}` 属性。请删除，或更改 `kind`。",
)
NOT_COLUMNS = kind(
    "view_by_type",
    en="“{name}” is of type {type} and cannot make the columns of a board. "
    "Choose a choice, boolean, link or user field.",
    zh="“{name}”的类型是 {type}，不能作为看板的列。请选择选项、布尔、关联或用户字段。",
)
NOT_A_DATE = kind(
    "view_date_type",
    en="“{name}” is of type {type}: a calendar needs a date or datetime here. Choose another field.",
    zh="“{name}”的类型是 {type}，日历在此需要日期或日期时间字段，请另选字段。",
)
OTHER_DATE = kind(
    "view_until_type",
    en="“{until}” is of type {type}, but “{start}” is not. Choose two dates, or two datetimes.",
    zh="“{until}”的类型是 {type}，与“{start}”不同。请都用日期，或都用日期时间。",
)
NOT_A_COLOR = kind(
    "view_color_type",
    en="“{name}” is of type {type}: only the options of a choice have colours. Choose a choice field.",
    zh="“{name}”的类型是 {type}，只有选项字段才有颜色，请选择选项字段。",
)
NOT_GROUPED = kind(
    "view_group_type",
    en="“{name}” is of type {type}, which makes no groups. Choose a choice, link, user, boolean, text or date.",
    zh="“{name}”的类型是 {type}，无法分组。请选择选项、关联、用户、布尔、文本或日期字段。",
)
NOT_SUMMED = kind(
    "view_not_summable",
    en="“{name}” is of type {type} and has no {measure}. Choose a number or an amount of money.",
    zh="“{name}”的类型是 {type}，无法计算 {measure}。请选择数字或金额字段。",
)


def props_of(element: Element, entity: Entity, compilation: Compilation, demand: Demand) -> dict[str, Any]:
    """The properties of the view's kind; what belongs to another kind is refused."""
    data, of_kind = element.data, str(element.data.get("kind", "list"))
    own = PROPERTIES.get(of_kind, PROPERTIES["list"])
    for name in set().union(*PROPERTIES.values()) - own:
        if name in data:
            compilation.refuse(OTHER_KIND, element, name, at_key=True, kind=KINDS[of_kind], name=name)
    match of_kind:
        case "board":
            return _board(element, entity, compilation, demand)
        case "calendar":
            return _calendar(element, entity, compilation, demand)
    return _list(element, entity, compilation)


def _board(element: Element, entity: Entity, compilation: Compilation, demand: Demand) -> dict[str, Any]:
    by = _field(element, entity, compilation, "by", needed=True)
    if by is not None and by.type not in BOARD_BY:
        compilation.refuse(NOT_COLUMNS, element, "by", name=by.key, type=by.type)
        by = None
    if by is not None:
        demand.boards[(by.id, *_order(element, entity))] = element.id
    due = _date(element, entity, compilation, "due")
    return {
        "by": by.id if by is not None else "",
        "sums": tuple(_summed(element, entity, compilation)),
        "card": tuple(_card(element, entity, compilation)),
        "due": due.id if due is not None else None,
        "done": tuple(_done(element, by, compilation)),
    }


def _done(element: Element, by: Field | None, compilation: Compilation) -> Iterable[str]:
    """Values of `by`: ids of options, or `true` and `false`."""
    named = element.data.get("done")
    if by is None or not isinstance(named, Map):
        return
    for name in named:
        if by.type == "boolean" and name in ("true", "false"):
            yield name
        elif (option := by.option(name)) is not None:
            yield option.id
        else:
            compilation.unknown(element, name, [each.key for each in by.options], by.label, "done", name, at_key=True)


def _order(element: Element, entity: Entity) -> Iterable[str]:
    """The stored fields of the entity that its cards are sorted by; what is wrong there is said elsewhere."""
    named = element.data.get("sort")
    for name in named if isinstance(named, Map) else ():
        field = entity.find(name)
        if field is None or not can_be_indexed(field):
            return
        yield field.id


def _calendar(element: Element, entity: Entity, compilation: Compilation, demand: Demand) -> dict[str, Any]:
    start = _date(element, entity, compilation, "from", needed=True)
    until = _date(element, entity, compilation, "until")
    if start is not None and until is not None and start.type != until.type:
        compilation.refuse(OTHER_DATE, element, "until", until=until.key, start=start.key, type=until.type)
    color = _field(element, entity, compilation, "color")
    if color is not None and color.type not in _CHOICES:
        compilation.refuse(NOT_A_COLOR, element, "color", name=color.key, type=color.type)
        color = None
    for each in (start, until):
        if each is not None:
            demand.sorts.setdefault((each.id,), element.id)
    return {
        "from": start.id if start is not None else "",
        "until": until.id if until is not None else None,
        "color": color.id if color is not None else None,
        "card": tuple(_card(element, entity, compilation)),
    }


def _date(element: Element, entity: Entity, compilation: Compilation, name: str, needed: bool = False) -> Field | None:
    field = _field(element, entity, compilation, name, needed)
    if field is not None and field.type not in DATES:
        compilation.refuse(NOT_A_DATE, element, name, name=field.key, type=field.type)
        return None
    return field


def _list(element: Element, entity: Entity, compilation: Compilation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    group = _field(element, entity, compilation, "group")
    if group is not None and not registry.of(group).groupable:
        compilation.refuse(NOT_GROUPED, element, "group", name=group.key, type=group.type)
    elif group is not None:
        found["group"] = group.id
    named = element.data.get("totals")
    totals: dict[str, str] = {}
    for name, measure in named.items() if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "totals", name)
        if field is None:
            continue
        if not measurable(field, measure):
            params = {"name": name, "type": field.type, "measure": measure}
            compilation.refuse(NOT_SUMMED, element, "totals", name, at_key=True, **params)
        else:
            totals[field.id] = measure
    if totals:
        found["totals"] = totals
    return found


def measurable(field: Field, measure: str) -> bool:
    """Whether sums, averages or extremes are made of a field's values."""
    type_ = registry.of(field)
    return type_.summable or (measure in ("min", "max") and type_.kind in DATES)


def _summed(element: Element, entity: Entity, compilation: Compilation) -> Iterable[str]:
    named = element.data.get("sums")
    for name in named if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "sums", name)
        if field is None:
            continue
        if not registry.of(field).summable:
            params = {"name": name, "type": field.type, "measure": "sum"}
            compilation.refuse(NOT_SUMMED, element, "sums", name, at_key=True, **params)
        else:
            yield field.id


def _card(element: Element, entity: Entity, compilation: Compilation) -> Iterable[str]:
    named = element.data.get("card")
    for name in named if isinstance(named, Map) else ():
        path = compilation.named_path(element, entity, name, "card", name)
        if path is not None:
            yield ".".join(each.id for each in path)


def _field(element: Element, entity: Entity, compilation: Compilation, name: str, needed: bool = False) -> Field | None:
    named = element.data.get(name)
    if not isinstance(named, str):
        if needed and name not in element.data:
            compilation.refuse(MISSING, element, name, key=name)
        return None
    return compilation.named_field(element, entity, named, name, at_key=False)


def mentioned_fields(props: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(property, dotted field ids) of everything that a view's own properties name."""
    for name in ("by", "due", "from", "until", "color", "group"):
        if props.get(name):
            yield name, str(props[name])
    for name in ("sums", "card", "totals"):
        for each in props.get(name, ()):
            yield name, each
