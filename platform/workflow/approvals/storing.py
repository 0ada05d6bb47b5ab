"""A request as JSON data and back: nothing is lost between two verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from workflow import walking

from .request import Request, Task, Timer, Visit

_TIMES = frozenset({"opened_at", "urged_at", "decided_at", "entered_at", "left_at", "at", "submitted_at", "ended_at"})

_FIELDS: dict[type, dict[str, Any]] = {
    kind: {each.name: each.default for each in fields(kind)} for kind in (Request, Task, Visit, Timer)
}
"""The fields of each kind with what they usually are."""


def dumped(request: Request) -> dict[str, Any]:
    """As JSON data."""
    data = {name: _plain(getattr(request, name)) for name in _FIELDS[Request]}
    data["walk"] = walking.dumped(request.walk)
    for name in ("tasks", "visits", "timers"):
        data[name] = [_flat(each) for each in getattr(request, name)]
    data["picks"] = {node: list(people) for node, people in request.picks.items()}
    return data


def loaded(data: Mapping[str, Any]) -> Request:
    """What `dumped` gave. What a later version of the platform added has its default."""
    values = _known(Request, data)
    values["walk"] = walking.loaded(data["walk"])
    values["tasks"] = tuple(Task(**_known(Task, each)) for each in data["tasks"])
    values["visits"] = tuple(_visit(each) for each in data["visits"])
    values["timers"] = tuple(Timer(**_known(Timer, each)) for each in data["timers"])
    values["picks"] = {node: tuple(people) for node, people in data["picks"].items()}
    return Request(**values)


def _visit(data: Mapping[str, Any]) -> Visit:
    values = _known(Visit, data)
    values.update({name: tuple(values[name]) for name in ("ways", "copied") if name in values})
    return Visit(**values)


def _flat(value: Task | Visit | Timer) -> dict[str, Any]:
    """Without what is as usual: a request with many tasks stays small."""
    plain = ((name, usual, getattr(value, name)) for name, usual in _FIELDS[type(value)].items())
    return {name: _plain(found) for name, usual, found in plain if found != usual}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {**value}
    return value


def _known(kind: type[Request | Task | Visit | Timer], data: Mapping[str, Any]) -> dict[str, Any]:
    known = _FIELDS[kind]
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value is not None else value
        for name, value in data.items()
        if name in known
    }
