"""What evaluating a checked tree costs at most, known before it runs."""

from __future__ import annotations

from metadata.expressions.functions import FUNCTIONS, LIST_PRICE
from metadata.expressions.tree import Call, Node, Over, parts_of


def fuel(node: Node) -> int:
    """The sum of the prices of a node and all below it; what is asked of a list counts for each of its records."""
    inner = sum(fuel(each) for each in parts_of(node))
    if isinstance(node, Over):
        return LIST_PRICE * (1 + inner)
    return inner + (FUNCTIONS[node.function].price if isinstance(node, Call) else 1)
