"""How the operators and functions of the language are said in words, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

Phrase = Mapping[str, str]
"""A text with holes {0}, {1} for the parts, by language."""


def _phrase(en: str, zh: str) -> Phrase:
    return {"en": en, "zh": zh}


COMPARED: Mapping[str, Phrase] = {
    "==": _phrase("{0} is {1}", "{0} 等于 {1}"),
    "!=": _phrase("{0} is not {1}", "{0} 不等于 {1}"),
    "<": _phrase("{0} is less than {1}", "{0} 小于 {1}"),
    "<=": _phrase("{0} is at most {1}", "{0} 不超过 {1}"),
    ">": _phrase("{0} is more than {1}", "{0} 大于 {1}"),
    ">=": _phrase("{0} is at least {1}", "{0} 不低于 {1}"),
}
TIMED: Mapping[str, Phrase] = {
    **COMPARED,
    "<": _phrase("{0} is before {1}", "{0} 早于 {1}"),
    "<=": _phrase("{0} is not after {1}", "{0} 不晚于 {1}"),
    ">": _phrase("{0} is after {1}", "{0} 晚于 {1}"),
    ">=": _phrase("{0} is not before {1}", "{0} 不早于 {1}"),
}
"""The same of dates and moments."""
EMPTY = {"==": _phrase("{0} is empty", "{0} 为空"), "!=": _phrase("{0} is not empty", "{0} 不为空")}
LOGIC = {
    "and": _phrase("all of these are true", "以下条件全部成立"),
    "or": _phrase("at least one of these is true", "以下条件至少一项成立"),
}
NOT = _phrase("this is not true", "以下条件不成立")
IN = _phrase("{0} is one of {1}", "{0} 是以下之一：{1}")
MATCHED: Mapping[str, Phrase] = {
    "contains": _phrase("{0} contains {1}", "{0} 包含 {1}"),
    "starts_with": _phrase("{0} begins with {1}", "{0} 以 {1} 开头"),
    "ends_with": _phrase("{0} ends with {1}", "{0} 以 {1} 结尾"),
}
TRUE = {
    "boolean": _phrase("{0} is true", "{0} 为真"),
    "number": _phrase("{0} is not zero or empty", "{0} 不为零或空"),
    "other": _phrase("{0} is not empty", "{0} 不为空"),
}
CHANGED = _phrase("{0} has changed", "{0} 已更改")
IN_UNIT = _phrase("{0} is a unit of the person who asks, or below one", "{0} 是操作人所属的部门或其下级")
HAS_ROLE = _phrase("the person who asks has the role {0}", "操作人拥有角色 {0}")
ALWAYS = {True: _phrase("always", "始终成立"), False: _phrase("never", "始终不成立")}
ARITHMETIC: Mapping[str, Phrase] = {
    "+": _phrase("{0} + {1}", "{0} + {1}"),
    "-": _phrase("{0} − {1}", "{0} − {1}"),
    "*": _phrase("{0} × {1}", "{0} × {1}"),
    "/": _phrase("{0} ÷ {1}", "{0} ÷ {1}"),
    "%": _phrase("the remainder of {0} ÷ {1}", "{0} ÷ {1} 的余数"),
}
NEGATIVE = _phrase("−{0}", "−{0}")
EITHER = _phrase("if {0} then {1}, else {2}", "若 {0} 则 {1}，否则 {2}")
OVER: Mapping[str, Phrase] = {
    "any": _phrase("there are {0}", "存在 {0}"),
    "all": _phrase("for all of {0}: {2}", "所有 {0} 均满足：{2}"),
    "count": _phrase("the number of {0}", "{0} 的数量"),
    "sum": _phrase("the sum of {1} over {0}", "{0} 的 {1} 之和"),
    "min": _phrase("the smallest {1} of {0}", "{0} 的 {1} 最小值"),
    "max": _phrase("the largest {1} of {0}", "{0} 的 {1} 最大值"),
    "avg": _phrase("the average {1} of {0}", "{0} 的 {1} 平均值"),
    "median": _phrase("the median {1} of {0}", "{0} 的 {1} 中位数"),
}
WITH = _phrase("{0} with: {1}", "满足“{1}”的 {0}")
BEFORE = _phrase("{0} (before)", "{0}（之前）")
BASE = _phrase("{0} (in the base currency)", "{0}（本位币）")
OF_USER = _phrase("{0} of the person who asks", "操作人的 {0}")
VARIABLES: Mapping[str, Phrase] = {
    "$user": _phrase("the person who asks", "操作人"),
    "$now": _phrase("now ({0})", "现在（{0}）"),
    "$today": _phrase("today ({0})", "今天（{0}）"),
}
SHOWN = {
    None: _phrase("empty", "空"),
    True: _phrase("yes", "是"),
    False: _phrase("no", "否"),
}
HIDDEN = _phrase("hidden", "已隐藏")
RECORD = _phrase("record {0}", "第 {0} 条记录")
AND_MORE = _phrase("and {0} more", "另有 {0} 条")
CALENDAR = _phrase("{0} (calendar {1})", "{0}（日历 {1}）")

FUNCTIONS: Mapping[str, Phrase] = {
    "length": _phrase("the length of {0}", "{0} 的长度"),
    "lower": _phrase("{0} in small letters", "{0} 的小写"),
    "upper": _phrase("{0} in capital letters", "{0} 的大写"),
    "trim": _phrase("{0} without blanks around it", "去掉首尾空白的 {0}"),
    "left": _phrase("the first {1} characters of {0}", "{0} 的前 {1} 个字符"),
    "right": _phrase("the last {1} characters of {0}", "{0} 的后 {1} 个字符"),
    "substring": _phrase("{0} from character {1}", "{0} 从第 {1} 个字符起"),
    "substring 3": _phrase("{2} characters of {0} from character {1}", "{0} 从第 {1} 个字符起的 {2} 个字符"),
    "replace": _phrase("{0} with {2} instead of {1}", "将 {0} 中的 {1} 替换为 {2}"),
    "text": _phrase("{0} as text", "{0} 的文本"),
    "number": _phrase("{0} as a number", "{0} 的数值"),
    "round": _phrase("{0} rounded", "{0} 四舍五入取整"),
    "round 2": _phrase("{0} rounded to {1} places", "{0} 四舍五入到 {1} 位小数"),
    "floor": _phrase("{0} rounded down", "{0} 向下取整"),
    "ceil": _phrase("{0} rounded up", "{0} 向上取整"),
    "abs": _phrase("{0} without its sign", "{0} 的绝对值"),
    "is_empty": _phrase("{0} is empty", "{0} 为空"),
    "date": _phrase("the day of {0}", "{0} 的日期"),
    "year": _phrase("the year of {0}", "{0} 的年份"),
    "quarter": _phrase("the quarter of {0}", "{0} 的季度"),
    "month": _phrase("the month of {0}", "{0} 的月份"),
    "day": _phrase("the day of the month of {0}", "{0} 是当月第几天"),
    "weekday": _phrase("the weekday of {0}", "{0} 是星期几"),
    "hour": _phrase("the hour of {0}", "{0} 的小时"),
    "start_of_week": _phrase("the first day of the week of {0}", "{0} 所在周的第一天"),
    "start_of_month": _phrase("the first day of the month of {0}", "{0} 所在月的第一天"),
    "end_of_month": _phrase("the last day of the month of {0}", "{0} 所在月的最后一天"),
    "start_of_quarter": _phrase("the first day of the quarter of {0}", "{0} 所在季度的第一天"),
    "start_of_year": _phrase("the first day of the year of {0}", "{0} 所在年的第一天"),
    "add_days": _phrase("{0} and {1} days", "{0} 加 {1} 天"),
    "add_months": _phrase("{0} and {1} months", "{0} 加 {1} 个月"),
    "days_between": _phrase("the days from {0} to {1}", "{0} 到 {1} 的天数"),
    "months_between": _phrase("the months from {0} to {1}", "{0} 到 {1} 的月数"),
    "add_hours": _phrase("{0} and {1} hours", "{0} 加 {1} 小时"),
    "hours_between": _phrase("the hours from {0} to {1}", "{0} 到 {1} 的小时数"),
    "is_business_day": _phrase("{0} is a business day", "{0} 是工作日"),
    "add_business_days": _phrase("{0} and {1} business days", "{0} 加 {1} 个工作日"),
    "business_days_between": _phrase("the business days from {0} to {1}", "{0} 到 {1} 的工作日数"),
    "add_business_hours": _phrase("{0} and {1} business hours", "{0} 加 {1} 个工作小时"),
    "business_hours_between": _phrase("the business hours from {0} to {1}", "{0} 到 {1} 的工作小时数"),
}
"""Those with more arguments than the plain phrase has holes stand under their name and the number of arguments."""
OF_MANY: Mapping[str, Phrase] = {
    "concat": _phrase("{0} joined", "{0} 连接"),
    "least": _phrase("the smallest of {0}", "{0} 中的最小值"),
    "greatest": _phrase("the largest of {0}", "{0} 中的最大值"),
    "coalesce": _phrase("the first of {0} that is not empty", "{0} 中第一个非空的值"),
}
