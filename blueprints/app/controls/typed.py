"""Controls that people type into: one line, many lines, numbers, dates, contacts, tags, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from blueprints.app.controls import addresses, shortcuts
from blueprints.app.controls.base import Family, Form, Reading, Sent
from metadata import mentions
from metadata.fieldtypes import registry
from metadata.fieldtypes.base import Masked, ValueProblem
from metadata.fieldtypes.dates import local
from metadata.folding import plain
from metadata.model import Field
from runtime import accounts


class Typed(Family):
    """A value written as one line of text, read by its field type."""

    kind = "input"
    input = "text"
    inputmode = ""
    checked = False
    """A script asks how the text is understood as soon as the person goes on."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "input": self.input,
            "inputmode": self.inputmode,
            # A mask stands as it is: it is no value, and sent back it changes nothing.
            "text": "" if value is None else value if isinstance(value, Masked) else self.text(form, field, value),
            "limit": int(field.props.get("max", 0)) if field.type in ("text", "long_text") else 0,
            "check_url": addresses.understood(form.entity.key, field.key) if self.checked else "",
        }

    def text(self, form: Form, field: Field, value: Any) -> str:
        """How a JSON value stands in the control."""
        kind = registry.of(field)
        return kind.write_text(field, kind.parse(field, value), form.context)

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        if field.key not in sent:
            return False, None, []
        text = sent.last(field.key).replace("\r\n", "\n")
        try:
            return True, self.value(form, field, text), []
        except ValueProblem as refused:
            return True, None, [refused.problem.under(field.key)]

    def value(self, form: Form, field: Field, text: str) -> Any:
        """The JSON value of a text. Raises ValueProblem."""
        kind = registry.of(field)
        value = kind.read_text(field, text, form.context)
        return None if value is None else kind.dump(field, value)


class LongText(Typed):
    kind = "area"
    wide = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        """A mention stands as it is typed; whoever types one is offered people (`more.mention`)."""
        found = super().parts(form, field, value)
        if isinstance(value, str) and (ids := mentions.ids_in(value)):
            found["text"] = mentions.typed(found["text"], accounts.logins_of(form.ws, sorted(ids)))
        if form.compact or form.entity.written_by != "people":
            return found
        return {**found, "more": {"mention": addresses.mention(form.entity.key, str(form.record.get("id") or ""))}}


class Number(Typed):
    """Grouped digits, as people read them; whatever they type is grouped anew."""

    kind = "number"
    checked = True

    def __init__(self, inputmode: str = "decimal", after: str = "") -> None:
        self.inputmode, self.after = inputmode, after

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "after": self.after}

    def text(self, form: Form, field: Field, value: Any) -> str:
        kind = registry.of(field)
        text = kind.show(field, kind.parse(field, value), form.context).removesuffix("%")
        return text.rstrip("0").rstrip(".") if "." in text else text


class Contact(Typed):
    checked = True

    def __init__(self, input: str) -> None:
        self.input = input


class Phone(Contact):
    """Shown as it is dialled; an example of the field's country stands in the empty control."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "hint": _example(str(field.props.get("region", "CN")))}

    def text(self, form: Form, field: Field, value: Any) -> str:
        kind = registry.of(field)
        return kind.show(field, kind.parse(field, value), form.context)


@lru_cache(maxsize=64)
def _example(region: str) -> str:
    """A mobile number of a region as it is written abroad; empty for a region without numbers."""
    import phonenumbers as numbers

    found = numbers.example_number_for_type(region, numbers.PhoneNumberType.MOBILE) or numbers.example_number(region)
    return str(numbers.format_number(found, numbers.PhoneNumberFormat.INTERNATIONAL)) if found is not None else ""


class Date(Typed):
    """A text, so that `today`, `+3d` and 明天 can be typed; a script adds the browser's own calendar."""

    kind = "date"
    checked = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "hint": form.words("form_date_hint")}

    def value(self, form: Form, field: Field, text: str) -> Any:
        return super().value(form, field, shortcuts.date_text(text, form.ws.now, form.context.timezone))


class Moment(Typed):
    kind = "moment"
    checked = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "hint": form.words("form_moment_hint")}

    def text(self, form: Form, field: Field, value: Any) -> str:
        moment = local(registry.of(field).parse(field, value), form.context.timezone).replace(tzinfo=None)
        return moment.isoformat(" ", "seconds" if moment.second else "minutes")

    def value(self, form: Form, field: Field, text: str) -> Any:
        return super().value(form, field, shortcuts.moment_text(text, form.ws.now, form.context.timezone))


class Tags(Typed):
    kind = "tags"
    wide = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        return {**super().parts(form, field, value), "hint": form.words("form_tags_hint")}


class Json(Typed):
    """Any JSON."""

    kind = "code"
    wide = True
    checked = True

    def text(self, form: Form, field: Field, value: Any) -> str:
        kind = registry.of(field)
        return kind.show(field, kind.parse(field, value), form.context)


class Money(Number):
    """An amount in the currency of its record. `more.code` is that currency; the form puts the control of the
    currency itself into the first amount as `more.currency`."""

    kind = "money"

    def asked(self, form: Form, field: Field) -> list[str]:
        return [*super().asked(form, field), *(["currency"] if "currency" in form.entity.fields else [])]

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        found = super().parts(form, field, value)
        code = value.get("currency") if isinstance(value, Mapping) else None
        code = code or form.record.get("currency") or form.context.currency
        return {**found, "more": {"code": str(code or "")}}

    def text(self, form: Form, field: Field, value: Any) -> str:
        from metadata.money import amount_text, grouped

        amount = registry.of(field).parse(field, value)
        code = amount.currency or form.record.get("currency") or form.context.currency
        return grouped(amount_text(amount.amount, code or None))

    def value(self, form: Form, field: Field, text: str) -> Any:
        """An amount that names another currency is sent with it, to be refused in words; else it is a plain one."""
        return super().value(form, field, plain(text))


TEXT = Typed()

FAMILIES: Mapping[str, Family] = {
    "text": TEXT,
    "long_text": LongText(),
    "integer": Number("numeric"),
    "decimal": Number(),
    "percent": Number(after="%"),
    "money": Money(),
    "date": Date(),
    "datetime": Moment(),
    "email": Contact("email"),
    "phone": Phone("tel"),
    "url": Contact("url"),
    "tags": Tags(),
    "json": Json(),
}
