"""Conditions of roles (rows and fields) as checked expressions: what they may say, and that a database can say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from weakref import WeakKeyDictionary

from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.names import Entities, Scope
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import (
    Call,
    Compare,
    Constant,
    Either,
    Expression,
    FieldRef,
    Logic,
    Node,
    Not,
    Over,
    Truth,
    walk,
)
from metadata.model import Entity, Model
from metadata.problems import Problem, kind

NOT_IN_SQL = kind(
    "policy_not_in_sql",
    en="“{name}” cannot be asked of a whole list, so rights cannot depend on it. Keep what it gives in a field.",
    zh="“{name}”无法用于整个列表，因此不能作为权限条件。请将其结果保存在字段中。",
)
OF_TIME = kind(
    "policy_of_time",
    en="{field} changes as time goes by and is kept nowhere, so rights cannot depend on it. Write here what it says: "
    "{value}.",
    zh="{field}随时间变化且不存储，因此不能作为权限条件。请在此直接写出其公式：{value}。",
)
NO_LISTS = kind(
    "policy_lists",
    en="Rights cannot depend on a list of other records ({name}). Keep the answer in a field of the record.",
    zh="权限不能取决于其他记录的列表（{name}）。请将结果保存在该记录的字段中。",
)


def scope_of(entities: Entities, role: Callable[[str], str | None]) -> Scope:
    """What a condition of a role may name: every field, and who asks. There is no save to look at."""
    return Scope(entities, role=role)


def unsayable(expression: Expression, entities: Entities) -> list[Problem]:
    """What a database cannot say of the condition, or of a record in memory nobody: so the role is refused."""
    found = []
    for node in walk(expression.root):
        if isinstance(node, FieldRef):
            holder = entities(node.entity)
            computed = None if holder is None else holder.fields[node.field].computed
            if holder is not None and computed is not None and not computed.stored:
                found.append(OF_TIME(field=holder.fields[node.field].label, value=computed.value))
        elif isinstance(node, Call) and not FUNCTIONS[node.function].sql:
            found.append(NOT_IN_SQL(name=node.function))
        elif isinstance(node, Over):
            found.append(NO_LISTS(name=node.op))
    return found


def condition_of(model: Model, entity: Entity, text: str) -> Expression:
    """The checked condition of a role that the compiler has let through."""
    kept = _KEPT.setdefault(model, {})
    key = (entity.id, text)
    if key not in kept:
        kept[key] = _closed(parse_in(text, entity, scope_of(model.entity, lambda name: _role_id(model, name))))
    return kept[key]


def _closed(expression: Expression) -> Expression:
    """Nobody gets a right by what he lacks: where the one who asks has no value, no record equals it.

    Elsewhere empty equals empty. `region == $user.region` becomes `region == $user.region and region != null`.
    """
    null = Constant("null", len(expression.values))
    return replace(expression, root=_met(expression.root, True, null), values=(*expression.values, None))


def _met(node: Node, grants: bool, null: Constant) -> Node:
    """`grants`: whether more is allowed when the node is true; under `not` it is when it is false."""
    match node:
        case Logic(op=op, parts=parts):
            return Logic(op, tuple(_met(each, grants, null) for each in parts))
        case Not(part=part):
            return Not(_met(part, not grants, null))
        case Truth(part=part):
            return Truth(_met(part, grants, null))
        case Either(condition=asked, then=then, otherwise=otherwise, kind=kind_):
            return Either(_met(asked, True, null), _met(then, grants, null), _met(otherwise, grants, null), kind_)
        case Call(function=function, arguments=arguments, kind=kind_):
            return Call(function, tuple(_met(each, grants, null) for each in arguments), kind_)
        case Compare(op=op, left=left, right=right):
            made = Compare(op, _met(left, True, null), _met(right, True, null))
            compared = _with_asker(left, right) if op == ("==" if grants else "!=") else None
            if compared is None:
                return made
            return Logic("and" if grants else "or", (made, Compare("!=" if grants else "==", compared, null)))
    return node


def _with_asker(left: Node, right: Node) -> Node | None:
    """What is compared with a value of the one who asks, where both may be empty."""
    for asker, other in ((right, left), (left, right)):
        literal = isinstance(other, Constant) and other.name is None
        if not literal and any(isinstance(each, Constant) and _of_asker(each) for each in walk(asker)):
            return other
    return None


def _of_asker(constant: Constant) -> bool:
    return (constant.name or "").startswith("$user.")


def _role_id(model: Model, name: str) -> str | None:
    found = model.role(name)
    return None if found is None else found.id


_KEPT: WeakKeyDictionary[Model, dict[tuple[str, str], Expression]] = WeakKeyDictionary()
"""As many as the roles of a model say: no request can add one."""
