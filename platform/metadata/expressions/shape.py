"""The shape of a checked tree: one text for all expressions that differ in their literals only."""

from __future__ import annotations

from typing import assert_never

from metadata.expressions.tree import (
    Arithmetic,
    Call,
    Changed,
    Compare,
    Constant,
    Either,
    FieldRef,
    In,
    InUnit,
    Listed,
    Logic,
    Negative,
    Node,
    Not,
    Over,
    TextMatch,
    Truth,
)


def shape_of(entity: str, root: Node) -> str:
    """Equal for equal trees on the same entity, and never for different ones."""
    return f"{entity}:{_shape(root)}"


def _shape(node: Node) -> str:
    match node:
        case Constant(kind=kind, name=name):
            return name or ("null" if kind == "null" else f"?{kind}")
        case FieldRef():
            return ("old:" if node.old else "") + ".".join([*(link for _, link, _ in node.links), node.field])
        case Compare():
            return f"({_shape(node.left)}{node.op}{_shape(node.right)})"
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
        case Arithmetic():
            return f"({_shape(node.left)}{node.op}{_shape(node.right)})"
        case Negative():
            return f"-({_shape(node.part)})"
        case Call():
            return f"{node.function}:{node.kind}({','.join(_shape(each) for each in node.arguments)})"
        case Either():
            return f"if({_shape(node.condition)},{_shape(node.then)},{_shape(node.otherwise)}):{node.kind}"
        case Over():
            parts = ["" if each is None else _shape(each) for each in (node.value, node.condition)]
            return f"{node.op}:{node.kind}({_listed(node.listed)};{parts[0]};{parts[1]})"
        case Changed():
            return f"changed({_shape(node.ref)})"
        case InUnit():
            return f"in_unit({_shape(node.part)})"
        case _:
            assert_never(node)


def _listed(listed: Listed) -> str:
    way = "".join(f"{link}." for _, link, _ in listed.links)
    return f"{way}{listed.field or ''}<{listed.through or ''}:{listed.entity}:{listed.link}:{listed.far or ''}"
