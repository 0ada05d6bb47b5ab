"""Section `pools`: records that nobody owns, for members to claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metadata import grammar
from metadata.compilation import SECTION_LABELS, Compilation
from metadata.documents.marked import Map
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.tree import Call, Constant, Expression, FieldRef, Over, walk
from metadata.model import EMPTY, Entity, Model, Part
from metadata.pools import Pool
from metadata.problems import kind, say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.pools import recycling
from metadata.sections.views.section import mentioned

NOT_POOLED = kind(
    "pool_entity_not_pooled",
    en="Records of {entity} cannot lie in a pool. Make it `owned: true` and `pooled: true`.",
    zh="{entity}的记录不能进入公海。请将实体设为 `owned: true` 和 `pooled: true`。",
)
NOT_OF_ITS_OWN = kind(
    "pool_condition",
    en="A pool's condition may use the record's own fields only, and nothing that depends on who asks or on the time. "
    "Leave {name} out.",
    zh="公海条件只能使用记录自身的字段，且不能取决于操作人或时间。请去掉 {name}。",
)

GRAMMAR = grammar.grammar(grammar.load("pools"))
PER_CALL = 20
_OF_ELSEWHERE = frozenset({"date", "hour"})
"""Functions whose answer depends on a zone."""


def compile_pool(element: Element, compilation: Compilation) -> Pool | None:
    data = element.data
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    if not entity.pooled:
        compilation.refuse(NOT_POOLED, element, "entity", entity=entity.label)
    claim, hold = _map(data, "claim"), _map(data, "hold")
    return Pool(
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        entity=entity.id,
        where=_condition(element, compilation, entity, data.get("where"), "where"),
        members=tuple(_roles(element, compilation, "members")),
        admins=tuple(_roles(element, compilation, "admins")),
        per_day=claim.get("per_day"),
        per_call=claim.get("per_call", PER_CALL),
        cooldown_days=claim.get("cooldown_days"),
        hold=hold.get("most"),
        hold_where=_condition(element, compilation, entity, hold.get("where"), "hold", "where"),
        recycle=recycling.rules(element, compilation, entity),
        remind_before_days=recycling.remind_before(element, compilation),
    )


def _map(data: Map, name: str) -> Any:
    found = data.get(name)
    return found if isinstance(found, Map) else EMPTY


def _condition(element: Element, compilation: Compilation, entity: Entity, text: Any, *path: str) -> str | None:
    """A condition that is decided by the record alone, so that a record is where it is whoever looks."""
    if not isinstance(text, str):
        return None
    expression = compilation.expression(element, text, entity, *path)
    other = None if expression is None else _foreign(expression)
    if other is not None:
        compilation.refuse(NOT_OF_ITS_OWN, element, *path, name=other)
    return text


def _foreign(expression: Expression) -> str | None:
    for node in walk(expression.root):
        match node:
            case Constant(name=str(name)):
                return name
            case FieldRef(links=links) if links:
                return ".".join([*(link for _, link, _ in links), node.field])
            case Over(op=op):
                return f"{op}(..)"
            case Call(function=function) if function in _OF_ELSEWHERE or not FUNCTIONS[function].sql:
                return f"{function}(..)"
            case _:
                continue
    return None


def _roles(element: Element, compilation: Compilation, name: str) -> Iterable[str]:
    for role in _map(element.data, name):
        id = compilation.resolve("roles", role)
        if id is None:
            labels = SECTION_LABELS["roles"]
            compilation.unknown(element, role, compilation.known("roles"), labels, name, role, at_key=True)
        else:
            yield id


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    yield Reference(("entity",), "entities", part["entity"])
    for name in ("members", "admins"):
        for role in part.get(name, ()):
            yield Reference((name, role), "roles", role)
    for name, at in (("where", ("where",)), ("hold_where", ("hold", "where"))):
        for entity, field in mentioned(model, part["entity"], part[name]) if name in part else ():
            yield Reference(at, "entities", entity, field)
    yield from recycling.references(part, model)


def document(part: Part, lang: str, model: Model) -> str:
    entity = model.entity(part["entity"])
    rows = [
        (words(lang, "Records", "记录"), say(entity.label, lang) if entity else part["entity"]),
        (words(lang, "Condition", "条件"), f"`{part['where']}`" if "where" in part else "–"),
        (words(lang, "Members", "成员"), ", ".join(part.get("members", ()))),
        (words(lang, "Administrators", "管理员"), ", ".join(part.get("admins", ())) or "–"),
        (words(lang, "Claims a day", "每日领取上限"), str(part.get("per_day", "–"))),
        (words(lang, "Days before claiming again", "再次领取间隔（天）"), str(part.get("cooldown_days", "–"))),
        (words(lang, "Records a member may own", "成员持有上限"), str(part.get("hold", "–"))),
    ]
    return heading(2, part["label"], lang, part["key"]) + "\n" + table(("", ""), rows) + recycling.document(part, lang)


SECTION = Section(
    name="pools",
    grammar=GRAMMAR,
    check_grammar=grammar_only("pools", GRAMMAR),
    identity=said_id,
    compile=each_element("pools", compile_pool),
    checks=recycling.check,
    references=references,
    difference=differences,
    documentation=document,
)
