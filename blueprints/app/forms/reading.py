"""From what a browser sent to the values that are written: only what was changed, and what two people changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blueprints.app import controls
from blueprints.app.forms.beginning import is_hidden
from metadata.model import Field
from metadata.problems import Problem

MINE, THEIRS = "mine", "theirs"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a form means for a record that is there."""

    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()
    both: tuple[Field, ...] = ()
    """Fields that the person and somebody else have changed to different values since the form was opened."""
    others: tuple[Field, ...] = ()
    """Fields that only somebody else has changed since."""


def base_of(sent: controls.Sent) -> dict[str, str]:
    """The marks that the form was opened with; empty for a form without them."""
    try:
        found = json.loads(sent.last("base") or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): value for key, value in found.items() if isinstance(value, str)}


def of_new(form: controls.Form, fields: Sequence[Field], begun: Mapping[str, Any], sent: controls.Sent) -> Changes:
    """The values of a new record. What was left empty is not sent, so that the platform's own defaults (the owner)
    apply; what was begun and then emptied is."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields:
        there, value, wrong = controls.read(form, field, sent)
        problems += wrong
        blank = value is None or (value == [] and field.type != "json")
        if there and not wrong and not (blank and field.key not in begun):
            values[field.key] = value
    return Changes(values, tuple(problems))


def of_record(form: controls.Form, fields: Sequence[Field], record: Mapping[str, Any], sent: controls.Sent) -> Changes:
    """What the person has changed, seen against what the form held when it was opened.

    A text may show less than the value holds, so that a field which was not touched is never sent.
    """
    base = base_of(sent)
    form = replace(form, base=base)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    both, others = [], []
    for field in fields:
        if is_hidden(record, field):
            continue
        now = controls.marks(form, field, controls.control(form, field, record))[field.key]
        opened = base.get(field.key, now)
        mine = controls.mark_sent(form, field, sent)
        touched = mine != opened or controls.is_sent_with_file(field, sent)
        taken = sent.last(f"choice.{field.key}") == THEIRS
        if not touched or taken or mine == now:
            if opened != now and not taken and mine != now:
                others.append(field)
            continue
        there, value, wrong = controls.read(form, field, sent)
        problems += wrong
        if not there:
            continue
        if opened != now:
            both.append(field)
        if not wrong:
            values[field.key] = value
    return Changes(values, tuple(problems), tuple(both), tuple(others))
