"""Numbers that count up (`OPP-202706-00042`): their format, period and text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from metadata.fieldtypes.texts import Text
from metadata.model import Field
from metadata.problems import Problem, kind

bad_format = kind(
    "sequence_format",
    en="The format {format} cannot be read at {part}. "
    "Use {{yyyy}}, {{yy}}, {{mm}}, {{dd}} and {{seq:5}} between plain characters.",
    zh="编号格式 {format} 在 {part} 处无法识别，请使用 {{yyyy}}、{{yy}}、{{mm}}、{{dd}} 和 {{seq:5}} 以及普通字符。",
)
no_counter = kind(
    "sequence_without_counter",
    en="The format {format} must hold {{seq:5}} exactly once. Add or remove one.",
    zh="编号格式 {format} 必须恰好包含一个 {{seq:5}}，请增删。",
)
broken_period = kind(
    "sequence_period",
    en="The format {format} would repeat numbers: a month needs its year, a day both. Add {{yyyy}} or {{mm}}.",
    zh="编号格式 {format} 会产生重复编号：月份需要年份，日期需要年份和月份，请添加 {{yyyy}} 或 {{mm}}。",
)
format_too_long = kind(
    "sequence_too_long",
    en="The format is longer than {max} characters. Shorten it.",
    zh="编号格式超过 {max} 个字符，请缩短。",
)

DEFAULT_FORMAT = "{seq:5}"
LONGEST_FORMAT = 60
_PLACE = re.compile(r"\{(yyyy|yy|mm|dd|seq)(?::([1-9]|1[0-2]))?\}", re.ASCII)


def check_format(format: str) -> Problem | None:
    """What is wrong with the format of a sequence."""
    if len(format) > LONGEST_FORMAT:
        return format_too_long(max=LONGEST_FORMAT)
    rest = _PLACE.sub("", format)
    stray = re.search(r"[{}].{0,10}", rest) or re.search(r"[^ -~\u00a1-\ud7ff\ue000-\uffff]", rest)
    widths = [each[0] for each in _PLACE.finditer(format) if each[2] and each[1] != "seq"]
    if stray or widths:
        return bad_format(format=format, part=stray[0] if stray else widths[0])
    names = [each[1] for each in _PLACE.finditer(format)]
    if names.count("seq") != 1:
        return no_counter(format=format)
    year = "yyyy" in names or "yy" in names
    if ("mm" in names and not year) or ("dd" in names and not ("mm" in names and year)):
        return broken_period(format=format)
    return None


def period_of(format: str, day: dt.date) -> str:
    """The period in which a sequence counts: ``, `2027`, `2027-06` or `2027-06-30`, by the finest part printed."""
    names = {each[1] for each in _PLACE.finditer(format)}
    parts = 3 if "dd" in names else 2 if "mm" in names else 1 if names & {"yyyy", "yy"} else 0
    return "-".join(day.isoformat().split("-")[:parts])


def format_number(format: str, seq: int, day: dt.date) -> str:
    """The text of the number `seq` given out on a day (in the tenant's zone). Grows when the digits run out."""
    year, month, date = day.isoformat().split("-")
    parts = {"yyyy": year, "yy": year[2:], "mm": month, "dd": date}

    def put(place: re.Match[str]) -> str:
        return str(seq).zfill(int(place[2] or 1)) if place[1] == "seq" else parts[place[1]]

    return _PLACE.sub(put, format)


class Sequence(Text):
    """A number given by the platform; nobody writes it."""

    name = "sequence"
    control = "read_only"
    groupable = False
    longest = 100
    properties: Mapping[str, Any] = {
        "format": {
            "type": "string",
            "maxLength": LONGEST_FORMAT,
            "description": "Like OPP-{yyyy}{mm}-{seq:5}. The count begins anew with each period printed.",
        },
    }

    def check(self, field: Field) -> tuple[Problem, ...]:
        problem = check_format(field.props.get("format", DEFAULT_FORMAT))
        return (problem.under("format"),) if problem else ()

    def samples(self, field: Field) -> tuple[Any, ...]:
        format = field.props.get("format", DEFAULT_FORMAT)
        return tuple(format_number(format, each, dt.date(2027, 6, 30)) for each in (1, 42))
