"""Dates and moments. A date has no zone; a moment is kept in UTC to the microsecond."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import kind

not_date = kind(
    "value_not_date",
    en="{label} takes a date. Send it as YYYY-MM-DD, like 2027-06-30.",
    zh="{label} 需要日期，请按 YYYY-MM-DD 发送，例如 2027-06-30。",
)
not_datetime = kind(
    "value_not_datetime",
    en="{label} takes a moment with its offset from UTC. Send it like 2027-06-30T14:05:00+08:00 or with a Z.",
    zh="{label} 需要带时区偏移的时间，例如 2027-06-30T14:05:00+08:00 或 2027-06-30T06:05:00Z。",
)
unreadable_date = kind(
    "value_unreadable_date",
    en="{label}: {text} is not a date. Write it like 2027-06-30, 2027/6/30 or 30.6.2027.",
    zh="{label}：{text} 不是日期，请写作 2027-06-30、2027/6/30 或 2027年6月30日。",
)
ambiguous_date = kind(
    "value_ambiguous_date",
    en="{label}: {text} may mean two dates. Write the year first, like 2027-06-30.",
    zh="{label}：{text} 可能是两个不同的日期，请把年份写在最前，例如 2027-06-30。",
)
has_time = kind(
    "value_date_has_time",
    en="{label} takes a date without a time, not {text}. Remove the time.",
    zh="{label} 只需要日期，不需要时间（{text}），请去掉时间。",
)
unreadable_datetime = kind(
    "value_unreadable_datetime",
    en="{label}: {text} is not a date with a time. Write it like 2027-06-30 14:05.",
    zh="{label}：{text} 不是日期时间，请写作 2027-06-30 14:05。",
)

_DATE = r"^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_MOMENT = (
    r"^((?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(\.[0-9]{1,9})?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)

_DATE_FORM = ecma(_DATE)
_MOMENT_FORM = ecma(_MOMENT)

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_YEAR_FIRST = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日?|(\d{2})(\d{2}))", re.ASCII)
_POINTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})", re.ASCII)
_NAMED = re.compile(
    r"(?:(?P<d>\d{1,2})[ -](?P<m>[a-z]{3,9})\.?[ ,-] ?|(?P<m2>[a-z]{3,9})\.? (?P<d2>\d{1,2}),? )(?P<y>\d{4})",
    re.ASCII | re.IGNORECASE,
)
_TIME = re.compile(
    r"(?P<half>上午|下午)?(?P<h>\d{1,2})(?::|时|点)(?P<m>\d{1,2})(?::|分)?(?:(?P<s>\d{1,2})(?P<f>\.\d{1,9})?秒?)?"
    r" ?(?P<ap>[ap]m)? ?(?P<zone>z|utc|[+-]\d{2}:?\d{2}(?::\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)


class Ambiguous(Exception):
    """A date that can be read in two ways."""


def _made(year: str | int, month: str | int, day: str | int) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_date(text: str) -> dt.date | None:
    """The date in a text as people write it, None when there is none. Raises Ambiguous for 1/2/2027."""
    if found := _YEAR_FIRST.fullmatch(text):
        numbers = [each for each in found.groups() if each and each.isdigit()]
        return _made(*numbers)
    if found := _POINTS.fullmatch(text):
        return _made(found[3], found[2], found[1])
    if found := _NAMED.fullmatch(text):
        name = (found["m"] or found["m2"]).lower()
        return _made(found["y"], _MONTHS.get(name[:3], 0), found["d"] or found["d2"])
    if found := _SLASHES.fullmatch(text):
        one, two = _made(found[4], found[3], found[1]), _made(found[4], found[1], found[3])
        if one and two and one != two:
            raise Ambiguous
        return one or two
    return None


def _split(text: str) -> tuple[str, str]:
    """The date and the time of a text; the time is empty when there is none."""
    for length in (len(text), *(each.start() for each in re.finditer(r"[T ]|日(?=.)", text))):
        head = text[:length] + ("日" if text[length : length + 1] == "日" else "")
        try:
            if read_date(head) is not None:
                return head, text[len(head) :].lstrip("T ").strip()
        except Ambiguous:
            return head, text[len(head) :].lstrip("T ").strip()
    return text, ""


def read_time(text: str) -> tuple[dt.time, dt.tzinfo | None] | None:
    """The time of day in a text and its offset, if it names one."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, half = int(found["h"]), (found["ap"] or "").lower()
    if half or found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" or found["half"] == "下午" else 0)
    micros = int(((found["f"] or ".0")[1:7]).ljust(6, "0"))
    try:
        return dt.time(hour, int(found["m"]), int(found["s"] or 0), micros), _offset(found["zone"])
    except ValueError:
        return None


def _offset(text: str | None) -> dt.tzinfo | None:
    if text is None:
        return None
    if text.lower() in ("z", "utc"):
        return dt.UTC
    numbers = (int(each) for each in re.findall(r"\d\d", text))
    delta = dt.timedelta(**dict(zip(("hours", "minutes", "seconds"), numbers, strict=False)))
    return dt.timezone(-delta if text.startswith("-") else delta)


def zone(name: str) -> dt.tzinfo:
    """A time zone by its IANA name; UTC for a name that is not known, so that a page never fails over it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return dt.UTC


def local(value: dt.datetime, timezone: str) -> dt.datetime:
    """A moment in a zone; in UTC at the two ends of the calendar, where a zone would leave it."""
    try:
        return value.astimezone(zone(timezone))
    except OverflowError:
        return value


class Date(FieldType):
    """A day, the same for everybody."""

    name = "date"
    kind = "date"
    groupable = True
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in")
    control = "date"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("date"),)

    def parse(self, field: Field, raw: Any) -> dt.date | None:
        if raw is None:
            return None
        if isinstance(raw, str) and _DATE_FORM.search(raw):
            try:
                return dt.date.fromisoformat(raw)
            except ValueError:
                pass
        raise refuse(not_date, field)

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        typed = plain(text)
        if not typed:
            return None
        shown = text.strip()[:40]
        if len(typed) > 60:
            raise refuse(unreadable_date, field, text=shown)
        day, time = _split(typed)
        try:
            found = read_date(day)
        except Ambiguous:
            raise refuse(ambiguous_date, field, text=shown) from None
        if found is None:
            raise refuse(unreadable_date, field, text=shown)
        if time and (read := read_time(time)) is None:
            raise refuse(unreadable_date, field, text=shown)
        if time and read and (read[0] != dt.time() or read[1] is not None):
            raise refuse(has_time, field, text=shown)
        return found

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else str(value.isoformat())

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "format": "date", "pattern": _DATE}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("2027-06-30", "1999-12-31", "2024-02-29", "0001-01-01", "9999-12-31")

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = ("", "2027-02-29", "2027-13-01", "27-06-30", "20270630", "2027-06-30T00:00:00Z", "0000-01-01", "today")
        return (20270630, 1.5, True, [], {}, "２０２７-06-30", *texts)


class DateTime(FieldType):
    """A moment. In JSON with its offset; shown and read in the zone of the person."""

    name = "datetime"
    kind = "datetime"
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in")
    control = "datetime"

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("datetime"),)

    def parse(self, field: Field, raw: Any) -> dt.datetime | None:
        """Digits of the second beyond the sixth are cut off. Refuses what is not a year of 1 to 9999 in UTC."""
        if raw is None:
            return None
        found = _MOMENT_FORM.search(raw) if isinstance(raw, str) else None
        if found is not None:
            try:
                # Python 3.11 reads three or six digits of the second only.
                fraction = f"{found[3][:7]:0<7}" if found[3] else ""
                return dt.datetime.fromisoformat(f"{found[1]}T{found[2]}{fraction}{found[4]}").astimezone(dt.UTC)
            except (ValueError, OverflowError):
                pass
        raise refuse(not_datetime, field)

    def dump(self, field: Field, value: Any) -> Any:
        return None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """A moment in the zone of the context unless the text names an offset; a day alone is its midnight."""
        typed = plain(text)
        if not typed:
            return None
        shown = text.strip()[:40]
        if len(typed) > 60:
            raise refuse(unreadable_datetime, field, text=shown)
        day, time = _split(typed)
        try:
            date = read_date(day)
        except Ambiguous:
            raise refuse(ambiguous_date, field, text=shown) from None
        read = read_time(time) if time else (dt.time(), None)
        if date is None or read is None:
            raise refuse(unreadable_datetime, field, text=shown)
        moment = dt.datetime.combine(date, read[0], read[1] or zone(context.timezone))
        try:
            return moment.astimezone(dt.UTC)
        except OverflowError:
            raise refuse(unreadable_datetime, field, text=shown) from None

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else local(value, context.timezone).isoformat(" ", "minutes")[:16]

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else local(value, context.timezone).isoformat(" ")

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": _MOMENT}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (
            "2027-06-30T06:05:00Z",
            "2024-02-29T23:59:59.123456+08:00",
            "1900-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        )

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = ("", "2027-06-30", "2027-06-30T06:05:00", "2027-06-30 06:05:00Z", "2027-02-29T00:00:00Z", "now")
        return (0, 1.5, True, [], {}, "2027-06-30T24:00:00Z", "2027-06-30T06:05Z", "0000-01-01T00:00:00Z", *texts)
