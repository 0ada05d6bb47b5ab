"""Elements of the model as plain data and back, so that a release can store them without pickle."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, Union, get_args, get_origin

from metadata import model as m
from metadata.approvals import Approval
from metadata.assignments import Assignment
from metadata.calendars import Calendar
from metadata.pools import Pool
from metadata.scenarios import Scenario
from metadata.sla import Sla
from metadata.workflows import Workflow

ELEMENTS: dict[str, type] = {
    "entities": m.Entity,
    "roles": m.Role,
    "views": m.View,
    "layouts": m.Layout,
    "dashboards": m.Dashboard,
    "workspaces": m.WorkspaceMenu,
    "imports": m.ImportMapping,
    "public_forms": m.PublicForm,
    "pools": Pool,
    "assignments": Assignment,
    "approvals": Approval,
    "workflows": Workflow,
    "sla": Sla,
    "calendars": Calendar,
    "seeds": m.Seed,
    "scenarios": Scenario,
}
"""The class of each section's elements. A section that is not here keeps its elements as read-only data."""


def dump(value: Any) -> Any:
    """An element as JSON data. Values equal to their default are left out."""
    if type(value) in _PLAIN:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        found = {} if (tag := _tag(type(value))) is None else {"kind": tag}
        for name, default in _defaults(type(value)):
            item = getattr(value, name)
            if item is not default and (default is MISSING or item != default):
                found[name] = dump(item)
        return found
    if isinstance(value, Mapping):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [dump(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(dump(item) for item in value)
    return value


_PLAIN = frozenset({str, int, bool, type(None)})


def _tag(cls: type) -> str | None:
    """What tells a class from the others that stand in one place, like the kind of a step; None when it is alone."""
    tag = cls.__dict__.get("kind")
    return tag if isinstance(tag, str) else None


@cache
def _defaults(cls: type) -> tuple[tuple[str, Any], ...]:
    """Each property of a class with its default, or MISSING when it has to be given."""
    return tuple(
        (each.name, each.default if each.default_factory is MISSING else each.default_factory()) for each in fields(cls)
    )


def build(section: str, part: m.Part) -> Any:
    """The element that `dump` wrote."""
    cls = ELEMENTS.get(section)
    return _builder(cls)(part) if cls else frozen(part)


def frozen(value: Any) -> Any:
    """The same data, read-only all the way down."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return value


Builder = Callable[[Any], Any]


@cache
def _builder(cls: Any) -> Builder:
    if is_dataclass(cls):
        below: list[type] = typing.cast(type, cls).__subclasses__()
        kinds = {tag: each for each in below if (tag := _tag(each)) is not None}
        return _tagged_builder(kinds) if kinds else _dataclass_builder(typing.cast(type, cls))
    origin, args = get_origin(cls), get_args(cls)
    if origin in (Union, types.UnionType):
        inner = [_builder(each) for each in args if each is not type(None)]
        if len(inner) != 1:
            return frozen
        return lambda value: None if value is None else inner[0](value)
    if origin is tuple:
        item = _builder(args[0])
        return lambda value: tuple(item(each) for each in value)
    if origin is frozenset:
        return frozenset
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        value_of = _builder(args[1])
        return lambda value: MappingProxyType({key: value_of(each) for key, each in value.items()})
    if cls in (str, int, bool, float) or origin is Literal:
        return lambda value: value
    return frozen


def _tagged_builder(kinds: Mapping[str, type]) -> Builder:
    """Of a class that is one of several: `kind` says which. Made when asked for, since one may hold another."""

    def make(data: m.Part) -> Any:
        rest = {name: value for name, value in data.items() if name != "kind"}
        return _builder(kinds[data["kind"]])(rest)

    return make


def _dataclass_builder(cls: type) -> Builder:
    hints = typing.get_type_hints(cls)
    builders = {each.name: _builder(hints[each.name]) for each in fields(cls)}

    def make(data: m.Part) -> Any:
        return cls(**{name: builders[name](value) for name, value in data.items()})

    return make
