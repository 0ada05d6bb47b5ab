"""What a form consists of for one person: the layout's sections with what may be written, and the grids of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blueprints import visibility
from blueprints.app import layouts
from blueprints.app.controls import Form
from blueprints.app.controls.rows import can_be_shown
from metadata.model import Field
from metadata.problems import Label

_DETAILS: Label = {"en": "Details", "zh": "详细信息"}


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of fields. `folded`: closed until somebody opens it."""

    label: Label
    fields: tuple[str, ...]
    columns: int = 2
    folded: bool = False


def parts_of(form: Form, quick: bool) -> tuple[Part, ...]:
    """The parts of an entity's form, or the one part of its short form."""
    ws, entity = form.ws, form.entity
    if quick:
        return (Part(_DETAILS, layouts.quick_fields(ws, entity), 1),)
    return visibility.kept_for(ws, ("form parts", entity.id), lambda: tuple(_parts(form)))


def fields_of(form: Form, quick: bool) -> list[Field]:
    """Every field of the form. The currency goes with the amounts, wherever the layout has them."""
    ids = dict.fromkeys(id for part in parts_of(form, quick) for id in part.fields)
    found = [form.entity.fields[id] for id in ids if form.entity.fields[id].computed is None]
    currency = currency_of(form)
    if currency is not None and currency.id not in ids and any(each.type == "money" for each in found):
        found.append(currency)
    return found


def computed_of(form: Form, quick: bool) -> list[Field]:
    """The fields of the form that are shown and never sent."""
    ids = dict.fromkeys(id for part in parts_of(form, quick) for id in part.fields)
    return [form.entity.fields[id] for id in ids if form.entity.fields[id].computed is not None]


def currency_of(form: Form) -> Field | None:
    """The field that says in which currency the amounts of a record are, when the actor may write it."""
    found = form.entity.fields.get("currency")
    writable = found is not None and found.system and found in visibility.writable(form.ws, form.entity)
    return found if writable else None


def _parts(form: Form) -> Iterator[Part]:
    entity = form.entity
    may: dict[str, Field] = {
        each.id: each
        for each in visibility.writable(form.ws, entity)
        if each.type != "children" or can_be_shown(form, each)
    }
    currency = currency_of(form)
    grids = {id for id, each in may.items() if each.type == "children"}
    computed = {each.id for each in visibility.readable(form.ws, entity) if each.computed is not None}
    sections = [part for sheet in layouts.arrangement(form.ws, entity).sheets for part in sheet.parts]
    named = {id for part in sections if not part.folded for id in part.fields}
    waiting = [id for id in grids if id not in named]
    placed: set[str] = set()
    for part in sections:
        ids = [id for id in part.fields if (id in may or id in computed) and id not in placed and id not in grids]
        own = [id for id in part.fields if id in grids and id not in (*placed, *waiting)]
        placed.update(ids, own)
        needed = any(id in may and may[id].required for id in ids)
        if ids:
            yield Part(part.label, tuple(ids), part.columns, part.folded and not needed)
            own, waiting = [*own, *waiting], []  # a grid that no section names comes after the first
            placed.update(own)
        yield from (Part(may[id].label, (id,), 1) for id in own)
    yield from (Part(may[id].label, (id,), 1) for id in waiting)
    placed |= grids
    if currency is not None:
        placed.add(currency.id)
    forgotten = tuple(id for id, each in may.items() if id not in placed and (each.required or not each.system))
    if forgotten:
        yield Part(_DETAILS, forgotten)
