"""Section `entities`: kinds of records, their fields and the links between them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.expressions.tree import (
    Compare,
    Constant,
    Expression,
    FieldRef,
    In,
    Logic,
    Node,
    Not,
    TextMatch,
    Truth,
    walk,
)
from metadata.model import Entity, Model, Part
from metadata.problems import Problem, kind, say
from metadata.remembering import Remembered
from metadata.section import Difference, Element, Reference, Section, differences, said_id
from metadata.sections.documenting import heading, table, words
from metadata.sections.entities.building import build
from metadata.sections.entities.computing import arrange, settle
from metadata.sections.entities.outline import Outline, outline, platform_fields
from metadata.sections.entities.relating import relate
from metadata.sections.entities.rule_parts import rule_references, rules_document
from metadata.sections.entities.ruling import rule_entities
from metadata.sections.naming import ALIAS_TAKEN

UNIQUE_WHERE = kind(
    "unique_condition",
    en="The condition of a unique may only compare fields of the record itself with fixed values. Simplify it.",
    zh="唯一约束的条件只能将本记录的字段与固定值比较，请简化。",
)

_SCHEMA = grammar.load("entities")
_FIELD = _SCHEMA["properties"]["fields"]["additionalProperties"]
FIELDS = grammar.field_grammar(_FIELD)
_FIELD_MAP = {**_SCHEMA["properties"]["fields"], "additionalProperties": {"type": "object"}}
_WITHOUT_FIELDS = {**_SCHEMA, "properties": {**_SCHEMA["properties"], "fields": _FIELD_MAP}}
GRAMMAR = grammar.entity_grammar(_SCHEMA, _WITHOUT_FIELDS, FIELDS)

_outlines: Remembered[tuple[str, str], Outline] = Remembered(5_000)


def check_grammar(element: Element) -> Iterable[Problem]:
    """The entity as a whole, then each field by its own type."""
    yield from GRAMMAR.problems(element.data, element.path, element.mark.key_position)
    if isinstance(element.data, Map):
        yield from _check_fields(element.data, element.data, element.path)


def _check_fields(entity: Map, holder: Map, path: str) -> Iterable[Problem]:
    fields = holder.get("fields")
    if not isinstance(fields, Map):
        return
    types = [each.get("type") for each in fields.values() if isinstance(each, Map)]
    platform = platform_fields(entity, [each for each in types if isinstance(each, str)])
    for key, data in fields.items():
        here, place = f"{path}.fields.{key}", fields.marks[key].key_position
        yield from FIELDS.problems(data, here, place, said_id(key, data) in platform)
        if isinstance(data, Map) and data.get("type") == "links":
            yield from _check_fields(Map(), data, here)


def compile(compilation: Compilation) -> None:
    elements = compilation.elements["entities"].values()
    for element in elements:
        compilation.outlines[element.id] = _outlines.get((element.id, element.source), partial(outline, element))
    compilation.untyped.update(id for id, each in compilation.outlines.items() if each.untyped)
    ties = relate(compilation, compilation.outlines)
    for id, each in compilation.outlines.items():
        compilation.made["entities"][id] = build(each, ties[id], compilation)
    computed = settle(compilation)
    rule_entities(compilation)
    arrange(compilation, computed)


def checks(compilation: Compilation) -> None:
    """Former names, and conditions of uniques, which need every entity."""
    _check_aliases(compilation)
    for element in compilation.elements["entities"].values():
        unique = element.data.get("unique")
        entity: Entity = compilation.made["entities"][element.id]
        for key, data in unique.items() if isinstance(unique, Map) else ():
            where = data.get("where") if isinstance(data, Map) else None
            if not isinstance(where, str):
                continue
            path = ("unique", key, "where")
            found = compilation.expression(element, where, entity, *path)
            if found is not None and _reaches_out(found):
                compilation.refuse(UNIQUE_WHERE, element, *path)


def _check_aliases(compilation: Compilation) -> None:
    elements = compilation.elements["entities"].values()
    taken = {name for element in elements for name in (element.id, element.key)}
    for element in elements:
        for alias in element.data.get("aliases") or ():
            if alias in taken and alias != element.id:
                compilation.refuse(ALIAS_TAKEN, element, "aliases", alias, at_key=True, name=alias)
            taken.add(alias)


def _reaches_out(expression: Expression) -> bool:
    """Whether the condition needs more than the row itself, which no index can have, or more than comparisons: an
    index would go on with what a function of former days gave."""
    return any(_goes_beyond(each) for each in walk(expression.root))


def _goes_beyond(node: Node) -> bool:
    match node:
        case FieldRef(links=links):
            return bool(links)
        case Constant(name=name):
            return name is not None
        case TextMatch(part=part):
            return not isinstance(part, Constant)
    return not isinstance(node, (Compare, In, Logic, Not, Truth))


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    """Targets of links, option sets, and the fields that uniques and conditions mention."""
    for field_id, field in part["fields"].items():
        for target in field.get("to", ()):
            if not field.get("system"):
                yield Reference(("fields", field_id, "to"), "entities", target)
        if isinstance(named := field.get("props", {}).get("options"), str):
            yield Reference(("fields", field_id, "options"), "options", named)
        if isinstance(other := field.get("props", {}).get("depends_on"), str):
            yield Reference(("fields", field_id, "depends_on"), "entities", id, other)
        for read in (field.get("computed") or {}).get("reads", ()):
            yield Reference(("fields", field_id, "computed"), "entities", *read)
        if isinstance(by := field.get("props", {}).get("by"), str):
            yield Reference(("fields", field_id, "by"), "entities", field["props"]["of"], by)
    for name in ("title", "currency_from", "rate_date", "via"):
        if name in part:
            yield Reference((name,), "entities", id, part[name])
    for name in ("search", "default_sort"):
        for each in part.get(name, ()):
            yield Reference((name,), "entities", id, each.lstrip("-"))
    for index in part.get("indexes", ()):
        if "__" not in index["id"]:
            for each in index["fields"]:
                yield Reference(("indexes", index["id"]), "entities", id, each)
    yield from rule_references(id, part, model)


def difference(section: str, id: str, before: Part | None, after: Part | None) -> tuple[Difference, ...]:
    """What differs, with what a link does (on_delete, its related list, ...) told as a property of its field."""
    return differences(section, id, _told(before), _told(after))


_OF_LINKS = {
    "on_delete": "restrict",
    "on_merge": "move",
    "lives_with_parent": False,
    "follows_owner": False,
    "inverse": None,
    "inverse_label": None,
}
"""Properties of a relation with what they are where a part leaves them out."""


def _told(part: Part | None) -> Part | None:
    """A part without what follows from other entities: when this one is computed, and what is in a computed value."""
    if part is None:
        return None
    fields = {
        id: {**each, "computed": {name: value for name, value in each["computed"].items() if name != "reads"}}
        if "computed" in each
        else each
        for id, each in part["fields"].items()
    }
    own = {name: value for name, value in part.items() if name not in ("writers", "triggers", "shares_currency")}
    return _with_links({**own, "fields": fields})


def _with_links(part: Part | None) -> Part | None:
    if part is None or not part.get("relations"):
        return part
    fields = dict(part["fields"])
    for relation in part["relations"]:
        if relation["field"] in fields:
            said = {name: relation.get(name, usual) for name, usual in _OF_LINKS.items()}
            fields[relation["field"]] = {**fields[relation["field"]], **said}
    return {**part, "fields": fields}


def document(part: Part, lang: str, model: Model) -> str:
    """The fields of an entity and what links to it."""
    rows = [
        (f"`{each['key']}`", say(each["label"], lang), _type_of(each, model), _facts(each, lang))
        for each in part["fields"].values()
    ]
    head = (words(lang, "Key", "键"), words(lang, "Label", "名称"), words(lang, "Type", "类型"), "")
    text = heading(2, part["label"], lang, part["key"]) + "\n" + table(head, rows)
    text += rules_document(part, lang)
    related = [(f"`{each['inverse']}`", say(each["inverse_label"], lang)) for each in part.get("inverses", ())]
    if related:
        text += "\n" + table((words(lang, "Related list", "关联列表"), words(lang, "Label", "名称")), related)
    return text


def _type_of(field: Part, model: Model) -> str:
    targets = [model.index["entities"][each]["key"] for each in field.get("to", ()) if each in model.index["entities"]]
    return f"{field['type']} → {', '.join(targets)}" if targets else str(field["type"])


def _facts(field: Part, lang: str) -> str:
    facts = []
    if field.get("required"):
        facts.append(words(lang, "required", "必填"))
    if field.get("unique"):
        facts.append(words(lang, "unique", "唯一"))
    if field.get("help"):
        facts.append(say(field["help"], lang))
    return "; ".join(facts)


SECTION = Section(
    name="entities",
    grammar=GRAMMAR,
    check_grammar=check_grammar,
    identity=said_id,
    compile=compile,
    checks=checks,
    references=references,
    difference=difference,
    documentation=document,
)
