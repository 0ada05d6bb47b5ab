"""What the address of a board or calendar asks of its records: view, condition, search, quick filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from blueprints import visibility
from blueprints.addresses import address_of
from blueprints.texts import Words
from metadata.model import Entity, Field, View
from metadata.problems import PlatformError
from runtime import queries
from runtime.saved_views import SavedView
from runtime.workspace import Workspace

_FILTERS = 6
_CHOSEN = frozenset({"choice", "multi_choice", "boolean"})
VIEW_ICONS = {"list": "list", "board": "layout-kanban", "calendar": "calendar"}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A quick filter of one field, under the same name as on the list."""

    name: str
    label: str
    options: tuple[Choice, ...]

    @property
    def active(self) -> bool:
        return any(each.chosen for each in self.options)


@dataclass(frozen=True, slots=True)
class Sieve:
    """The records that are asked for: `view`'s own, narrowed by what the person said."""

    view: View
    where: str
    q: str
    chosen: Mapping[str, str]

    @property
    def narrowed(self) -> bool:
        return bool(self.where or self.q or any(self.chosen.values()))

    def arguments(self) -> dict[str, Any]:
        """The same as arguments of an address."""
        found = {"where": self.where, "q": self.q, **{f"f.{name}": value for name, value in self.chosen.items()}}
        return {name: value for name, value in found.items() if value}

    def url(self, entity: Entity, **more: Any) -> str:
        return address_of("app.find", entity=entity.key, view=self.view.key, **self.arguments(), **more)


def asked(view: View) -> Sieve:
    arguments = request.args
    chosen = {key[2:]: value for key, value in arguments.items() if key.startswith("f.") and value}
    return Sieve(view, arguments.get("where", "").strip(), arguments.get("q", "").strip(), chosen)


def condition(entity: Entity, sieve: Sieve, *also: str | None) -> str | None:
    """The view's condition, the person's, the quick filters and some more: all of them."""
    parts = [sieve.view.where, sieve.where or None, *_of_filters(entity, sieve), *also]
    return both(*parts)


def both(*parts: str | None) -> str | None:
    """Conditions that must all be met; None for none."""
    said = [each for each in parts if each]
    return " and ".join(f"({each})" for each in said) if len(said) > 1 else said[0] if said else None


def _of_filters(entity: Entity, sieve: Sieve) -> Iterable[str]:
    for name, value in sieve.chosen.items():
        field = entity.find(name)
        if field is None:
            continue
        if field.type == "boolean":
            yield f"{field.key} == {'true' if value == 'true' else 'false'}"
        elif (option := field.option(value)) is not None:
            quoted = f'"{option.key}"'
            yield f"contains({field.key}, {quoted})" if field.type == "multi_choice" else f"{field.key} == {quoted}"


def filters(ws: Workspace, entity: Entity, sieve: Sieve, words: Words, without: str = "") -> tuple[Filter, ...]:
    """Quick filters: those of the view, else the entity's first choices; not the field that makes the columns."""
    ids = sieve.view.filters or tuple(entity.fields)
    readable = {each.id for each in visibility.readable(ws, entity)}
    useful = [entity.fields[id] for id in ids if id in entity.fields and id in readable and id != without]
    useful = [each for each in useful if each.type in _CHOSEN]
    return tuple(_filter(each, sieve, words) for each in useful[:_FILTERS])


def _filter(field: Field, sieve: Sieve, words: Words) -> Filter:
    chosen = sieve.chosen.get(field.key, "")
    if field.type == "boolean":
        said = (("true", words.yes), ("false", words.no))
        options = tuple(Choice(each, label, chosen == each) for each, label in said)
    else:
        options = tuple(Choice(each.key, words.label(each.label), chosen == each.key) for each in field.options)
    return Filter(field.key, words.label(field.label), options)


def may_use(ws: Workspace, entity: Entity, view: View) -> bool:
    """Whether the actor may read all that a view of the description filters by; else it is not even told what."""
    return visibility.kept_for(ws, ("may use", view.id), lambda: _is_readable(ws, entity, view.where))


def _is_readable(ws: Workspace, entity: Entity, where: str | None) -> bool:
    try:
        if where:
            queries.expression_of(ws, entity, where)
    except PlatformError:
        return False
    return True


def views(ws: Workspace, entity: Entity, sieve: Sieve, words: Words, mine: Sequence[SavedView]) -> list[dict[str, Any]]:
    """The views of the entity as tabs, then the person's own and shared ones; what is searched for goes along."""
    described = [
        {
            "label": words.label(each.label),
            "url": address_of("app.find", entity=entity.key, view=each.key, **sieve.arguments()),
            "icon": VIEW_ICONS.get(each.kind, "list"),
            "current": each.id == sieve.view.id,
        }
        for each in views_of(ws, entity)
    ]
    # A saved view has a condition of its own.
    saved = [
        {
            "label": each.name,
            "url": address_of("app.find", entity=entity.key, view=each.id),
            "icon": "users" if each.shared else "user",
            "current": False,
        }
        for each in mine
    ]
    return described + saved


def views_of(ws: Workspace, entity: Entity) -> list[View]:
    """The views of an entity, in the order of the description."""
    return visibility.kept_for(
        ws, ("views", entity.id), lambda: [each for each in ws.model.all("views") if each.entity == entity.id]
    )
