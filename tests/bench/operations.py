"""The operations that are compared: the request to each side, and what both must answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tests.bench import records
from tests.bench.load import Request

API = "/api/v1/opportunity"
HAND = "/opportunities"
PAGE = 50
BULK = 1_000
_EXPANDED = ",".join(
    [
        "id,version,created_at,created_by,updated_at,updated_by,owner,unit,currency,name,stage,amount,probability",
        "close_date,engaged_at,source,next_step,description,quantity,discount,score,hot,email,website,region",
        "contact_name,external_number,tags,account.id,account.version,account.created_at,account.created_by",
        "account.updated_at,account.updated_by,account.owner,account.unit,account.name,account.industry,account.city",
        "account.website,account.employees",
    ]
)
OWN_VALUES = frozenset({"id", "version", "created_at", "updated_at"})
"""What differs between two records that were made from the same values."""

Maker = Callable[[int], Request]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the table. `bar` is ours ÷ hand-written on PostgreSQL; None where the operation has none."""

    name: str
    bar: float
    ours: Maker
    hand: Maker
    same: Callable[[Any, Any], str]
    """What is different between the two answers; empty when nothing is."""
    clients: tuple[int, ...] = (1, 16)
    distinct: int = 2_000
    per_request: int = 1
    """Records that one request handles; the rate is in records."""
    least: float = 0
    """A rate that ours must reach, whatever the ratio."""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What is in the tables, so that requests can name it."""

    rows: int
    cursors: tuple[str, ...] = field(default=())
    """Where our pages at `depth` begin, each one page further than the one before."""

    @property
    def depth(self) -> int:
        return min(50_000, self.rows // 2)


NAMES = ("read", "list", "list_count", "deep_page", "contains", "q", "aggregate", "update", "create", "bulk")


def operations(world: World) -> list[Operation]:
    """Reading ones first, so that every one of them finds the tables as they were filled."""
    return [*_reading(world), *_writing(world)]


def _reading(world: World) -> list[Operation]:
    def some(number: int) -> str:
        return records.opportunity_id(number * 7919 % world.rows)

    def at_depth(number: int) -> int:
        return number % len(world.cursors) if world.cursors else 0

    return [
        Operation(
            "read",
            0.75,
            lambda n: Request(f"{API}/{some(n)}?fields={_EXPANDED}"),
            lambda n: Request(f"{HAND}/{some(n)}"),
            lambda a, b: _difference(a, b),
        ),
        Operation("list", 0.85, lambda n: _ours(where=_narrow(n)), lambda n: _hand(**_narrow_hand(n)), _same_page),
        Operation(
            "list_count",
            1.0,
            lambda n: _ours(where=_narrow(n), count="capped"),
            lambda n: _hand(**_narrow_hand(n), count="1"),
            lambda a, b: _same_page(a, b) or _difference(a["count"], b["count"]),
        ),
        Operation(
            "deep_page",
            20,
            lambda n: _ours(where=_wide(), after=world.cursors[at_depth(n)]),
            lambda n: _hand(stage=records.MOST, over="5000", offset=str(world.depth + PAGE * at_depth(n))),
            _same_page,
        ),
        Operation(
            "contains",
            0.7,
            lambda n: _ours(where=f"contains(name, '{records.word(n)}')"),
            lambda n: _hand(contains=records.word(n)),
            _same_page,
            distinct=500,
        ),
        Operation(
            "q",
            0.7,
            lambda n: _ours(q=records.characters(n)),
            lambda n: _hand(q=records.characters(n)),
            _same_page,
            distinct=500,
        ),
        Operation(
            "aggregate",
            0.95,
            lambda n: Request(f"{API}/aggregate?group=stage&measures={quote('count,sum(amount)')}"),
            lambda n: Request(f"{HAND}/by-stage"),
            _same_groups,
            distinct=1,
        ),
    ]


def _writing(world: World) -> list[Operation]:
    def some(number: int) -> str:
        return records.opportunity_id(number * 104_729 % world.rows)

    def step(number: int) -> dict[str, Any]:
        return {"next_step": f"Call back on day {number}"}

    return [
        Operation(
            "update",
            0.7,
            lambda n: _sent("PATCH", f"{API}/{some(n)}", step(n)),
            lambda n: _sent("PATCH", f"{HAND}/{some(n)}", step(n)),
            _same_record,
            writes=True,
        ),
        Operation(
            "create",
            0.7,
            lambda n: _sent("POST", API, _new(n)),
            lambda n: _sent("POST", HAND, _new(n)),
            _same_record,
            writes=True,
        ),
        Operation(
            "bulk",
            0.8,
            lambda n: _sent("POST", f"{API}/bulk", _bulk(n)),
            lambda n: _sent("POST", f"{HAND}/bulk", {"records": [_new(n * BULK + at) for at in range(BULK)]}),
            lambda a, b: _difference(len(a["data"]), len(b["data"])),
            clients=(1,),
            distinct=5,
            per_request=BULK,
            least=5_000,
            writes=True,
        ),
    ]


def _ours(**words: str) -> Request:
    words.setdefault("sort", "close_date")
    return Request(API + _query(words))


def _hand(**words: str) -> Request:
    return Request(HAND + _query(words))


def _query(words: Mapping[str, str]) -> str:
    return "?" + "&".join(f"{name}={quote(value)}" for name, value in words.items())


def _narrow(number: int) -> str:
    """About one record of forty."""
    stage = records.STAGES[number % len(records.STAGES)]
    return f"stage == '{stage}' and amount > {50_000 + number}"


def _narrow_hand(number: int) -> dict[str, str]:
    return {"stage": records.STAGES[number % len(records.STAGES)], "over": str(50_000 + number)}


def _wide() -> str:
    """Two of three records."""
    return f"stage == '{records.MOST}' and amount > 5000"


def wide_page(after: str | None, limit: int) -> Request:
    """A page of what the deep page is about, to walk there."""
    words = {"where": _wide(), "limit": str(limit)}
    return _ours(**words, **({"after": after} if after else {}))


def _sent(method: str, path: str, body: Any) -> Request:
    return Request(path, method, json.dumps(body, ensure_ascii=False).encode())


def _bulk(number: int) -> dict[str, Any]:
    made = [{"action": "create", "values": _new(number * BULK + at)} for at in range(BULK)]
    return {"operations": made, "all_or_nothing": True}


def _new(number: int) -> dict[str, Any]:
    """Nineteen values and the link."""
    return {
        "name": f"New {records.word(number)} {records.characters(number)} {number}",
        "account": records.account_id(number % records.ACCOUNTS),
        "stage": records.STAGES[number % len(records.STAGES)],
        "amount": {"amount": f"{number % 90_000}.50", "currency": "CNY"},
        "probability": str(number % 101),
        "close_date": f"2027-{number % 12 + 1:02}-{number % 28 + 1:02}",
        "engaged_at": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T08:30:00Z",
        "source": records.SOURCES[number % len(records.SOURCES)],
        "next_step": f"Call back {records.word(number + 1)}",
        "description": f"Wants {number} pieces, and a visit before the summer." * 2,
        "quantity": number % 1_000,
        "discount": f"{number % 30}.25",
        "score": number % 1_001,
        "hot": number % 5 == 0,
        "email": f"{records.word(number)}.{number}@example.com",
        "website": f"https://www.example.com/{number}",
        "region": records.CITIES[number % len(records.CITIES)],
        "contact_name": records.word(number + 2).title(),
        "external_number": f"N-{number:07}",
        "tags": ["new", records.SOURCES[number % len(records.SOURCES)]],
    }


# --- equality ------------------------------------------------------------------------------------------------------


def _same_page(ours: Any, hand: Any) -> str:
    if not hand["data"]:
        return "the page is empty"
    return _difference(ours["data"], hand["data"])


def _same_record(ours: Any, hand: Any) -> str:
    return _difference(_without(ours), _without(hand))


def _without(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in OWN_VALUES}


def _same_groups(ours: Any, hand: Any) -> str:
    def groups(rows: Any) -> dict[str, tuple[int, Decimal]]:
        return {row["stage"]: (row["count"], Decimal(_amount(row))) for row in rows}

    return _difference(groups(ours["data"]), groups(hand["data"]))


def _amount(row: Mapping[str, Any]) -> str:
    found = row.get("sum(amount)", row.get("sum"))
    return str(found["amount"]) if isinstance(found, dict) else str(found)


def _difference(ours: Any, hand: Any, path: str = "") -> str:
    """The first place where two JSON values differ, in words."""
    if isinstance(ours, dict) and isinstance(hand, dict):
        if odd := sorted(map(str, ours.keys() ^ hand.keys())):
            return f"{path or 'the answer'}: only one side has {', '.join(odd)}"
        return next((said for name in hand if (said := _difference(ours[name], hand[name], f"{path}.{name}"))), "")
    if isinstance(ours, list) and isinstance(hand, list):
        if len(ours) != len(hand):
            return f"{path or 'the list'}: {len(ours)} against {len(hand)}"
        pairs = enumerate(zip(ours, hand, strict=True))
        return next((said for at, (a, b) in pairs if (said := _difference(a, b, f"{path}[{at}]"))), "")
    return "" if ours == hand else f"{path or 'the answer'}: {ours!r} against {hand!r}"
