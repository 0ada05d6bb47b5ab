"""The rows that live with a record, as a grid in its form: each cell is the control of one field of one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blueprints import visibility
from blueprints.app.controls.base import Control, Family, Form, Reading, Sent, digest
from blueprints.app.controls.grid import Head, Row, place_in
from metadata.fieldtypes import registry
from metadata.fieldtypes.defaults import resolve_default
from metadata.ids import is_uuid
from metadata.model import Entity, Field
from metadata.problems import Problem, kind, say

BLANK = 3
"""Empty rows at the end, for browsers without scripts; a script keeps one as the pattern of more."""
_MOST = 150
_VALUES = 1_400
"""Rows, and values in them, that a form still takes: a request may bring 2,000 values."""
_BESIDE = frozenset({"children", "links", "json", "rich_text", "files", "signature", "secret", "any_link"})
"""Types whose controls do not fit a cell: their values are kept, and edited in the row's own form."""
_WIDE = frozenset({"link", "user", "unit", "text", "long_text", "email", "url"})
_NUMBERS = frozenset({"integer", "decimal", "percent", "money"})

TOO_MANY = kind(
    "form_too_many_rows",
    en="{label} takes at most {most} rows in a form. Remove some, or import the rest.",
    zh="{label} 在表单中最多 {most} 行，请删除一些，其余请使用导入。",
)


class Rows(Family):
    """All rows together are the value: what is not sent is gone."""

    wide = True

    def asked(self, form: Form, field: Field) -> list[str]:
        from blueprints.app.controls import families  # the table names this family

        inner = _inner(form, field)
        names = (name for each in columns(inner, field) for name in families.of(each).asked(inner, each))
        return [f"{field.key}.{name}" for name in dict.fromkeys(names)]

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        held = [each for each in value or () if isinstance(each, Mapping)]
        inner = _inner(form, field)
        many = len(held) > most(inner, field)
        shown = [] if many else [_row(inner, field, at, each, str(each["id"])) for at, each in enumerate(held)]
        return _grid(inner, field, shown, len(held))

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The rows as they were sent, numbered anew in the order in which the write path numbers them."""
        inner = _inner(form, field)
        rows = []
        for at, (id, row) in enumerate(_filled(inner, field, sent)):
            own = replace(inner, prefix=f"{field.key}.{at}.", problems=_below(inner, field, at))
            rows.append(_row(own, field, at, _start(own, field), id, row))
        return _grid(inner, field, rows, len(rows))

    def is_sent(self, field: Field, sent: Sent) -> bool:
        return sent.last(field.key) == "rows"

    def told(self, form: Form, field: Field) -> tuple[str, ...]:
        """What is wrong with the list itself; the rows tell their own."""
        return tuple(each.message(form.words.lang) for each in form.problems_of(field) if place_in(each) is None)

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        from blueprints.app.controls import families

        found: dict[str, Sequence[str]] = {}
        fields: Sequence[Field] = control.more["fields"]
        for at, row in enumerate(each for each in control.more["rows"] if each.id):
            found[f"{at}.id"] = [row.id]
            for each, cell in zip(fields, row.cells, strict=True):
                found |= {f"{at}.{name}": values for name, values in families.of(each).sends(each, cell).items()}
        return found

    def sent(self, form: Form, field: Field, sent: Sent) -> Mapping[str, Sequence[str]]:
        from blueprints.app.controls import families

        inner = _inner(form, field)
        found: dict[str, Sequence[str]] = {}
        for at, (id, row) in enumerate(_filled(inner, field, sent)):
            found[f"{at}.id"] = [id]
            for each in columns(inner, field):
                values = families.of(each).sent(inner, each, row)
                found |= {f"{at}.{name}": texts for name, texts in values.items()}
        return found

    def marks(self, form: Form, field: Field, control: Control) -> Mapping[str, str]:
        """Of the whole, and of every cell: of a row that stays only what was changed is sent."""
        from blueprints.app.controls import families

        found = {field.key: digest(self.sends(field, control))}
        for row in control.more["rows"]:
            for each, cell in zip(control.more["fields"], row.cells, strict=True):
                if row.id:
                    found[_cell(field, row.id, each)] = digest(families.of(each).sends(each, cell))
        return found

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        from blueprints.app.controls import families

        if not self.is_sent(field, sent):
            return False, None, []
        inner = _inner(form, field)
        rows: list[dict[str, Any]] = []
        problems: list[Problem] = []
        limit = most(inner, field)
        if sum(1 for _ in _places(field, sent)) > limit + BLANK:
            return True, None, [TOO_MANY(field.key, label=field.label, most=limit)]
        for at, (id, row) in enumerate(_filled(inner, field, sent)):
            values: dict[str, Any] = {"id": id} if id else {}
            for each in columns(inner, field):
                family = families.of(each)
                there, value, wrong = family.read(inner, each, row)
                same = digest(family.sent(inner, each, row)) == form.base.get(_cell(field, id, each))
                problems += [found.under(f"{field.key}.{at}") for found in wrong]
                if there and not wrong and not (same if id else value is None):
                    values[each.key] = value
            rows.append(values)
        return True, rows, problems


def columns(inner: Form, field: Field) -> tuple[Field, ...]:
    """The fields of a row that the actor may write and that fit a cell; what a row needs is always among them."""
    return visibility.kept_for(inner.ws, ("row columns", field.entity, field.id), lambda: _columns(inner, field))


def _columns(inner: Form, field: Field) -> tuple[Field, ...]:
    link = field.props.get("by")
    return tuple(
        each
        for each in visibility.writable(inner.ws, inner.entity)
        if not each.system
        and each.id not in (link, inner.entity.parent)
        and each.type != "children"
        and (each.type not in _BESIDE or each.required)
    )


def most(inner: Form, field: Field) -> int:
    """How many rows a form still shows and takes."""
    from blueprints.app.controls import families

    names = sum(len(families.of(each).names(each)) + 1 for each in columns(inner, field))
    return min(_MOST, _VALUES // (names + 1))


def order_field(entity: Entity) -> Field | None:
    """The number by which people put rows in order: the first thing that the entity is sorted by."""
    found = entity.fields.get(entity.default_sort[0]) if entity.default_sort else None
    return found if found is not None and found.type == "integer" else None


def can_be_shown(form: Form, field: Field) -> bool:
    """Whether the actor may write anything of such a row."""
    entity = form.ws.model.entity(field.to[0]) if field.to else None
    return entity is not None and bool(columns(_inner(form, field), field))


def _inner(form: Form, field: Field) -> Form:
    entity = form.ws.model.entity(field.to[0])
    if entity is None:
        raise LookupError(field.path)
    return replace(form, entity=entity, compact=True, prefix="")


def _below(form: Form, field: Field, at: int) -> tuple[Problem, ...]:
    """The problems of one row, their paths seen from the row."""
    return tuple(
        replace(each, path=found[1])
        for each in form.problems_of(field)
        if (found := place_in(each)) is not None and found[0] == at
    )


def _grid(inner: Form, field: Field, rows: Sequence[Row], count: int) -> dict[str, Any]:
    fields = columns(inner, field)
    begun = _start(inner, field)
    ready = (_row(inner, field, len(rows) + more, begun, "") for more in range(1 if rows else BLANK))
    blank = [replace(each, blank=True) for each in ready]
    order = order_field(inner.entity)
    return {
        "kind": "rows",
        "more": {
            "fields": fields,
            "heads": tuple(_head(inner, each) for each in fields),
            "rows": (*rows, *blank),
            "order": order.key if order is not None and order in fields else "",
            "count": count,
            "most": most(inner, field),
            "what": say(inner.entity.label, inner.words.lang),
        },
    }


def _head(inner: Form, each: Field) -> Head:
    kind = "number" if each.type in _NUMBERS else "wide" if each.type in _WIDE else ""
    return Head(say(each.label, inner.words.lang), each.required, kind)


def _row(inner: Form, field: Field, at: int, record: Mapping[str, Any], id: str, sent: Sent | None = None) -> Row:
    from blueprints.app import controls

    form = replace(inner, prefix=f"{field.key}.{at}.", row=at + 1, record=record)
    cells = tuple(controls.control(form, each, record, sent) for each in columns(inner, field))
    whole = tuple(each.message(form.words.lang) for each in form.problems if not _has_cell(form, field, each))
    return Row(form.prefix, at + 1, cells, id, whole if sent is not None else ())


def _has_cell(form: Form, field: Field, problem: Problem) -> bool:
    name = problem.path.split(".")[0]
    return any(name in (each.key, each.id) for each in columns(form, field))


def _start(inner: Form, field: Field) -> dict[str, Any]:
    """What a new row begins with."""
    ws, found = inner.ws, {}
    zone = str(ws.model.settings.get("timezone", "UTC"))
    for each in columns(inner, field):
        value = resolve_default(each, ws.now, zone, ws.actor.user)
        if value is not None:
            found[each.key] = registry.of(each).dump(each, value)
    return found


def _filled(inner: Form, field: Field, sent: Sent) -> Iterator[tuple[str, Sent]]:
    """Id and contents of the sent rows that are neither blank nor taken away, in the order of the form."""
    from blueprints.app.controls import families

    pattern = _row(inner, field, 0, _start(inner, field), "")
    order = order_field(inner.entity)  # a script numbers rows that are still empty
    told = [each for each in zip(columns(inner, field), pattern.cells, strict=True) if each[0] is not order]
    blank = [families.of(each).sends(each, cell) for each, cell in told]
    for place in _places(field, sent):
        row = sent.under(place)
        id = row.last("id")
        if row.last("delete"):
            continue
        texts = [families.of(each).sent(inner, each, row) for each, _ in told]
        if is_uuid(id) or (digests(texts) != digests(blank) and any(map(_has_text, texts))):
            yield (id if is_uuid(id) else ""), row


def _has_text(values: Mapping[str, Sequence[str]]) -> bool:
    return any(text and text != "false" for texts in values.values() for text in texts)


def digests(values: Sequence[Mapping[str, Sequence[str]]]) -> list[str]:
    return [digest({name: [each for each in texts if each] for name, texts in row.items()}) for row in values]


def _places(field: Field, sent: Sent) -> Iterator[str]:
    """`lines.0.`, `lines.2.`: each row once, as they come."""
    seen = set()
    for name in sent.names():
        steps = name.split(".")
        if len(steps) > 2 and steps[0] == field.key and steps[1].isdigit() and steps[1] not in seen:
            seen.add(steps[1])
            yield f"{steps[0]}.{steps[1]}."


def _cell(field: Field, id: str, each: Field) -> str:
    return f"{field.key}/{id}.{each.key}"


FAMILIES: Mapping[str, Family] = {"children": Rows()}
