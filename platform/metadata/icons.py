"""The icons that a description may name: those of Tabler, by their names in `icons.txt`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_NAME = re.compile("[a-z0-9-]{1,40}")


@cache
def icons() -> tuple[str, ...]:
    """Every name, in order."""
    return tuple((resources.files("metadata") / "icons.txt").read_text("utf-8").split())


@cache
def _known() -> frozenset[str]:
    return frozenset(icons())


def is_icon(name: object) -> bool:
    """Whether there is such an icon. What is not even written like a name is refused by its pattern."""
    return not isinstance(name, str) or _NAME.fullmatch(name) is None or name in _known()
