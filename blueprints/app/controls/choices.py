"""Controls to choose from fixed options: yes or no, one of some, several of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blueprints.app import cells
from blueprints.app.controls.base import Control, Family, Form, Option, Reading, Sent
from metadata.model import Field
from metadata.problems import say

SEGMENTS = 5
"""So many options stand side by side as buttons; more are a list to choose from."""
_SEGMENT_TEXT = 44
"""And no more characters than this, or the buttons would not fit into a column."""


class Boolean(Family):
    """A switch. One that was never touched is still nothing, not a no."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {"kind": "boolean", "text": "true" if value is True else "false"}

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: ["false", "true"] if control.text == "true" else ["false"]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        return field.key in sent, sent.last(field.key) == "true", []


class Choice(Family):
    """One option: buttons for a few, else a list."""

    def asked(self, form: Form, field: Field) -> list[str]:
        return [*super().asked(form, field), *_asked_too(form, field)]

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        options = options_of(form, field, {value})
        few = len(options) <= SEGMENTS and sum(len(each.label) for each in options) <= _SEGMENT_TEXT
        return {"kind": "segments" if few and not form.compact else "select", **_dependent(form, field, options)}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {"options": marked(parts["options"], [sent.last(field.key)])}

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        chosen = [each.value for each in control.options if each.chosen]
        if control.kind == "segments":  # the hidden twin, and the button for nothing where there is one
            return {field.key: ["", *(chosen or ([] if control.required else [""]))]}
        return {field.key: chosen or [""]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        return field.key in sent, sent.last(field.key) or None, []


class MultiChoice(Family):
    """Several options as boxes; a script makes chips with a search out of many."""

    wide = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {"kind": "choices", **_dependent(form, field, options_of(form, field, set(value or ())))}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {"options": marked(parts["options"], sent.all(field.key))}

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: ["", *(each.value for each in control.options if each.chosen)]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        return field.key in sent, [each for each in sent.all(field.key) if each] or None, []


def options_of(form: Form, field: Field, chosen: set[Any]) -> tuple[Option, ...]:
    """Every option that may be chosen, and those that stand although they are retired."""
    other = depends_on(form, field)
    return tuple(
        Option(
            each.key,
            say(each.label, form.words.lang),
            each.key in chosen,
            each.color or "",
            given=_keys(other, each.given) if other is not None else (),
        )
        for each in field.options
        if not each.retired or each.key in chosen
    )


def depends_on(form: Form, field: Field) -> Field | None:
    """The field with whose option the options of this one are possible, if the actor may read it."""
    id = field.props.get("depends_on")
    found = form.entity.fields.get(id) if id is not None else None
    return found if found is not None and cells.shown(form.ws, form.entity, found.id) is not None else None


def _keys(other: Field, ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(found.key for id in ids if (found := other.option(id)) is not None)


def _asked_too(form: Form, field: Field) -> list[str]:
    other = depends_on(form, field)
    return [other.key] if other is not None else []


def _dependent(form: Form, field: Field, options: tuple[Option, ...]) -> dict[str, Any]:
    """All options with what they depend on, for a script to narrow; alone, those that are possible."""
    other = depends_on(form, field)
    if other is None:
        return {"options": options}
    if form.alone:
        value = form.record.get(other.key)
        return {"options": tuple(each for each in options if not each.given or value in each.given or each.chosen)}
    return {"options": options, "depends": form.prefix + other.key}


def marked(options: Iterable[Option], values: Sequence[str]) -> tuple[Option, ...]:
    """The options with those chosen that were sent."""
    return tuple(replace(each, chosen=each.value in values) for each in options)


FAMILIES: Mapping[str, Family] = {"boolean": Boolean(), "choice": Choice(), "multi_choice": MultiChoice()}
