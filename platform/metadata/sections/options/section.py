"""Section `options`: option sets that several choice fields share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metadata import grammar
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.model import Model, Part
from metadata.parts import dump
from metadata.problems import say
from metadata.section import (
    Element,
    Reference,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    nothing_further,
    said_id,
)
from metadata.sections.documenting import heading, table, words
from metadata.sections.options.reading import options_of

GRAMMAR = grammar.grammar(grammar.load("options"))


def compile_set(element: Element, compilation: Compilation) -> Any:
    options = element.data.get("options")
    return {
        "id": element.id,
        "key": element.key,
        "label": label_of(element.data, element.key),
        "options": [dump(each) for each in options_of(options)] if isinstance(options, Map) else [],
    }


def references(id: str, part: Part, model: Model) -> Iterable[Reference]:
    return ()


def document(part: Part, lang: str, model: Model) -> str:
    rows = [
        (f"`{each['key']}`", say(each["label"], lang), words(lang, "retired", "已停用") if each.get("retired") else "")
        for each in part["options"]
    ]
    head = (words(lang, "Key", "键"), words(lang, "Label", "名称"), "")
    return heading(2, part["label"], lang, part["key"]) + "\n" + table(head, rows)


SECTION = Section(
    name="options",
    grammar=GRAMMAR,
    check_grammar=grammar_only("options", GRAMMAR),
    identity=said_id,
    compile=each_element("options", compile_set),
    checks=nothing_further,
    references=references,
    difference=differences,
    documentation=document,
)
