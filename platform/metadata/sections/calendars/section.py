"""Section `calendars`: business time, holidays and make-up days."""

from __future__ import annotations

from collections.abc import Iterable

from metadata import grammar
from metadata.calendars import WEEKDAYS, Calendar
from metadata.compilation import Compilation, problem_at
from metadata.model import Model, Part
from metadata.packages import TIMEZONE, is_timezone, near_timezone
from metadata.problems import say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.calendars.reading import special_days, week_of, written_hours
from metadata.sections.documenting import heading, table, words

GRAMMAR = grammar.grammar(grammar.load("calendars"))
_NAMES = dict(zip(WEEKDAYS, ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"), strict=True))


def compile_calendar(element: Element, compilation: Compilation) -> Calendar | None:
    week = week_of(element, compilation)
    if not week:
        return None  # the grammar has said so
    usual = next(iter(week.values()))
    zone = element.data.get("timezone")
    if isinstance(zone, str) and not is_timezone(zone):
        at, near = ("timezone",), near_timezone(zone)
        compilation.problems.append(problem_at(TIMEZONE, element, at, False, near, name=zone))
    return Calendar(
        id=element.id,
        key=element.key,
        label=label_of(element.data, element.key),
        week=week,
        special=tuple(special_days(element, compilation, usual)),
        timezone=zone if isinstance(zone, str) else str(compilation.settings["timezone"]),
    )


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    return ()


def document(part: Part, lang: str, model: Model) -> str:
    week = [
        (words(lang, name.capitalize(), _NAMES[name]), written_hours(part["week"][name]))
        for name in WEEKDAYS
        if name in part["week"]
    ]
    special = [
        (each["id"], say(each["label"], lang), written_hours(each.get("hours", ())) or words(lang, "closed", "休息"))
        for each in part.get("special", ())
    ]
    zone = f"{words(lang, 'Time zone', '时区')}: {part.get('timezone', 'UTC')}\n\n"
    text = heading(2, part["label"], lang, part["key"]) + "\n" + zone
    text += table((words(lang, "Weekday", "星期"), words(lang, "Hours", "工作时间")), week)
    if special:
        head = (words(lang, "Day", "日期"), words(lang, "Name", "名称"), words(lang, "Hours", "工作时间"))
        text += "\n" + table(head, special)
    return text


SECTION = Section(
    name="calendars",
    grammar=GRAMMAR,
    check_grammar=grammar_only("calendars", GRAMMAR),
    identity=said_id,
    compile=each_element("calendars", compile_calendar),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
