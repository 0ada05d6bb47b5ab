"""Words for days that people type into a date: today, tomorrow, +3d, -2w, friday; 今天, 明天, 三天后, 下周一, 月底."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from metadata.fieldtypes.dates import local
from metadata.folding import fold

_WORDS = {
    **dict.fromkeys(("today", "tod", "今天", "今日"), 0),
    **dict.fromkeys(("tomorrow", "tom", "明天", "明日"), 1),
    **dict.fromkeys(("yesterday", "昨天", "昨日"), -1),
    **dict.fromkeys(("the day after tomorrow", "后天"), 2),
    "前天": -2,
    "大后天": 3,
}
_UNITS = {
    **dict.fromkeys(("d", "day", "days", "天", "日"), "days"),
    **dict.fromkeys(("w", "week", "weeks", "周", "星期", "个星期"), "weeks"),
    **dict.fromkeys(("m", "month", "months", "月", "个月"), "months"),
    **dict.fromkeys(("y", "year", "years", "年"), "years"),
}
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_OFFSET = re.compile(rf"([+-])\s*(\d{{1,4}})\s*({_UNIT})?")
_IN = re.compile(rf"(?:in )?(\d{{1,4}}|[一二两三四五六七八九十])\s*({_UNIT})(后|之后|以后|前|之前|以前| ago| later)?")
_DAYS = "mon tue wed thu fri sat sun".split()
_DAY = re.compile(r"(next |last |this )?(mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?")
_WEEKDAY = re.compile(r"(上|下|本|这)?(?:个)?(?:周|星期|礼拜)([一二三四五六日天])")
_CHINESE = {each: number for number, each in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_ENDS = {
    **dict.fromkeys(("eom", "end of month", "月底", "本月底"), 1),
    **dict.fromkeys(("eoq", "end of quarter", "季末", "本季末"), 3),
    **dict.fromkeys(("eoy", "end of year", "年底", "年末"), 12),
}
_NOW = frozenset(("now", "现在", "此刻"))
_PARTS = re.compile(r"(.+?)[ t]*((?:上午|下午)?\d{1,2}[:点时].*)?")


def date_text(text: str, now: dt.datetime, timezone: str) -> str:
    """The ISO date that a word means today in a zone; any other text as it is."""
    found = meant(text, local(now, timezone).date())
    return text if found is None else found.isoformat()


def moment_text(text: str, now: dt.datetime, timezone: str) -> str:
    """The same with a time after the word: `tomorrow 14:00`; `now` is this minute."""
    here = local(now, timezone)
    if fold(text.strip()) in _NOW:
        return here.isoformat(" ", "minutes")[:16]
    parts = _PARTS.fullmatch(fold(text.strip()))
    found = meant(parts[1], here.date()) if parts is not None else None
    if parts is None or found is None:
        return text
    return f"{found.isoformat()} {parts[2] or '09:00'}"


def meant(text: str, today: dt.date) -> dt.date | None:
    """The day that a word means, None when it is none of these words."""
    typed = " ".join(fold(text.strip()).split())
    if len(typed) > 40:
        return None
    try:
        if typed in _WORDS:
            return today + dt.timedelta(days=_WORDS[typed])
        if typed in _ENDS:
            return _end(today, _ENDS[typed])
        if found := _OFFSET.fullmatch(typed):
            count = int(found[2]) * (-1 if found[1] == "-" else 1)
            return _moved(today, count, _UNITS[found[3] or "d"])
        if (found := _IN.fullmatch(typed)) and (found[3] or typed.startswith("in ")):
            back = (found[3] or "").strip() in ("前", "之前", "以前", "ago")
            count = _CHINESE.get(found[1]) or int(found[1])
            return _moved(today, -count if back else count, _UNITS[found[2]])
        if found := _DAY.fullmatch(typed):
            return _weekday(today, _DAYS.index(found[2][:3]), (found[1] or "").strip())
        if found := _WEEKDAY.fullmatch(typed):
            return _of_week(today, "一二三四五六日".index(found[2].replace("天", "日")), found[1] or "")
    except (OverflowError, ValueError):
        return None
    return None


def _moved(day: dt.date, count: int, unit: str) -> dt.date:
    if unit in ("days", "weeks"):
        return day + dt.timedelta(**{unit: count})
    month = day.year * 12 + day.month - 1 + count * (12 if unit == "years" else 1)
    year, month = month // 12, month % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _end(day: dt.date, months: int) -> dt.date:
    month = -(-day.month // months) * months
    return dt.date(day.year, month, calendar.monthrange(day.year, month)[1])


def _weekday(today: dt.date, number: int, which: str) -> dt.date:
    """`friday` is the next one to come, today included; `next friday` the one of next week."""
    if which in ("next", "last"):
        return _of_week(today, number, "下" if which == "next" else "上")
    return today + dt.timedelta(days=(number - today.weekday()) % 7)


def _of_week(today: dt.date, number: int, which: str) -> dt.date:
    monday = today - dt.timedelta(days=today.weekday())
    return monday + dt.timedelta(days=number, weeks={"上": -1, "下": 1}.get(which, 0))
