"""Which fields have values that can be compared as a whole."""

from __future__ import annotations

from metadata.fieldtypes import registry
from metadata.model import Field

NEVER = frozenset({"json", "long_text", "multi_choice", "tags"})
"""Stored, but nothing to compare whole values of."""


def can_be_indexed(each: Field) -> bool:
    type_ = registry.of(each)
    return registry.stored(each) and type_.indexable and each.type not in NEVER


def can_be_unique(each: Field) -> bool:
    """What is compared by another form than it is kept in may be equal there without being the same."""
    return can_be_indexed(each) and not registry.of(each).compared
