"""What a calendar says, read: hours as minutes of the day, and each special day with its date."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from metadata.calendars import WEEKDAYS, Span, SpecialDay
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.problems import kind
from metadata.section import Element, label_of

NO_DATE = kind(
    "calendar_date",
    en="There is no day “{value}”. Write one like 2026-01-31.",
    zh="不存在日期“{value}”，请按 2026-01-31 的格式填写。",
)
BACKWARDS = kind(
    "calendar_backwards",
    en="This ends on {until}, before it begins ({first}), or lasts more than {most} days. Correct the dates.",
    zh="结束日期 {until} 早于开始日期 {first}，或超过 {most} 天，请更正日期。",
)
TWICE = kind(
    "calendar_day_twice",
    en="{date} is said twice: here and in {other}. Keep one of them.",
    zh="{date} 重复出现：此处与 {other}。请只保留一处。",
)
OVERLAP = kind(
    "calendar_hours_overlap",
    en="The hours {one} and {other} overlap. Correct them.",
    zh="时间段 {one} 与 {other} 重叠，请更正。",
)
LONGEST_HOLIDAY = 366
_DAY = 24 * 60
_HOURS = re.compile(r"\d\d:\d\d-\d\d:\d\d")


def week_of(element: Element, compilation: Compilation) -> dict[str, tuple[Span, ...]]:
    """The hours of each weekday that is worked."""
    written = element.data.get("hours")
    week: dict[str, tuple[Span, ...]] = {}
    for name in WEEKDAYS:
        hours = written.get(name) if isinstance(written, Map) else None
        spans = spans_of(element, compilation, hours or (), "hours", name)
        if spans:
            week[name] = spans
    for at, name in enumerate(WEEKDAYS):
        following = WEEKDAYS[(at + 1) % 7]
        if name in week and following in week:
            _check_next_day(element, compilation, week[name], week[following], "hours", following)
    return week


def spans_of(element: Element, compilation: Compilation, written: Sequence[str], *path: str) -> tuple[Span, ...]:
    """Hours as minutes, in their order; the last ones may end on the next day."""
    # What is not written as hours the grammar has said.
    spans = sorted(_span(each) for each in written if isinstance(each, str) and _HOURS.fullmatch(each))
    for one, other in itertools.pairwise(spans):
        if one[1] > other[0]:
            compilation.refuse(OVERLAP, element, *path, one=_written(one), other=_written(other))
    return tuple(spans)


def _check_next_day(
    element: Element, compilation: Compilation, before: Sequence[Span], after: Sequence[Span], *path: str
) -> None:
    one, other = before[-1], after[0]
    if one[1] - _DAY > other[0]:
        compilation.refuse(OVERLAP, element, *path, one=_written(one), other=_written(other))


def special_days(element: Element, compilation: Compilation, usual: tuple[Span, ...]) -> list[SpecialDay]:
    """Holidays and make-up days in the order of dates."""
    found: dict[dt.date, tuple[SpecialDay, str]] = {}
    for name, read in (("holidays", _holiday), ("make_up_days", _make_up_day)):
        written = element.data.get(name)
        for key, data in written.items() if isinstance(written, Map) else ():
            for date, hours in read(element, compilation, data, key, usual):
                place = f"{name}.{key}"
                if date in found:
                    compilation.refuse(TWICE, element, name, key, at_key=True, date=str(date), other=found[date][1])
                found.setdefault(date, (SpecialDay(date.isoformat(), label_of(data, key), hours), place))
    return [found[date][0] for date in sorted(found)]


def _holiday(
    element: Element, compilation: Compilation, data: Any, key: str, usual: tuple[Span, ...]
) -> Iterable[tuple[dt.date, tuple[Span, ...]]]:
    first = _date(element, compilation, data, "holidays", key, "from")
    last = _date(element, compilation, data, "holidays", key, "until") if "until" in data else first
    if first is None or last is None:
        return
    days = (last - first).days + 1
    if not 1 <= days <= LONGEST_HOLIDAY:
        compilation.refuse(
            BACKWARDS, element, "holidays", key, "until", first=str(first), until=str(last), most=LONGEST_HOLIDAY
        )
        return
    for number in range(days):
        yield first + dt.timedelta(days=number), ()


def _make_up_day(
    element: Element, compilation: Compilation, data: Any, key: str, usual: tuple[Span, ...]
) -> Iterator[tuple[dt.date, tuple[Span, ...]]]:
    date = _date(element, compilation, data, "make_up_days", key, "day")
    if date is not None:
        hours = data.get("hours")
        yield date, spans_of(element, compilation, hours, "make_up_days", key, "hours") if hours else usual


def _date(element: Element, compilation: Compilation, data: Any, *path: str) -> dt.date | None:
    value = data.get(path[-1])
    if not isinstance(value, str):
        return None  # the grammar has said so
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        compilation.refuse(NO_DATE, element, *path, value=value)
        return None


def _span(text: str) -> Span:
    begin, end = (_minutes(each) for each in text.split("-"))
    return begin, end if end > begin else end + _DAY


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def written_hours(spans: Iterable[Sequence[int]]) -> str:
    return ", ".join(_written(each) for each in spans)


def _written(span: Sequence[int]) -> str:
    return "–".join(
        f"{minutes // 60:02}:{minutes % 60:02}" if minutes <= _DAY else f"{minutes // 60 - 24:02}:{minutes % 60:02} +1"
        for minutes in span
    )
