"""A checked tree as JSON data and back: for back ends that are handed a tree as a value."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from metadata.expressions import tree
from metadata.expressions.tree import Node

_CLASSES: dict[str, Any] = {name: each for name, each in vars(tree).items() if is_dataclass(each)}


def dump(node: Node) -> Any:
    """Equal for equal trees."""
    return _dumped(node)


def load(data: Any) -> Node:
    """The tree that `dump` wrote."""
    found: Node = _loaded(data)
    return found


def _dumped(value: Any) -> Any:
    if is_dataclass(value):
        return {"": type(value).__name__, **{each.name: _dumped(getattr(value, each.name)) for each in fields(value)}}
    if isinstance(value, tuple):
        return [_dumped(each) for each in value]
    return value


def _loaded(data: Any) -> Any:
    if isinstance(data, dict):
        made = _CLASSES[data[""]]
        return made(**{name: _loaded(value) for name, value in data.items() if name})
    if isinstance(data, list):
        return tuple(_loaded(each) for each in data)
    return data
