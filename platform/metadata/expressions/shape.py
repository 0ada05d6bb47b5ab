"""The shape of a checked tree: one text for all expressions that differ in their literals only."""

from __future__ import annotations

from typing import assert_never

from metadata.expressions.tree import Compare, Constant, FieldRef, In, Logic, Node, Not, TextMatch, Truth


def shape_of(entity: str, root: Node) -> str:
    """Equal for equal trees on the same entity, and never for different ones."""
    return f"{entity}:{_shape(root)}"


def _shape(node: Node) -> str:
    match node:
        case Constant(kind=kind, name=name):
            return name or ("null" if kind == "null" else f"?{kind}")
        case FieldRef():
            return ".".join([*(link for _, link, _ in node.links), node.field])
        case Compare():
            return f"{_shape(node.left)}{node.op}{_shape(node.right)}"
        case Logic():
            return f"({f' {node.op} '.join(_shape(each) for each in node.parts)})"
        case Not():
            return f"not({_shape(node.part)})"
        case In():
            items = ",".join(_shape(each) for each in node.items)
            return f"{_shape(node.needle)} in[{items}{'|null' if node.nullable else ''}]"
        case TextMatch():
            return f"{node.op}({_shape(node.text)},{_shape(node.part)})"
        case Truth():
            return f"true({_shape(node.part)})"
        case _:
            assert_never(node)
