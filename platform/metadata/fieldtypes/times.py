"""Times of day and lengths of time, both to the second. Neither has a zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.dates import read_time
from metadata.fieldtypes.numbers import Integer
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import kind

not_time = kind(
    "value_not_time",
    en="{label} takes a time of day without a zone. Send it as HH:MM or HH:MM:SS, like 14:05.",
    zh="{label} 需要不带时区的时刻，请按 HH:MM 或 HH:MM:SS 发送，例如 14:05。",
)
unreadable_time = kind(
    "value_unreadable_time",
    en="{label}: {text} is not a time of day. Write it like 14:05 or 2:05 pm.",
    zh="{label}：{text} 不是时刻，请写作 14:05 或 下午2:05。",
)
unreadable_duration = kind(
    "value_unreadable_duration",
    en="{label}: {text} is not a length of time. Write it like 1h 30m, 1:30 or 90.",
    zh="{label}：{text} 不是时长，请写作 1小时30分、1:30 或 90。",
)

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
_TIME_FORM = ecma(_TIME)
_HOUR = re.compile(r"(上午|下午)?(\d{1,2})(?:点|时| ?([ap])\.?m\.?)", re.ASCII | re.IGNORECASE)


class Time(FieldType):
    """A time of day, the same everywhere: opening hours, not moments. Kept and sent as `HH:MM:SS`."""

    name = "time"
    kind = "text"
    groupable = True
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in")
    control = "time"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str) or _TIME_FORM.search(raw) is None:
            raise refuse(not_time, field)
        return raw if len(raw) == 8 else f"{raw}:00"

    def literal(self, field: Field, raw: str) -> str:
        return f"{raw}:00" if len(raw) == 5 and _TIME_FORM.search(raw) else raw

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """With 上午 and 下午, am and pm; `9点` and `9 pm` are full hours."""
        typed = plain(text)
        if not typed:
            return None
        if (hour := _HOUR.fullmatch(typed)) is not None:
            typed = f"{hour[1] or ''}{hour[2]}:00{f' {hour[3]}m' if hour[3] else ''}"
        read = read_time(typed) if len(typed) <= 30 else None
        if read is None or read[1] is not None:
            raise refuse(unreadable_time, field, text=text.strip()[:40])
        return read[0].replace(microsecond=0).isoformat()

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else str(value[:5] if value.endswith(":00") else value)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "pattern": _TIME}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("14:05", "00:00", "09:30:15", "23:59:59")

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = ("", "24:00", "9:30", "09:60", "14:05:00Z", "14:05:00.5", "2 pm", "1405", "now")
        return (1405, 14.05, True, [], {}, "１４:05", *texts)


_UNITS = {"minutes": 60, "hours": 3600, "seconds": 1}
_CLOCK = re.compile(r"(\d{1,6}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_BARE = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_PART = re.compile(
    r"(?P<n>\d{1,12}(?:\.\d{1,6})?) ?(?:(?P<d>天|日|days?|d)|(?P<h>个?小时|时|hours?|hrs?|h)"
    r"|(?P<s>秒钟?|seconds?|secs?|s)|(?P<m>分钟?|minutes?|mins?|m))[ ,，]*",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_LONGEST = 10**10


class Duration(Integer):
    """A length of time: whole seconds in JSON and in conditions, hours and minutes to people.

    A bare number that a person types or a file holds counts in `unit` (minutes if not given). A day is 24 hours.
    """

    name = "duration"
    control = "duration"
    properties: Mapping[str, Any] = {
        "unit": {"enum": list(_UNITS), "description": "What a number without a unit counts, when typed or imported."},
        "min": {"type": "integer", "minimum": 0, "description": "Shortest value, in seconds."},
        "max": {"type": "integer", "minimum": 0, "maximum": _LONGEST, "description": "Longest value, in seconds."},
    }

    def limits(self, field: Field) -> tuple[int, int]:
        return field.props.get("min", 0), field.props.get("max", _LONGEST)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        typed = plain(text)
        if not typed:
            return None
        seconds = self._seconds(field, typed) if len(typed) <= 60 else None
        if seconds is None or seconds != seconds.to_integral_value():
            raise refuse(unreadable_duration, field, text=text.strip()[:40])
        return self.parse(field, int(seconds))

    def _seconds(self, field: Field, typed: str) -> Decimal | None:
        if found := _CLOCK.fullmatch(typed):
            return Decimal(int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0))
        if _BARE.fullmatch(typed):
            return Decimal(typed) * _UNITS[field.props.get("unit", "minutes")]
        total, at, last = Decimal(0), 0, _SECONDS["d"] + 1
        while at < len(typed):
            part = _PART.match(typed, at)
            unit = _SECONDS[str(part.lastgroup)] if part is not None else 0
            if part is None or unit >= last:
                return None  # each unit once, the larger first
            total += Decimal(part["n"]) * unit
            at, last = part.end(), unit
        return total

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        if value is None:
            return ""
        if context.language == "zh":
            return "".join(f"{number}{name}" for number, name in _split(value, ("小时", "分", "秒")))
        return " ".join(f"{number} {name}" for number, name in _split(value, ("h", "min", "s")))

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else " ".join(f"{number}{name}" for number, name in _split(value, ("h", "m", "s")))

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def samples(self, field: Field) -> tuple[Any, ...]:
        low, high = self.limits(field)
        return tuple(dict.fromkeys(min(max(each, low), high) for each in (5400, 0, 59, 3600, 90_015)))


def _split(seconds: int, names: tuple[str, str, str]) -> list[tuple[int, str]]:
    """Hours, minutes and seconds with their names; those that are nought are left out."""
    hours, rest = divmod(int(seconds), 3600)
    parts = list(zip((hours, rest // 60, rest % 60), names, strict=True))
    return [each for each in parts if each[0]] or [parts[1]]
