"""Values that a description gives to fields, checked by the field's own type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from metadata.compilation import Compilation, relocated
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Field
from metadata.problems import kind
from metadata.section import Element

NOT_WRITABLE = kind(
    "value_of_platform_field",
    en="“{name}” is kept by the platform and cannot be given a value. Remove it.",
    zh="“{name}”由平台维护，不能赋值，请删除。",
)

LINKS = frozenset({"link", "links", "any_link", "user", "unit", "children", "file", "files", "image", "signature"})
"""Their values name other records by title or key, which only the database knows."""
GIVEN = frozenset({"owner", "unit", "currency"})


def check_value(element: Element, compilation: Compilation, field: Field, value: Any, *path: str) -> None:
    """Note what is wrong with a value given to a field at a place of an element."""
    if field.type == "sequence" or field.computed is not None or (field.system and field.id not in GIVEN):
        compilation.refuse(NOT_WRITABLE, element, *path, at_key=True, name=field.key)
        return
    if field.type in LINKS:
        return
    try:
        registry.of(field).parse(field, value)
    except ValueProblem as found:
        compilation.problems.append(relocated(replace(found.problem, path=""), element, path))
