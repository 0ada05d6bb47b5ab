"""A business made up from a seed number: the same number and day make the same records, whatever the machine."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field
from runtime import queries, records
from runtime.demo_names import names
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query
from runtime.workspace import PlatformActor, Workspace, open_workspace

_CHUNK = 500
_MOST_TARGETS = 5_000

Tell = Callable[[str, int, int], None]
"""(key of the entity, records made, records to be made)."""


def make(
    host: Host,
    tenant: Tenant,
    name: str | None = None,
    today: dt.date | None = None,
    tell: Tell = lambda entity, made, of: None,
) -> int:
    """Make the records of one demo of the description, or of all; how many. Each chunk is a transaction of its own."""
    with open_workspace(host, tenant, PlatformActor()) as ws:
        demos = [each for each in ws.model.all("demo")] if name is None else [ws.model.get("demo", name)]
        today = today or ws.now.date()
    return sum(_make(host, tenant, demo, today, tell) for demo in demos if demo is not None)


def _make(host: Host, tenant: Tenant, demo: Mapping[str, Any], today: dt.date, tell: Tell) -> int:
    made: dict[str, list[str]] = {}
    for entity_name, described in demo["entities"].items():
        with open_workspace(host, tenant, PlatformActor()) as ws:
            entity = ws.model.entity(entity_name)
            assert entity is not None, entity_name
            rows = _rows(ws, entity, described, random.Random(f"{demo['seed']}:{entity.id}"), today, made)
        ids = made.setdefault(entity.id, [])
        for at in range(0, len(rows), _CHUNK):
            ids += _write(host, tenant, entity.id, rows[at : at + _CHUNK])
            tell(entity.key, len(ids), len(rows))
    return sum(len(ids) for ids in made.values())


def _write(host: Host, tenant: Tenant, entity: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        verdicts = records.write_many(ws, entity, "insert", rows, keep_good=False)
    return [str(each.id) for each in verdicts]


def _rows(
    ws: Workspace,
    entity: Entity,
    described: Mapping[str, Any],
    chance: random.Random,
    today: dt.date,
    made: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    fields = described.get("fields", {})
    makers: list[tuple[Field, Iterator[Any]]] = []
    for name, how in fields.items():
        field = entity.find(name)
        assert field is not None, f"{entity.id}.{name}"
        ((kind, options),) = how.items()
        makers.append((field, _MAKERS[kind](_Wish(ws, field, options, chance, today, made))))
    return [
        {field.id: value for field, maker in makers if (value := next(maker)) is not None}
        for _ in range(described["count"])
    ]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a maker of values is given."""

    ws: Workspace
    field: Field
    options: Any
    chance: random.Random
    today: dt.date
    made: Mapping[str, Sequence[str]]


def _pick(wish: _Wish) -> Iterator[Any]:
    weighted = isinstance(wish.options, Mapping)
    values = list(wish.options)
    weights = [float(each) for each in wish.options.values()] if weighted else None
    read = {value: _value(wish.field, value) for value in values}
    while True:
        yield read[wish.chance.choices(values, weights)[0]]


def _value(field: Field, given: Any) -> Any:
    """A value as it stands in the description, where the keys of a mapping are texts, whatever they stand for."""
    type_ = registry.of(field)
    if isinstance(given, str):
        return type_.dump(field, type_.read_text(field, given, TextContext()))
    return type_.dump(field, type_.parse(field, given))


def _name(wish: _Wish) -> Iterator[Any]:
    return names(wish.options, wish.chance)


def _number(wish: _Wish) -> Iterator[Any]:
    low, high = Decimal(str(wish.options["min"])), Decimal(str(wish.options["max"]))
    step = Decimal(1).scaleb(-int(wish.options.get("scale", 0)))
    steps = int((high - low) / step)
    whole = wish.field.type == "integer"
    while True:
        number = low + step * wish.chance.randint(0, steps)
        yield int(number) if whole else format(number, "f")


def _date(wish: _Wish) -> Iterator[Any]:
    first, last = int(wish.options["from_days"]), int(wish.options["to_days"])
    while True:
        day = wish.today + dt.timedelta(days=wish.chance.randint(first, last))
        if wish.field.type == "date":
            yield day.isoformat()
        else:
            minute = wish.chance.randint(8 * 60, 18 * 60)
            yield f"{day.isoformat()}T{minute // 60:02}:{minute % 60:02}:00Z"


def _link(wish: _Wish) -> Iterator[Any]:
    if wish.field.type == "any_link":
        yield from _any_link(wish)
    target = wish.field.to[0]
    ids = list(wish.made.get(target, ())) or _there(wish.ws, target)
    several = wish.field.type == "links"
    while True:
        if not ids:
            yield None
        elif several:
            yield wish.chance.sample(ids, min(len(ids), wish.chance.randint(1, 3)))
        else:
            yield wish.chance.choice(ids)


def _any_link(wish: _Wish) -> Iterator[Any]:
    """Links to records that this demo made, each kind as often as it is there."""
    found = [{"entity": target, "id": id} for target in wish.field.to for id in wish.made.get(target, ())]
    while True:
        yield wish.chance.choice(found) if found else None


def _there(ws: Workspace, target: str) -> list[str]:
    """Records of an entity that this demo does not make, oldest first."""
    found: list[str] = []
    for rows in queries.stream(ws, Query(target, fields=("id",), sort=("id",))):
        found += [row[0] for row in rows]
        if len(found) >= _MOST_TARGETS:
            break
    return found


def _text(wish: _Wish) -> Iterator[Any]:
    return (str(wish.options).replace("{n}", str(number)) for number in itertools.count(1))


def _phone(wish: _Wish) -> Iterator[Any]:
    seen: set[int] = set()
    while True:
        number = wish.chance.randrange(10**8)
        if number not in seen:
            seen.add(number)
            yield f"+86{wish.chance.choice(('138', '139', '150', '186', '188'))}{number:08}"


def _email(wish: _Wish) -> Iterator[Any]:
    return (f"{wish.field.entity}{number}@example.com".replace("_", "-") for number in itertools.count(1))


_MAKERS: dict[str, Callable[[_Wish], Iterator[Any]]] = {
    "pick": _pick,
    "name": _name,
    "number": _number,
    "date": _date,
    "link": _link,
    "text": _text,
    "sequence": _text,
    "phone": _phone,
    "email": _email,
}
