"""What a person chose of notifications: by which way each group comes to him, and his quiet hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.calendars import WEEKDAYS, Calendar
from metadata.model import EMPTY, Model
from metadata.problems import Invalid, Problem, kind
from runtime import preferences
from runtime.notifications.kinds import GROUPS, WAYS, Group, Way
from runtime.notifications.quiet import Quiet, clock_of, minutes_of
from runtime.workspace import Workspace

NAME = "notifications"
"""The preference that holds it."""

BAD_SHAPE = kind(
    "notification_choices_bad",
    en="This is {{kinds: {{<kind>: {{app, mail}}}}, quiet: {{from, until, days, calendar}} or null}}. Correct {where}.",
    zh="格式为 {{kinds: {{<类型>: {{app, mail}}}}, quiet: {{from, until, days, calendar}} 或 null}}，请更正 {where}。",
)
NO_GROUP = kind(
    "notification_kind_unknown",
    en="There is no kind of notification {name}. It is one of: {known}.",
    zh="没有通知类型 {name}，可选：{known}。",
)
FIXED = kind(
    "notification_kind_fixed",
    en="“{label}” cannot be switched off in the app: somebody waits for you. Leave it on.",
    zh="“{label}”不能在应用内关闭：有人在等待您处理。请保持开启。",
)
BAD_TIME = kind(
    "notification_quiet_time",
    en="{value} is no time of the clock. Write both as HH:MM, e.g. 22:00 and 07:00, and not the same twice.",
    zh="{value} 不是有效时间。请填写两个不同的 HH:MM 时间，例如 22:00 和 07:00。",
)
BAD_DAY = kind(
    "notification_quiet_day",
    en="{value} is no day of the week. Choose among: {known}.",
    zh="{value} 不是星期几，可选：{known}。",
)
BAD_CALENDAR = kind(
    "notification_quiet_calendar",
    en="There is no calendar {value}. Choose one of this system, or none.",
    zh="没有日历 {value}，请选择本系统的日历或不选。",
)


@dataclass(frozen=True, slots=True)
class Choices:
    """The ways of groups that were chosen, by id; the others come as usual."""

    ways: Mapping[str, frozenset[Way]] = field(default_factory=lambda: EMPTY)
    quiet: Quiet | None = None

    def of(self, group: Group) -> frozenset[Way]:
        """By which ways a group comes."""
        return self.ways.get(group.id, group.usual) | group.fixed


NONE = Choices()


def mine(ws: Workspace) -> Choices:
    """What the actor chose."""
    return _read(ws.model, preferences.get(ws, NAME))


def of(ws: Workspace, person: str) -> Choices:
    """What somebody chose, for telling him by it."""
    return _read(ws.model, preferences.of(ws, person, NAME))


def put(ws: Workspace, data: Mapping[str, Any]) -> Choices:
    """Keep what the actor chooses from now on, in the shape of `as_json`. Raises Invalid with everything wrong."""
    problems = list(_problems(ws.model, data))
    if problems:
        raise Invalid(problems)
    kept = {"kinds": dict(data.get("kinds") or {}), "quiet": data.get("quiet")}
    preferences.put(ws, NAME, kept)
    return _read(ws.model, kept)


def as_json(choices: Choices, model: Model) -> dict[str, Any]:
    """As the interface tells it: every kind with its ways."""
    kinds = {each.id: {way: way in choices.of(each) for way in WAYS} for each in GROUPS.values()}
    return {"kinds": kinds, "quiet": None if choices.quiet is None else _quiet_json(choices.quiet, model)}


def _quiet_json(quiet: Quiet, model: Model) -> dict[str, Any]:
    calendar = calendar_of(model, quiet.calendar)
    return {
        "from": None if quiet.start is None else clock_of(quiet.start),
        "until": None if quiet.end is None else clock_of(quiet.end),
        "days": [each for each in WEEKDAYS if each in quiet.days],
        "calendar": None if calendar is None else calendar.key,
    }


def calendar_of(model: Model, name: str | None) -> Calendar | None:
    """A calendar by id or today's key; None when there is none any more."""
    found = model.get("calendars", name) if name else None
    return found if isinstance(found, Calendar) else None


def _read(model: Model, kept: Any) -> Choices:
    """What is kept, as far as it still makes sense: groups come and go with builds, calendars with releases."""
    if not isinstance(kept, Mapping):
        return NONE
    kinds = kept.get("kinds")
    ways = {}
    for id, chosen in kinds.items() if isinstance(kinds, Mapping) else ():
        if id in GROUPS and isinstance(chosen, Mapping):
            usual = GROUPS[id].usual
            ways[id] = frozenset(way for way in WAYS if chosen.get(way, way in usual) is True)
    return Choices(ways, _quiet(model, kept.get("quiet")))


def _quiet(model: Model, kept: Any) -> Quiet | None:
    if not isinstance(kept, Mapping):
        return None
    start, end = minutes_of(str(kept.get("from") or "")), minutes_of(str(kept.get("until") or ""))
    days = frozenset(each for each in WEEKDAYS if each in (kept.get("days") or ()))
    calendar = calendar_of(model, kept.get("calendar"))
    if start is None or end is None:
        start = end = None
    if start is None and not days and calendar is None:
        return None
    return Quiet(start, end, days, None if calendar is None else calendar.id)


def _problems(model: Model, data: Mapping[str, Any]) -> Iterator[Problem]:
    for key in data.keys() - {"kinds", "quiet"}:
        yield BAD_SHAPE(key, where=str(key)[:60])
    kinds, quiet = data.get("kinds") or {}, data.get("quiet")
    if not isinstance(kinds, Mapping):
        yield BAD_SHAPE("kinds", where="kinds")
    else:
        yield from _of_kinds(kinds)
    if quiet is None:
        return
    if not isinstance(quiet, Mapping) or quiet.keys() - {"from", "until", "days", "calendar"}:
        yield BAD_SHAPE("quiet", where="quiet")
    else:
        yield from _of_quiet(model, quiet)


def _of_kinds(kinds: Mapping[str, Any]) -> Iterator[Problem]:
    for id, chosen in kinds.items():
        path, group = f"kinds.{str(id)[:60]}", GROUPS.get(id)
        if group is None:
            yield NO_GROUP(path, name=str(id)[:60], known=tuple(GROUPS))
        elif not isinstance(chosen, Mapping) or chosen.keys() - set(WAYS) or not _are_flags(chosen):
            yield BAD_SHAPE(path, where=path)
        elif any(chosen.get(way) is False for way in group.fixed):
            yield FIXED(path, label=group.label)


def _are_flags(chosen: Mapping[str, Any]) -> bool:
    return all(isinstance(each, bool) for each in chosen.values())


def _of_quiet(model: Model, quiet: Mapping[str, Any]) -> Iterator[Problem]:
    start, end = quiet.get("from"), quiet.get("until")
    if start is not None or end is not None:
        wrong = [each for each in (start, end) if not isinstance(each, str) or minutes_of(each) is None]
        if wrong or start == end:
            yield BAD_TIME("quiet.from", value=str(wrong[0] if wrong else start)[:20])
    days = quiet.get("days")
    if days is not None and not isinstance(days, list):
        yield BAD_SHAPE("quiet.days", where="quiet.days")
    for each in days if isinstance(days, list) else ():
        if each not in WEEKDAYS:
            yield BAD_DAY("quiet.days", value=str(each)[:20], known=WEEKDAYS)
    name = quiet.get("calendar")
    if name is not None and calendar_of(model, str(name)) is None:
        yield BAD_CALENDAR("quiet.calendar", value=str(name)[:60])
