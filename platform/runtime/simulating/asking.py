"""What is asked of a simulation: which past, which definitions, how many samples."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from metadata.access import Actor
from metadata.durations import after, parse_duration
from metadata.granting import capabilities_of, is_whole
from metadata.model import Entity, Model
from metadata.problems import BadRequest, Forbidden, Invalid, PlatformError, kind

BAD_SINCE = kind(
    "simulation.bad_since",
    en="{given} is not a length of time or a day. Write 30d, 12h, P1M or 2027-03-01.",
    zh="{given} 不是时长或日期。请写成 30d、12h、P1M 或 2027-03-01。",
)
BAD_COUNT = kind(
    "simulation.bad_count",
    en="{name} is a whole number from {least} to {most}.",
    zh="{name} 应为 {least} 到 {most} 之间的整数。",
)
NO_ENTITY = kind(
    "simulation.no_entity",
    en="There is no entity {name}. Use one of: {known}.",
    zh="没有实体 {name}。可用的有：{known}。",
)
BAD_ONLY = kind(
    "simulation.bad_only",
    en="{given} names nothing. Write rule:<entity>.<rule>, workflow:<name> or approval:<name>.",
    zh="{given} 未指明任何内容。请写成 rule:<实体>.<规则>、workflow:<名称> 或 approval:<名称>。",
)
NOT_YOURS = kind(
    "simulation.not_yours",
    en="Only people who configure the system may simulate changes. Ask an administrator.",
    zh="只有负责系统配置的人员才能模拟变更，请联系管理员。",
)

KINDS = ("rule", "workflow", "approval")
MOST_EVENTS = 10_000_000
MOST_SAMPLES = 50
_UNITS = {"d": "P{}D", "h": "PT{}H", "w": "P{}W", "m": "P{}M", "y": "P{}Y"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be replayed: events not older than `since`, or the newest `events` of them; both None: everything."""

    since: dt.datetime | None = None
    events: int | None = None
    entity: str | None = None
    """Name of the entity whose past counts alone."""
    only: str | None = None
    """`rule:deal.big`, `workflow:big` or `approval:discount`: that one alone, changed or not."""
    everything: bool = False
    """Also what is the same in both descriptions."""
    samples: int = 5
    """Of each kind of difference of each definition."""


def read(data: Mapping[str, Any], now: dt.datetime) -> Asked:
    """What somebody sends, by the names of `Asked`. Raises BadRequest."""
    since = data.get("since")
    return Asked(
        None if since in (None, "") else moment(str(since), now),
        _count(data, "events", 1, MOST_EVENTS),
        data.get("entity") or None,
        data.get("only") or None,
        bool(data.get("everything", False)),
        _count(data, "samples", 0, MOST_SAMPLES) if data.get("samples") is not None else 5,  # type: ignore[arg-type]
    )


def _count(data: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    given = data.get(name)
    if given in (None, ""):
        return None
    try:
        found = int(given)
    except (TypeError, ValueError):
        found = least - 1
    if isinstance(given, bool) or not least <= found <= most:
        raise BadRequest(BAD_COUNT(name, name=name, least=least, most=most))
    return found


def moment(text: str, now: dt.datetime) -> dt.datetime:
    """`30d`, `12h`, an ISO 8601 duration before now, or a day or moment (in UTC). Raises BadRequest."""
    given = text.strip()
    if given[:-1].isdigit() and given[-1:].lower() in _UNITS:
        given = _UNITS[given[-1].lower()].format(given[:-1])
    try:
        if given.startswith("P"):
            return after(parse_duration(f"-{given}"), now, ZoneInfo("UTC"))
        found = dt.datetime.fromisoformat(given)
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError, PlatformError) as wrong:
        raise BadRequest(BAD_SINCE("since", given=text[:40])) from wrong


def require_configurer(model: Model, actor: Actor) -> None:
    """Raises Forbidden for whoever may not configure, by a token's whole right: what decides is over every record."""
    held = actor.platform or "configure" in capabilities_of(model, actor.roles)
    if not held or not is_whole(actor):
        raise Forbidden(NOT_YOURS())


def entity_named(models: tuple[Model, Model], name: str) -> Entity:
    """An entity of the released or the changed description. Raises Invalid."""
    for model in models:
        found = model.entity(name)
        if found is not None:
            return found
    raise Invalid(NO_ENTITY("entity", name=name[:60], known=sorted(models[0].names("entities"))))
