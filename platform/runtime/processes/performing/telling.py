"""Tells people what a run has to say: each in his language, and nothing that he may not read."""

from __future__ import annotations

from collections.abc import Callable

from metadata.problems import Invalid, kind
from runtime import notifications
from runtime.processes.performing.moving import Moving
from runtime.processes.performing.outside import by_mail
from runtime.processes.performing.people import NOBODY, everybody
from runtime.processes.performing.texts import said
from workflow.engine import Tell

NO_WAY = kind(
    "run.no_way_to_tell",
    en="This installation cannot send by {way}. Ask an administrator.",
    zh="本系统无法通过 {way} 发送，请联系管理员。",
)

Way = Callable[[Moving, Tell, list[str]], None]


def tell(moving: Moving, effect: Tell) -> None:
    """Tell everybody who is named, by every way that is named. Raises Invalid when there is nobody."""
    people = everybody(moving, effect.to, effect.entity, effect.record)
    if not people and effect.address is None:
        raise Invalid(NOBODY())
    for way in effect.by:
        found = WAYS.get(way)
        if found is None:
            raise Invalid(NO_WAY(way=way))
        found(moving, effect, people)


def _in_app(moving: Moving, effect: Tell, people: list[str]) -> None:
    for person in people:
        subject = said(moving, effect.subject, effect.entity, effect.record, person)
        body = said(moving, effect.body, effect.entity, effect.record, person)
        notifications.tell_message(moving.acts, person, subject, body, effect.entity, effect.record, moving.notice)


WAYS: dict[str, Way] = {"app": _in_app, "mail": by_mail}
"""Ways of telling."""
