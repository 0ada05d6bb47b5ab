"""An SLA in Markdown: what it measures, how long it may take for whom, and what happens when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metadata.model import Model, Part
from metadata.problems import say
from metadata.sections.documenting import heading, table
from metadata.sections.workflows.drawing import Pen
from metadata.sla import Alert, Reopen, Sla, Target

_REOPEN: Mapping[Reopen, tuple[str, str]] = {
    "keep": ("stays stopped", "保持停止"),
    "resume": ("goes on", "继续计时"),
    "restart": ("begins anew", "重新计时"),
    "new_cycle": ("another one begins", "开始新一轮计时"),
}


def document(part: Part, lang: str, model: Model) -> str:
    from metadata.parts import build

    sla: Sla = build("sla", part)
    pen = Pen(lang, model)
    facts = [
        (pen.words("Records", "记录"), pen.entity(sla.entity)),
        (pen.words("Only", "条件"), _code(sla.when)),
    ]
    lines = [heading(2, sla.label, lang, sla.key), table(("", ""), facts), _targets(sla, pen), _times(sla, pen)]
    for target in sla.targets:
        lines += ["\n".join(_alerts(sla, target, pen)) + "\n"] if target.alerts else []
    return "\n".join(lines)


def _targets(sla: Sla, pen: Pen) -> str:
    head = (
        ("Target", "目标"),
        ("Begins", "开始"),
        ("Ends", "结束"),
        ("Stands still", "暂停"),
        ("Reopened", "重新打开"),
    )
    rows = [
        (
            say(each.label, pen.lang),
            _code(each.start),
            _code(each.stop),
            _code(each.pause),
            pen.words(*_REOPEN[each.reopen]),
        )
        for each in sla.targets
    ]
    return table(tuple(pen.words(*each) for each in head), rows)


def _times(sla: Sla, pen: Pen) -> str:
    head = (pen.words("Policy", "策略"), pen.words("Calendar", "日历"), pen.words("Level", "级别"))
    rows = [
        (
            _named(say(policy.label, pen.lang), policy.when),
            _calendar(policy.calendar, pen),
            _named(say(level.label, pen.lang), level.when),
            *(level.within.get(each.id, "–") for each in sla.targets),
        )
        for policy in sla.policies
        for level in policy.levels
    ]
    return table((*head, *(say(each.label, pen.lang) for each in sla.targets)), rows)


def _calendar(id: str | None, pen: Pen) -> str:
    found = None if id is None else pen.model.get("calendars", id)
    if found is None:
        return id or pen.words("around the clock", "全天候")
    return say(found.label, pen.lang)


def _named(label: str, when: str | None) -> str:
    return label if when is None else f"{label} (`{when}`)"


def _alerts(sla: Sla, target: Target, pen: Pen) -> Iterator[str]:
    yield heading(3, target.label, pen.lang)
    for alert in target.alerts:
        yield f"- {when_said(alert, pen.lang)}: **{say(alert.label, pen.lang)}**"
        yield from pen.tree(alert.steps, sla.entity, 1)


def when_said(alert: Alert, lang: str) -> str:
    """When an alert comes, in words."""
    if alert.left is not None:
        return say({"en": "{span} before", "zh": "到期前 {span}"}, lang).format(span=alert.left)
    if alert.over is not None:
        return say({"en": "{span} after", "zh": "到期后 {span}"}, lang).format(span=alert.over)
    return f"{alert.at} %"


def _code(text: str | None) -> str:
    return "–" if text is None else f"`{text}`"
