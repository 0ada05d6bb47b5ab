"""The alerts of a target: when they come, and the steps that are done then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from metadata.documents.marked import Map
from metadata.durations import parse_duration
from metadata.model import Entity
from metadata.problems import PlatformError
from metadata.section import label_of, said_id
from metadata.sections.sla import refusals as r
from metadata.sections.workflows import refusals as w
from metadata.sections.workflows.reading import Path, Place, Reader
from metadata.sections.workflows.steps import block
from metadata.sla import Alert
from metadata.workflows import Run, Step

TIMES = ("at", "left", "over")
STEPS = ("send", "task", "assign", "update", "run")


def alerts(reader: Reader, data: Map, entity: Entity, path: Path) -> Iterator[Alert]:
    """The alerts under a target's `alerts`, in the order in which they are written."""
    said = data.get("alerts")
    for key, each in said.items() if isinstance(said, Map) else ():
        if isinstance(each, Map):
            yield _alert(reader, each, key, entity, (*path, "alerts", key))


def _alert(reader: Reader, data: Map, key: str, entity: Entity, path: Path) -> Alert:
    said = [each for each in TIMES if each in data]
    if len(said) != 1:
        reader.refuse(r.NOT_ONE_TIME, *path, at_key=True, name=key, known=list(TIMES))
    for name in ("left", "over"):
        check_hours(reader, data.get(name), (*path, name))
    _check_steps(reader, data, path)
    own = replace(reader, steps={})  # each alert has its own names
    found = block(own, data, "do", Place(entity), path)
    return Alert(
        id=said_id(key, data),
        label=label_of(data, key),
        at=data.get("at"),
        left=data.get("left"),
        over=data.get("over"),
        steps=tuple(map(_alone, found)),
    )


def _alone(step: Step) -> Step:
    """Nothing waits for what an alert starts."""
    return replace(step, wait=False) if isinstance(step, Run) else step


def _check_steps(reader: Reader, data: Map, path: Path) -> None:
    steps = data.get("do")
    for key, each in steps.items() if isinstance(steps, Map) else ():
        kinds = [name for name in STEPS if isinstance(each, Map) and name in each]
        if len(kinds) != 1:
            what = w.TWO_KINDS if kinds else w.NO_KIND
            reader.refuse(what, *path, "do", key, at_key=True, name=key, found=kinds, known=list(STEPS))


def check_hours(reader: Reader, text: Any, path: Path) -> None:
    """Refuse what is not some hours, minutes and seconds, so that it is as long on every day."""
    if not isinstance(text, str):
        return
    try:
        found = parse_duration(text)
    except PlatformError as error:
        reader.note(error, path)
        return
    if found.months or found.days:
        reader.refuse(r.NOT_HOURS, *path, text=text)
    elif found.negative or found.empty:
        reader.refuse(w.NOT_NEGATIVE, *path, text=text)
