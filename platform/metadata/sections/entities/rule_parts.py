"""Rules of an entity as others ask about them: what they mention, and what the documentation says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from metadata.expressions.holes import parse_text
from metadata.expressions.names import Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from metadata.fieldtypes import registry
from metadata.model import EMPTY, Entity, Model, Part
from metadata.problems import Label, PlatformError, say
from metadata.rules import Rule, scope_of_rules
from metadata.section import Reference
from metadata.sections.documenting import heading, table, words


def rule_references(id: str, part: Part, model: Model) -> Iterator[Reference]:
    """Every field and role that the rules of an entity mention."""
    entity = model.entity(id)
    for data in part.get("rules", ()):
        rule = next((each for each in entity.rules if each.id == data["id"]), None) if entity is not None else None
        if rule is None or entity is None:
            continue
        at = ("rules", rule.id)
        for path, read in sorted(set(_mentioned(rule, entity, model))):
            yield Reference((*at, *path), "entities", *read)
        for path, field in _named_by(rule):
            yield Reference((*at, *path), "entities", id, field)


def _named_by(rule: Rule) -> Iterator[tuple[tuple[str, ...], str]]:
    for action in ("require", "read_only", "hide", "options"):
        yield from (((action, each), each) for each in getattr(rule, action))
    yield from ((("set", each), each) for each in rule.set if each not in rule.cleared)
    if rule.reject is not None and rule.reject.field is not None:
        yield ("reject", "field"), rule.reject.field


def _mentioned(rule: Rule, entity: Entity, model: Model) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    scope = scope_of_rules(model)
    texts: list[tuple[tuple[str, ...], Expression]] = []
    try:
        if rule.when is not None:
            texts.append((("when",), parse_in(rule.when, entity, scope)))
        for id, text in rule.set.items():
            field = entity.fields[id]
            texts.append((("set", id), parse_in(text, entity, scope, Wanted(registry.of(field).kind, field))))
        for lang, text in rule.reject.message.items() if rule.reject is not None else ():
            parts = parse_text(text, entity, scope)
            texts += [(("reject", "message", lang), each.expression) for each in parts if not isinstance(each, str)]
    except PlatformError:
        return
    for path, expression in texts:
        for read in expression.reads():
            yield path, read


def rules_document(part: Part, lang: str) -> str:
    """The rules of an entity as a table."""
    rules: Iterable[Part] = part.get("rules", ())
    rows = [(say(each["label"], lang), _when_text(each, lang), _what(each, part, lang)) for each in rules]
    if not rows:
        return ""
    head = (words(lang, "Rule", "规则"), words(lang, "When", "条件"), words(lang, "Then", "结果"))
    title: Label = {"en": "Rules", "zh": "规则"}
    return "\n" + heading(3, title, lang) + "\n" + table(head, rows)


_ON: Mapping[str, tuple[str, str]] = {"create": ("on create", "新建时"), "update": ("on change", "修改时")}
_VERBS: Mapping[str, tuple[str, str]] = {
    "require": ("needed", "必填"),
    "hide": ("hidden", "隐藏"),
    "read_only": ("not changeable", "只读"),
    "options": ("options", "选项"),
}


def _when_text(rule: Part, lang: str) -> str:
    when = f"`{rule['when']}`" if "when" in rule else words(lang, "always", "始终")
    return f"{when} ({words(lang, *_ON[rule['on']])})" if "on" in rule else when


def _what(rule: Part, part: Part, lang: str) -> str:
    def label(id: str) -> str:
        return say(part["fields"][id]["label"], lang)

    found = [
        f"{words(lang, *verb)}: {', '.join(label(each) for each in rule[action])}"
        for action, verb in _VERBS.items()
        if action in rule
    ]
    hidden = rule.get("hide", EMPTY)
    found += [f"{label(id)} = `{text}`" for id, text in rule.get("set", EMPTY).items() if not hidden.get(id)]
    if "reject" in rule:
        warn = words(lang, "warning", "提醒") if rule["reject"].get("warn") else words(lang, "refused", "拒绝")
        found.append(f"{warn}: {say(rule['reject']['message'], lang)}")
    return "; ".join(found)
