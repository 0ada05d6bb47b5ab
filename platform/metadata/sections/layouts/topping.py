"""What a layout says about the whole page: whom it is for, the steps on top, the fields of the short form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from metadata.compilation import SECTION_LABELS, Compilation
from metadata.documents.marked import Map
from metadata.model import Entity, Layout
from metadata.problems import kind
from metadata.section import Element

NO_STEPS = kind(
    "layout_stage_no_choice",
    en="“{name}” is not a choice. A stage bar shows the options of a field of type choice as its steps.",
    zh="“{name}”不是单选字段。阶段条以 choice 类型字段的选项为步骤。",
)
NOT_ENTERED = kind(
    "layout_quick_not_entered",
    en="“{name}” is not something that people enter in a short form: it is a list of other records, or kept by the "
    "platform. Take it out of `quick`.",
    zh="“{name}”无法在快捷表单中填写：它是其他记录的列表，或由平台维护。请从 `quick` 中移除。",
)
NEVER_SHOWN = kind(
    "layout_never_shown",
    en="The layout “{other}” comes first for everybody who would see this one. Name other `roles`, or put it first.",
    zh="会看到此布局的人都先匹配到布局“{other}”。请在此指定其他 `roles`，或将其排在前面。",
)

_KEPT = frozenset({"owner", "unit", "currency"})
"""Fields of the platform that people may enter."""
_LISTS = frozenset({"children"})
_COUNTED = frozenset({"sequence"})


def roles(element: Element, compilation: Compilation) -> Iterable[str]:
    named = element.data.get("roles")
    for name in named if isinstance(named, Map) else ():
        id = compilation.resolve("roles", name)
        if id is None:
            known = compilation.known("roles")
            compilation.unknown(element, name, known, SECTION_LABELS["roles"], "roles", name, at_key=True)
        else:
            yield id


def props(element: Element, entity: Entity, compilation: Compilation) -> Mapping[str, Any]:
    """`stage` and `quick`, each only when it is said."""
    found: dict[str, Any] = {}
    stage = _stage(element, entity, compilation)
    if stage is not None:
        found["stage"] = stage
    quick = tuple(dict.fromkeys(_quick(element, entity, compilation)))
    if quick:
        found["quick"] = quick
    return found


def _stage(element: Element, entity: Entity, compilation: Compilation) -> str | None:
    name = element.data.get("stage")
    field = compilation.named_field(element, entity, name, "stage", at_key=False) if isinstance(name, str) else None
    if field is None:
        return None
    if field.type != "choice":
        compilation.refuse(NO_STEPS, element, "stage", name=name)
        return None
    return field.id


def _quick(element: Element, entity: Entity, compilation: Compilation) -> Iterable[str]:
    named = element.data.get("quick")
    for name in named if isinstance(named, Map) else ():
        field = compilation.named_field(element, entity, name, "quick", name)
        if field is None:
            continue
        if field.type in _LISTS | _COUNTED or (field.system and field.id not in _KEPT):
            compilation.refuse(NOT_ENTERED, element, "quick", name, at_key=True, name=name)
            continue
        yield field.id


def checks(compilation: Compilation) -> None:
    """A layout that nobody gets is a mistake: an earlier one is for everybody, or for all of its roles."""
    before: dict[str, list[Layout]] = {}
    for element in compilation.elements["layouts"].values():
        layout = compilation.made["layouts"].get(element.id)
        if layout is None:
            continue
        earlier = before.setdefault(layout.entity, [])
        taken = {role for each in earlier for role in each.roles}
        for each in earlier:
            hides = not each.roles and not layout.roles
            if hides or (layout.roles and set(layout.roles) <= taken and set(layout.roles) & set(each.roles)):
                compilation.warn(NEVER_SHOWN, element, other=each.key)
                break
        earlier.append(layout)
