"""The values of made-up records: each is made of the ones before it in the record and of the records it links to."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import TextContext
from metadata.model import Entity, Field
from metadata.money import Money
from runtime import queries
from runtime.demo_names import names, short_of
from runtime.queries import Query
from runtime.workspace import Workspace

Row = dict[str, Any]
"""One record as it is made: JSON values by field id; None where a field stays empty."""

Maker = Callable[[Row], Any]
"""The value of one field, of the record so far."""

_MOST_TARGETS = 5_000
_HOLE = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_FIRST_MINUTE, _LAST_MINUTE = 60, 10 * 60
"""Working hours in UTC: nine to six in Shanghai, eleven to eight in Berlin's summer."""


@dataclass(slots=True)
class World:
    """What a demo has made so far."""

    today: dt.date
    ids: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    """Record id -> what it was made of."""

    def learn(self, entity: str, ids: Sequence[str], rows: Sequence[Row]) -> None:
        self.ids.setdefault(entity, []).extend(ids)
        self.rows.update(zip(ids, rows, strict=True))

    def count(self) -> int:
        return sum(map(len, self.ids.values()))


@dataclass(slots=True)
class Making:
    """The making of the records of one entity."""

    ws: Workspace
    entity: Entity
    chance: random.Random
    world: World
    number: int = 0
    seen: dict[str, set[Any]] = field(default_factory=dict)

    def rows(self, fields: Mapping[str, Any], count: int) -> list[Row]:
        """So many records; their fields are made in the order of the description."""
        makers = [(known, self.maker(known, how)) for name, how in fields.items() if (known := self.entity.find(name))]
        return [self.row(makers) for _ in range(count)]

    def row(self, makers: Sequence[tuple[Field, Maker]]) -> Row:
        self.number += 1
        row: Row = {}
        for each, maker in makers:
            row[each.id] = maker(row)
        return row

    def maker(self, field: Field, how: Mapping[str, Any]) -> Maker:
        ((kind, options),) = how.items()
        return _MAKERS[kind](self, field, options)

    def at(self, row: Row, path: str) -> Any:
        """The value at a path: of the record itself, or over links of records that the demo made."""
        first, *rest = path.split(".")
        known = self.entity.find(first)
        value = row.get(known.id if known is not None else first)
        for step in rest:
            id = value.get("id") if isinstance(value, Mapping) else value
            value = self.world.rows.get(str(id), {}).get(step)
        return value

    def filled(self, row: Row, text: str) -> str:
        """A text with its holes filled."""

        def fill(found: re.Match[str]) -> str:
            value = self.number if found[1] == "n" else self.at(row, found[1])
            return "" if value is None else str(value)

        return _HOLE.sub(fill, text)


def _pick(making: Making, field: Field, options: Any) -> Maker:
    weighted = isinstance(options, Mapping)
    given = list(options)
    weights = [float(each) for each in options.values()] if weighted else None
    read = {each: _value(field, each) for each in given if not (isinstance(each, str) and _HOLE.search(each))}

    def make(row: Row) -> Any:
        chosen = making.chance.choices(given, weights)[0]
        return read[chosen] if chosen in read else making.filled(row, chosen)

    return make


def _turn(making: Making, field: Field, options: Sequence[Any]) -> Maker:
    given = [_value(field, each) for each in options]
    return lambda row: given[(making.number - 1) % len(given)]


def _value(field: Field, given: Any) -> Any:
    """A value as it stands in the description, where the keys of a mapping are texts, whatever they stand for."""
    type_ = registry.of(field)
    if isinstance(given, str):
        return type_.dump(field, type_.read_text(field, given, TextContext()))
    return type_.dump(field, type_.parse(field, given))


def _name(making: Making, field: Field, options: Any) -> Maker:
    found = names(str(options), making.chance)
    return lambda row: next(found)


def _number(making: Making, field: Field, options: Any) -> Maker:
    low, high = Decimal(str(options["min"])), Decimal(str(options["max"]))
    scale = int(options.get("scale", 2 if "of" in options else 0))
    step = Decimal(1).scaleb(-scale)
    whole = field.type in ("integer", "rating")

    def make(row: Row) -> Any:
        number = low + step * making.chance.randint(0, int((high - low) / step))
        if "of" in options:
            base = _decimal(making.at(row, options["of"]))
            if base is None:
                return None
            number = (base * number).quantize(Decimal("0.01"))
        return int(number) if whole else format(number, "f")

    return make


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, Mapping):
        value = value.get("amount")
    if isinstance(value, Money):
        value = value.amount
    return None if value is None else Decimal(str(value))


def _date(making: Making, field: Field, options: Any) -> Maker:
    first, last = int(options["from_days"]), int(options["to_days"])
    today = making.world.today

    def make(row: Row) -> Any:
        start = today
        if "after" in options:
            held = making.at(row, options["after"])
            if held is None:
                return None
            start = dt.date.fromisoformat(str(held)[:10])
        least, most = first, last
        if "most_days" in options:  # drawn from what is left before the limit: no heap of records on its last day
            most = min(last, (today - start).days + int(options["most_days"]))
            least = min(first, most)
        day = start + dt.timedelta(days=making.chance.randint(least, most))
        if options.get("workdays") and day.weekday() > 4:
            day -= dt.timedelta(days=day.weekday() - 4)
        if field.type == "date":
            return day.isoformat()
        minute = making.chance.randrange(_FIRST_MINUTE, _LAST_MINUTE, 5)
        return f"{day.isoformat()}T{minute // 60:02}:{minute % 60:02}:00Z"

    return make


def _link(making: Making, field: Field, options: Any) -> Maker:
    if field.type == "any_link":
        return _any_link(making, field, options)
    target = field.to[0]
    ids = list(making.world.ids.get(target, ())) if "where" not in options else []
    ids = ids or _there(making.ws, target, options.get("where"))
    grouped: dict[Any, list[str]] = {}
    if same := options.get("same"):
        for id in ids:
            grouped.setdefault(making.world.rows.get(id, {}).get(same), []).append(id)

    def make(row: Row) -> Any:
        among = grouped.get(making.at(row, same), []) if same else ids
        if field.type == "links":
            most = min(len(among), making.chance.randint(int(options.get("min", 1)), int(options.get("max", 3))))
            return making.chance.sample(among, most) if most else None
        if among and "each" in options:
            return among[(making.number - 1) // options["each"] % len(among)]
        return making.chance.choice(among) if among else None

    return make


def _any_link(making: Making, field: Field, options: Any) -> Maker:
    """Links to records that this demo made: each kind as often as it is there, or by weights."""
    made = {target: ids for target in field.to if (ids := making.world.ids.get(target))}
    weights = {target: float(options.get("to", {}).get(target, 0)) for target in made} if "to" in options else {}
    kinds = [target for target in made if not weights or weights[target]]
    shares = [weights.get(target) or len(made[target]) for target in kinds]

    def make(row: Row) -> Any:
        if not kinds:
            return None
        target = making.chance.choices(kinds, shares)[0]
        return {"entity": target, "id": making.chance.choice(made[target])}

    return make


def _there(ws: Workspace, target: str, where: str | None) -> list[str]:
    """Records of an entity that are there, oldest first."""
    found: list[str] = []
    for rows in queries.stream(ws, Query(target, where=where, fields=("id",), sort=("id",))):
        found += [row[0] for row in rows]
        if len(found) >= _MOST_TARGETS:
            break
    return found


def _text(making: Making, field: Field, options: Any) -> Maker:
    limit = int(field.props.get("max", 0)) or None
    return lambda row: making.filled(row, str(options))[:limit]


def _from(making: Making, field: Field, options: Any) -> Maker:
    return lambda row: making.at(row, str(options))


def _short(making: Making, field: Field, options: Any) -> Maker:
    return lambda row: short_of(str(making.at(row, str(options)) or "")) or None


def _case(making: Making, field: Field, options: Any) -> Maker:
    when = {str(value): making.maker(field, how) for value, how in options.get("when", {}).items()}
    otherwise = making.maker(field, options["else"]) if "else" in options else _nothing

    def make(row: Row) -> Any:
        value = making.at(row, options["of"])
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, Mapping):
            value = value.get("entity")
        return when.get(str(value), otherwise)(row)

    return make


def _nothing(row: Row) -> Any:
    return None


def _sometimes(making: Making, field: Field, options: Any) -> Maker:
    make = making.maker(field, options["make"])
    return lambda row: make(row) if making.chance.random() < float(options["share"]) else None


def _children(making: Making, field: Field, options: Any) -> Maker:
    entity = making.ws.model.entity(field.to[0])
    assert entity is not None, field.to
    inside = Making(making.ws, entity, making.chance, making.world)
    fields = options["fields"]
    makers = [(known, inside.maker(known, how)) for name, how in fields.items() if (known := entity.find(name))]

    def make(row: Row) -> Any:
        count = making.chance.randint(int(options["min"]), int(options["max"]))
        rows = (inside.row(makers) for _ in range(count))
        return [{name: value for name, value in each.items() if value is not None} for each in rows]

    return make


def _total(making: Making, field: Field, options: Any) -> Maker:
    def make(row: Row) -> Any:
        rows = making.at(row, options["of"]) or ()
        total = Decimal(0)
        for each in rows:
            part = Decimal(1)
            for name in options["multiply"]:
                part *= _decimal(each.get(name)) or Decimal(0)
            total += part
        return format(total.quantize(Decimal("0.01")), "f") if rows else None

    return make


_PREFIXES = {"CN": ("+86138", "+86139", "+86150", "+86186", "+86188"), "DE": ("+49151", "+49160"), "US": ("+12022",)}
_DIGITS = {"CN": 8, "DE": 8, "US": 6}


def _phone(making: Making, field: Field, options: Any) -> Maker:
    region = options.get("region", "CN")
    size, seen = _DIGITS[region], making.seen.setdefault(f"phone {field.id}", set())

    def make(row: Row) -> Any:
        while True:
            number = making.chance.randrange(10**size)
            if number not in seen:
                seen.add(number)
                return f"{making.chance.choice(_PREFIXES[region])}{number:0{size}}"

    return make


def _email(making: Making, field: Field, options: Any) -> Maker:
    seen = making.seen.setdefault(f"email {field.id}", set())
    numbers: Iterator[int] = itertools.count(1)

    def make(row: Row) -> Any:
        if not options:
            return f"{field.entity}{next(numbers)}@example.com".replace("_", "-")
        local = _latin(str(making.at(row, options["name"]) or "")) if "name" in options else "info"
        at = _latin(short_of(str(making.at(row, options["at"]) or ""))) if "at" in options else ""
        domain = f"{at.replace('.', '-') or 'mail'}.example.com"
        found = f"{local or 'info'}@{domain}"
        again = 2
        while found in seen:
            found = f"{local or 'info'}{again}@{domain}"
            again += 1
        seen.add(found)
        return found

    return make


@cache
def _latin(text: str) -> str:
    """A name as it stands in an address: `li.lei` of 李雷, `anna.klein` of Anna Klein."""
    from pypinyin import lazy_pinyin  # slow to load, and only demos need it

    parts = [*lazy_pinyin(text[:1]), "".join(lazy_pinyin(text[1:]))] if not text.isascii() else text.split()
    kept = [re.sub(r"[^a-z0-9]", "", each.lower()) for each in parts]
    return ".".join(each for each in kept if each)[:40]


_MAKERS: dict[str, Callable[[Making, Field, Any], Maker]] = {
    "pick": _pick,
    "turn": _turn,
    "name": _name,
    "number": _number,
    "date": _date,
    "link": _link,
    "text": _text,
    "sequence": _text,
    "phone": _phone,
    "email": _email,
    "from": _from,
    "short": _short,
    "case": _case,
    "sometimes": _sometimes,
    "rows": _children,
    "total": _total,
}
