"""Whether a condition is the same for every record: always met, never met, or neither as far as one can tell."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.expressions.tree import Compare, Constant, Expression, FieldRef, In, Logic, Node, Not, Truth


def constant_truth(expression: Expression) -> bool | None:
    """True or False when the answer never depends on the record, None when it may. Finds what is written plainly."""
    return _truth(expression.root, expression.values)


def _truth(node: Node, values: Sequence[object]) -> bool | None:
    match node:
        case Truth(part=Constant(name=None, slot=slot)):
            return bool(values[slot])
        case Not(part=part):
            inner = _truth(part, values)
            return None if inner is None else not inner
        case In(items=(), nullable=False):
            return False
        case Logic(op=op, parts=parts):
            found = [_truth(each, values) for each in parts]
            decisive = op == "or"
            if decisive in found or (op == "and" and _contradict(parts, values)):
                return decisive
            return None if None in found else not decisive
    return None


def _contradict(parts: Sequence[Node], values: Sequence[object]) -> bool:
    """Whether conditions that must all be met ask two different things of one field."""
    equal: dict[FieldRef, object] = {}
    unequal: set[tuple[FieldRef, str]] = set()
    for each in parts:
        match each:
            case Compare(op="==" | "!=" as op, left=FieldRef() as ref, right=Constant(name=None, slot=slot)):
                value = values[slot]
                if op == "!=":
                    unequal.add((ref, repr(value)))
                elif equal.setdefault(ref, value) != value:
                    return True
    return any((ref, repr(value)) in unequal for ref, value in equal.items())
