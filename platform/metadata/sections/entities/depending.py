"""Options that depend on another choice of the same record: `depends_on` of a field, `for` of its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from metadata.compilation import NO_SUCH, problem_at
from metadata.documents.marked import Map
from metadata.explaining import nearest
from metadata.model import EMPTY, Field, Option
from metadata.problems import Problem, kind
from metadata.sections.entities.outline import Outline

Report = Callable[[Problem], None]

NOT_A_CHOICE = kind(
    "option_depends_on_type",
    en="“{name}” is of type {type}; options can only depend on another field of type choice. Name one.",
    zh="“{name}”的类型是 {type}；选项只能依赖另一个 choice 类型的字段，请改为该类型的字段。",
)
CIRCLE = kind(
    "option_depends_circle",
    en="The options of “{name}” depend on themselves ({names}). Break the circle.",
    zh="“{name}”的选项最终依赖自身（{names}），请断开循环。",
)
NOT_OFFERED = kind(
    "option_never_offered",
    en="“{name}” names options in `for`, but its field does not say `depends_on`. Name the field that they belong to.",
    zh="“{name}”在 `for` 中指定了选项，但其字段没有 `depends_on`。请指定它们所属的字段。",
)


def settle_dependencies(outline: Outline, fields: dict[str, Field], report: Report) -> None:
    """Resolve what each field depends on, and the options of it that its own options name, to ids.

    A shared option set may say `for` and be used by fields that depend on nothing: these offer all of it.
    """
    for each in [field for field in fields.values() if field.options]:
        other = _other(outline, fields, each, report)
        if other is None:
            fields[each.id] = replace(each, options=_free(outline, each, report), props=_without(each))
        else:
            options = tuple(_settled(outline, each, other, option, report) for option in each.options)
            fields[each.id] = replace(each, options=options, props={**each.props, "depends_on": other.id})
    _report_circles(outline, fields, report)


def _other(outline: Outline, fields: Mapping[str, Field], field: Field, report: Report) -> Field | None:
    said = field.props.get("depends_on")
    if not isinstance(said, str):
        return None
    at = (*outline.fields[field.id].at, "depends_on")
    found = fields.get(said) or fields.get(outline.names.get(said, ""))
    if found is None:
        keys = [each.key for each in fields.values() if each.type == "choice"]
        params = {"name": said, "where": outline.label}
        report(problem_at(NO_SUCH, outline.element, at, False, nearest(said, keys), **params))
    elif found.type != "choice":
        report(problem_at(NOT_A_CHOICE, outline.element, at, name=said, type=found.type))
    else:
        return found
    return None


def _without(field: Field) -> Mapping[str, object]:
    return {name: value for name, value in field.props.items() if name != "depends_on"} or EMPTY


def _free(outline: Outline, field: Field, report: Report) -> tuple[Option, ...]:
    own = isinstance(outline.fields[field.id].data.get("options"), Map) if field.id in outline.fields else False
    for option in field.options:
        if own and option.given and "depends_on" not in field.props:
            at = (*outline.fields[field.id].at, "options", option.key, "for")
            report(problem_at(NOT_OFFERED, outline.element, at, True, name=option.key))
    return tuple(replace(each, given=()) if each.given else each for each in field.options)


def _settled(outline: Outline, field: Field, other: Field, option: Option, report: Report) -> Option:
    if not option.given:
        return option
    ids = []
    for name in option.given:
        found = other.option(name)
        if found is not None:
            ids.append(found.id)
            continue
        at = outline.fields[field.id].at
        if isinstance(outline.fields[field.id].data.get("options"), Map):
            at = (*at, "options", option.key, "for", name)
        keys = [each.key for each in other.options]
        report(problem_at(NO_SUCH, outline.element, at, True, nearest(name, keys), name=name, where=other.label))
    return replace(option, given=tuple(ids))


def _report_circles(outline: Outline, fields: Mapping[str, Field], report: Report) -> None:
    for each in fields.values():
        walked, at = [each.id], each.props.get("depends_on")
        while isinstance(at, str) and at in fields and at not in walked:
            walked.append(at)
            at = fields[at].props.get("depends_on")
        if at == each.id:
            names = tuple(fields[id].key for id in walked)
            path = (*outline.fields[each.id].at, "depends_on")
            report(problem_at(CIRCLE, outline.element, path, name=each.key, names=names))
