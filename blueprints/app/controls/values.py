"""Controls of the field types beyond the first ones: each family says how its types are shown in a form and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.app.controls.base import Control, Family, Form, Option, Reading, Sent
from blueprints.app.controls.choices import marked
from blueprints.app.controls.typed import LongText, Typed
from metadata import divisions
from metadata.fieldtypes import addresses, persons, registry
from metadata.fieldtypes.base import ValueProblem
from metadata.model import Field


class RichText(LongText):
    """HTML in a text area, of which a script makes an editor. Whatever comes is sanitised by the field type."""

    kind = "rich_text"
    wide = True


class Hinted(Typed):
    """One line with an example in it; a script asks how it is understood."""

    checked = True

    def __init__(self, kind: str = "input", hint: str = "", inputmode: str = "") -> None:
        self.kind, self.hint, self.inputmode = kind, hint, inputmode

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "hint": form.words(self.hint) if self.hint else ""}


class Time(Typed):
    """The browser's own control; seconds where there are any."""

    kind = "time"
    input = "time"

    def text(self, form: Form, field: Field, value: Any) -> str:
        kind = registry.of(field)
        return kind.write_text(field, kind.parse(field, value), form.context)


class Region(Hinted):
    """A path of names that can be typed; a script makes lists of province, city and district out of it."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        found = super().parts(form, field, value)
        return {**found, "more": {"code": value or "", "level": str(field.props.get("level", ""))}}


class Rating(Family):
    """Stars to choose, and none of them."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        most = registry.of(field).json_schema(field)["maximum"]
        options = tuple(Option(str(each), str(each), each == value) for each in range(most + 1))
        return {"kind": "rating", "options": options, "group": True}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {"options": marked(parts["options"], [sent.last(field.key)])}

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        chosen = [each.value for each in control.options if each.chosen]
        return {field.key: ["", *(chosen or ([] if control.required else [""]))]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        if field.key not in sent:
            return False, None, []
        kind = registry.of(field)
        try:
            return True, kind.read_text(field, sent.last(field.key), form.context), []
        except ValueProblem:
            return True, sent.last(field.key), []


class Parted(Family):
    """A value of several parts, an input for each (`address.city`), under a hidden one that says it is there.

    In a cell there is one line, as an import reads it; what is typed there stands under the key itself.
    """

    wide = True
    names_of_parts: tuple[str, ...]

    def __init__(self, kind: str, names: tuple[str, ...]) -> None:
        self.kind, self.names_of_parts = kind, names

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        if form.compact:
            return self._line("" if value is None else self._written(form, field, value))
        held = value if isinstance(value, Mapping) else {}
        return {
            "kind": self.kind,
            "text": "",
            "group": True,
            "more": {"values": {each: self.part_text(form, field, each, held) for each in self.names_of_parts}}
            | self.more(form, field),
        }

    def more(self, form: Form, field: Field) -> dict[str, Any]:
        return {}

    def part_text(self, form: Form, field: Field, part: str, held: Mapping[str, Any]) -> str:
        return str(held.get(part) or "")

    def part_value(self, form: Form, field: Field, part: str, text: str) -> Any:
        return text.strip() or None

    def _line(self, text: str) -> dict[str, Any]:
        return {"kind": "input", "input": "text", "text": text, "group": False}

    def _written(self, form: Form, field: Field, value: Any) -> str:
        kind = registry.of(field)
        return kind.write_text(field, kind.parse(field, value), form.context)

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        if parts["kind"] == "input" or sent.last(field.key).strip():
            return self._line(sent.last(field.key))
        held = dict(parts["more"]["values"])
        held |= {each: sent.last(f"{field.key}.{each}") for each in held if f"{field.key}.{each}" in sent}
        return {"more": {**parts["more"], "values": held}}

    def names(self, field: Field) -> tuple[str, ...]:
        return (field.key, *(f"{field.key}.{each}" for each in self.names_of_parts))

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        if control.kind == "input":
            return {field.key: [control.text]} | {f"{field.key}.{each}": [] for each in self.names_of_parts}
        values = control.more["values"]
        return {field.key: [""]} | {f"{field.key}.{each}": [values[each]] for each in self.names_of_parts}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        if field.key not in sent:
            return False, None, []
        line = sent.last(field.key)
        if line.strip():
            kind = registry.of(field)
            try:
                value = kind.read_text(field, line, form.context)
            except ValueProblem:
                return True, line, []
            return True, None if value is None else kind.dump(field, value), []
        given = {each: sent.last(f"{field.key}.{each}") for each in self.names_of_parts}
        found = {each: value for each, text in given.items() if (value := self.part_value(form, field, each, text))}
        return True, found if self.is_something(field, found) else None, []

    def is_something(self, field: Field, found: Mapping[str, Any]) -> bool:
        return bool(found)


class PersonName(Parted):
    """Family name first where the person reads Chinese."""

    def more(self, form: Form, field: Field) -> dict[str, Any]:
        order = ("family", "given") if form.words.lang == "zh" else ("given", "middle", "family")
        rest = tuple(each for each in self.names_of_parts if each not in order)
        return {"order": order, "rest": rest}


class Address(Parted):
    """The parts that the country has: a division in China, state and city elsewhere; a script shows those of it."""

    def more(self, form: Form, field: Field) -> dict[str, Any]:
        countries = addresses.countries(form.words.lang)
        return {"countries": countries, "home": addresses.home(field)}

    def part_text(self, form: Form, field: Field, part: str, held: Mapping[str, Any]) -> str:
        text = super().part_text(form, field, part, held)
        if part == "country":
            return text or addresses.home(field)
        return divisions.path(text, form.words.lang) if part == "region" and text else text

    def part_value(self, form: Form, field: Field, part: str, text: str) -> Any:
        found = divisions.find(text) if part == "region" else ()
        return found[0] if len(found) == 1 else super().part_value(form, field, part, text)

    def is_something(self, field: Field, found: Mapping[str, Any]) -> bool:
        return bool(set(found) - {"country"})


class Secret(Family):
    """A text that is never shown again: left empty it stays as it is, a box takes it away."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {"kind": "secret", "input": "password", "text": "", "more": {"set": value is not None}}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {}  # not sent back to a page, where it would be kept

    def names(self, field: Field) -> tuple[str, ...]:
        return (field.key, f"{field.key}.remove")

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: [""], f"{field.key}.remove": []}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        if sent.last(f"{field.key}.remove"):
            return True, None, []
        text = sent.last(field.key)
        return bool(text), text or None, []


FAMILIES: Mapping[str, Family] = {
    "rich_text": RichText(),
    "time": Time(),
    "duration": Hinted(hint="value_duration_hint"),
    "rating": Rating(),
    "color": Hinted("color", "value_color_hint"),
    "person_name": PersonName("person_name", persons.PARTS),
    "address": Address("address", addresses.PARTS),
    "region": Region("region", "value_region_hint"),
    "location": Hinted("location", "value_location_hint"),
    "barcode": Hinted(),
    "secret": Secret(),
}
"""Field type -> its family. Macros for kinds of their own stand in templates/controls_values.html."""
