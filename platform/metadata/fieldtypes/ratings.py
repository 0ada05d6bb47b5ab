"""Ratings: a small whole number that is shown as stars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from metadata.fieldtypes.base import TextContext, refuse
from metadata.fieldtypes.numbers import Integer
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import Problem, kind

unreadable_rating = kind(
    "value_unreadable_rating",
    en="{label}: {text} is not a rating. Write a number from 0 to {max}.",
    zh="{label}：{text} 不是评分，请填写 0 到 {max} 的数字。",
)

_STARS = re.compile(r"★{0,10}☆{0,10}")
_SHARE = re.compile(r"(\d{1,2})(?: ?(?:/|of) ?(\d{1,2})| ?[星分])?", re.ASCII)


class Rating(Integer):
    """0 to `max` stars (5 if not given). No value is not the same as 0."""

    name = "rating"
    control = "rating"
    properties: Mapping[str, Any] = {
        "max": {"type": "integer", "minimum": 1, "maximum": 10, "description": "Most stars; 5 if not given."},
    }

    def limits(self, field: Field) -> tuple[int, int]:
        return 0, field.props.get("max", 5)

    def check(self, field: Field) -> tuple[Problem, ...]:
        return ()

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """`4`, `4/5`, `4星` and stars."""
        typed = plain(text)
        if not typed:
            return None
        most = self.limits(field)[1]
        if _STARS.fullmatch(typed):
            return self.parse(field, typed.count("★"))
        found = _SHARE.fullmatch(typed)
        if found is None or (found[2] is not None and int(found[2]) != most):
            raise refuse(unreadable_rating, field, text=text.strip()[:40], max=most)
        return self.parse(field, int(found[1]))

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else "★" * value + "☆" * (self.limits(field)[1] - value)

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else str(value)

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def samples(self, field: Field) -> tuple[Any, ...]:
        most = self.limits(field)[1]
        return tuple(dict.fromkeys((most, 0, 1, most // 2)))
