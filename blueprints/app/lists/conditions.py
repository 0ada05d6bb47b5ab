"""What can be asked of a field in a chip, how it is said, and how typed values become those of an expression."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

from blueprints.app import cells
from blueprints.texts import Words
from metadata.expressions.conditions import WITHOUT_VALUE, Condition, Joined, Joint, Op
from metadata.expressions.names import VARIABLES
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext, ValueProblem
from metadata.model import Entity, Field
from metadata.money import Money
from metadata.problems import Problem, kind
from runtime.queries.query import unknown_field
from runtime.workspace import Workspace

_MOST_PARTS, _MOST_VALUES = 30, 100

NOT_A_FILTER = kind(
    "filter_shape",
    en="This is not a filter of conditions joined by and/or, with groups one level deep. Build it anew.",
    zh="这不是由“且/或”连接、最多一层分组的筛选条件，请重新设置。",
)
NOT_ASKED = kind(
    "filter_operator",
    en="{label} cannot be asked that. Choose another comparison.",
    zh="{label}不支持这种比较，请选择其他方式。",
)
NO_VALUE = kind(
    "filter_value",
    en="{label}: choose or type a value, or remove the condition.",
    zh="{label}：请选择或输入一个值，或移除该条件。",
)

_ORDERED: tuple[Op, ...] = ("is", "is_not", "less", "at_most", "more", "at_least")
_EMPTY: tuple[Op, ...] = ("empty", "filled")


def family_of(field: Field) -> str:
    """Which controls a condition on a field has: choice, boolean, record, date, number, text, nothing."""
    type_ = registry.of(field)
    if field.options:
        return "choice"
    match type_.kind:
        case "boolean":
            return "boolean"
        case "id":
            return "record" if field.type in cells.LINKS else "nothing"
        case "date" | "datetime":
            return "date"
        case "number":
            return "number"
        case "json":
            return "nothing"
        case "set" if not type_.operators:
            return "nothing"
    return "text"


def ops_of(field: Field) -> tuple[Op, ...]:
    """What may be asked of a field; nothing for one that expressions do not know."""
    type_ = registry.of(field)
    if not type_.stored or field.type in ("id", "secret"):
        return ()
    family = family_of(field)
    if type_.kind == "set":
        return ("contains", "contains_not", *_EMPTY) if type_.operators else ()
    match family:
        case "choice" | "record":
            return ("is", "is_not", *_EMPTY)
        case "boolean":
            return ("is", *_EMPTY)
        case "date":
            return ("at_least", "at_most", "is", *_EMPTY) if type_.kind == "date" else ("at_least", "less", *_EMPTY)
        case "number":
            return (*_ORDERED, *_EMPTY)
        case "text":
            if type_.encrypted:
                return _EMPTY
            known = type_.operators
            asked: list[Op] = ["contains", "contains_not"] if "contains" in known else []
            asked += ["starts"] if "starts_with" in known else []
            return (*asked, "is", "is_not", *_EMPTY)
    return _EMPTY


def said_op(condition: Condition, field: Field | None, words: Words) -> str:
    """The comparison in words, as they fit the field."""
    op = condition.op
    if field is not None and family_of(field) == "date" and op in ("is", "less", "at_most", "more", "at_least"):
        return words(f"list_op_date_{op}")
    if field is not None and registry.of(field).kind == "set" and op in ("contains", "contains_not"):
        return words(f"list_op_has_{op}")
    if op in ("is", "is_not") and len(condition.values) > 1:
        return words(f"list_op_several_{op}")
    return words(f"list_op_{op}")


def said_value(
    shown: cells.Shown,
    value: str,
    words: Words,
    reading: TextContext,
    titles: Mapping[tuple[str, str], str],
) -> str:
    """A value of a condition as people read it."""
    field = shown.field
    if value in VARIABLES:
        return words({"$user": "list_me", "$today": "list_today", "$now": "list_now"}[value])
    if field.options:
        option = field.option(value)
        return words.label(option.label) if option is not None else value
    match family_of(field):
        case "boolean":
            return words.yes if value == "true" else words.no
        case "record":
            known = titles.get((shown.target.key, value)) if shown.target is not None else None
            return known or value[:8]
        case "date" | "number":
            type_ = registry.of(field)
            try:
                return type_.show(field, type_.read_text(field, value, reading), reading)
            except ValueProblem:
                return value
    return value


# -- from the browser


@dataclass(slots=True)
class Refused:
    """What is wrong with a filter, all of it. Paths are those of the parts: `parts.0`, `parts.1.parts.0`."""

    problems: list[Problem] = field(default_factory=list)


def read(ws: Workspace, entity: Entity, given: Any, reading: TextContext) -> Joined | Refused:
    """The filter that a browser sends: `{"op", "parts": [{"path", "op", "values"} or such a group]}`."""
    reader = _Reader(ws, entity, reading)
    found = reader.joined(given, "", 0)
    return reader.refused if reader.refused.problems or found is None else found


class _Reader:
    def __init__(self, ws: Workspace, entity: Entity, reading: TextContext) -> None:
        self.ws, self.entity, self.reading = ws, entity, reading
        self.refused = Refused()

    def joined(self, given: Any, place: str, depth: int) -> Joined | None:
        parts = given.get("parts") if isinstance(given, Mapping) else None
        shaped = isinstance(given, Mapping) and given.get("op") in ("and", "or") and isinstance(parts, list)
        if not shaped or parts is None or depth > 1 or len(parts) > _MOST_PARTS:
            self.refused.problems.append(NOT_A_FILTER(place))
            return None
        found: list[Condition | Joined] = []
        for at, each in enumerate(parts):
            inner = f"{place}.parts.{at}".lstrip(".")
            is_group = isinstance(each, Mapping) and "parts" in each
            made = self.joined(each, inner, depth + 1) if is_group else self.condition(each, inner)
            if made is not None and not (isinstance(made, Joined) and not made.parts):
                found.append(made)
        return Joined(cast(Joint, given["op"]), tuple(found))

    def condition(self, given: Any, place: str) -> Condition | None:
        values = given.get("values", []) if isinstance(given, Mapping) else None
        if not isinstance(values, list) or len(values) > _MOST_VALUES or not all(type(each) is str for each in values):
            self.refused.problems.append(NOT_A_FILTER(place))
            return None
        path = str(given.get("path", ""))
        shown = cells.shown(self.ws, self.entity, path)
        if shown is None:
            self.refused.problems.append(unknown_field(place, name=path[:60], entity=self.entity.label))
            return None
        op = given.get("op")
        if op not in ops_of(shown.field) and op not in (*_ORDERED, "starts", *_EMPTY):
            self.refused.problems.append(NOT_ASKED(place, label=shown.label))
            return None
        type_ = registry.of(shown.field)
        kept = tuple(self.values(shown.field, values, place))
        if op in WITHOUT_VALUE:
            kept = ()
        elif not kept:
            if not any(each.path == place for each in self.refused.problems):
                self.refused.problems.append(NO_VALUE(place, label=shown.label))
            return None
        return Condition(shown.path, type_.kind, cast(Op, op), kept)

    def values(self, field: Field, values: Sequence[str], place: str) -> list[str]:
        found = []
        for each in values:
            text = each.strip()
            if text:
                try:
                    found.append(_value(field, text, self.reading))
                except ValueProblem as refused:
                    self.refused.problems.append(replace(refused.problem, path=place))
        return found


def _value(field: Field, text: str, reading: TextContext) -> str:
    """A typed value as an expression takes it. Raises ValueProblem."""
    type_ = registry.of(field)
    if field.options:
        option = field.option(text)
        return option.key if option is not None else text
    if text in VARIABLES and type_.kind in ("id", "date", "datetime"):
        return text
    if type_.kind not in ("number", "date", "datetime"):
        return text
    value = type_.read_text(field, text, reading)
    return plain(value)


def plain(value: Any) -> str:
    """A value as the language writes it, without quotes."""
    match value:
        case Money():
            return plain(value.amount)
        case Decimal():
            return format(value.normalize(), "f")
        case dt.datetime():
            return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
        case dt.date():
            return value.isoformat()
    return str(value)
