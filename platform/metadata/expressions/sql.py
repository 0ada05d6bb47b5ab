"""Which conditions a database can answer: what it cannot is refused where a filter, view or permission is saved."""

from __future__ import annotations

from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.tree import Call, Changed, FieldRef, Node, walk
from metadata.problems import Problem, kind

not_in_sql = kind(
    "expression_not_in_sql",
    en="“{name}” works in rules and formulas, but not where records are searched or permitted. Keep its result in a "
    "formula field and ask for that field.",
    zh="“{name}”可用于规则和公式，不能用于筛选或权限。请将结果存入公式字段，再按该字段筛选。",
)
needs_save = kind(
    "expression_needs_save",
    en="“{name}” asks what a save changes, and nothing is saved here. Leave it out.",
    zh="“{name}”用于判断保存时的变化，此处没有保存。请去掉。",
)


class NotInSql(ExpressionInvalid):
    """An expression that is understood but that no database can answer."""


def unsaid(node: Node) -> str | None:
    """The name of the first function in a tree that SQL cannot say; None when it can say all of it."""
    for each in walk(node):
        match each:
            case Call(function=function) if not FUNCTIONS[function].sql:
                return function
            case FieldRef(old=True):
                return "old"
            case Changed():
                return "changed"
            case _:
                continue
    return None


def sql_problem(node: Node) -> Problem | None:
    """What is wrong with a condition that is to be asked of a database, if anything is."""
    name = unsaid(node)
    if name is None:
        return None
    return needs_save(name=name) if name in ("old", "changed") else not_in_sql(name=name)


def require_sql(node: Node) -> None:
    """Raises NotInSql."""
    problem = sql_problem(node)
    if problem is not None:
        raise NotInSql(problem)
