"""When amounts are compared in the tenant's currency and when as they are."""

from __future__ import annotations

from metadata.expressions.tree import Compare, FieldRef


def compares_base(node: Compare) -> bool:
    """Amounts of one record share a currency and are compared as they are; anything else in the base currency."""
    left, right = node.left, node.right
    same_record = isinstance(left, FieldRef) and isinstance(right, FieldRef) and left.links == right.links
    return not (same_record and isinstance(left, FieldRef) and left.type == "money" == _type(right))


def _type(node: object) -> str:
    return node.type if isinstance(node, FieldRef) else ""
