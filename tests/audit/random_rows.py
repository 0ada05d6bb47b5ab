"""Rows of the small business that are hard on a condition: empty values, scripts, signs, extremes, turns of clocks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

from metadata.fieldtypes.links import AnyLink
from tests.worlds import NOW, Rows, complete, uuid

TEXTS = (
    "",
    " ",
    "a",
    "B",
    "ä",
    "50%",
    "a_b",
    "A_B",
    "o'x",
    'q"',
    "北京",
    "北",
    "😀x",
    "👩‍👩‍👧",
    "\\",
    "ΑΣ",
    "Σ",
    "ς",
    "σας",
    "ΟΔΟΣ ΑΣ.",
    "İ",
    "ı",
    "ß",
    "ŉ",
    "ﬁ",
    "ᾳ",
    "Ǆǅ",
    "ab",
    "{a}",
    ":p",
    "?",
    "%s",
    "%(p0)s",
    "12.50",
    " -3 ",
    "1e5",
    "+1",
    "00012",
    "-0",
    "1.",
    ".5",
    "999999999999999999999999.999999999999",
    "1234567890123456789012345",
    "０１",
    "\t tab \n",
    "\u3000wide\u00a0",
    "e\u0301",
    "\uffff",
    "\U0010ffff",
)
NUMBERS = (
    "0",
    "1",
    "-1",
    "2",
    "2.5",
    "0.5",
    "-0.5",
    "0.001",
    "0.0005",
    "3",
    "7",
    "12",
    "1000000",
    "99999999999999999999",
    "999999999999999999999999.999999999999",
    "-2.25",
    "3.1",
    "0.333",
    "0.000000000001",
    "-0.000000000003",
    "333333333333.333333333333",
)
DAYS = (
    dt.date(1, 1, 1),
    dt.date(1, 12, 31),
    dt.date(1900, 2, 28),
    dt.date(1972, 1, 7),
    dt.date(2000, 2, 29),
    dt.date(2011, 12, 29),
    dt.date(2024, 2, 29),
    dt.date(2024, 12, 31),
    dt.date(2026, 1, 31),
    dt.date(2026, 3, 8),
    dt.date(2026, 3, 15),
    dt.date(2026, 3, 16),
    dt.date(2026, 3, 29),
    dt.date(2026, 6, 30),
    dt.date(9999, 12, 31),
)
MOMENTS = (
    dt.datetime(1, 1, 1, 0, 0, tzinfo=dt.UTC),
    dt.datetime(1, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    dt.datetime(1850, 7, 1, 12, 0, tzinfo=dt.UTC),
    dt.datetime(1900, 12, 31, 15, 54, 16, 999999, tzinfo=dt.UTC),
    dt.datetime(1900, 12, 31, 15, 54, 17, tzinfo=dt.UTC),
    dt.datetime(1940, 6, 1, 15, 30, tzinfo=dt.UTC),
    dt.datetime(1972, 1, 7, 0, 30, tzinfo=dt.UTC),
    dt.datetime(1986, 5, 3, 18, 0, tzinfo=dt.UTC),
    dt.datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
    dt.datetime(2011, 12, 30, 9, 59, 59, tzinfo=dt.UTC),
    dt.datetime(2011, 12, 30, 10, 0, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 8, 6, 59, 59, 999999, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 8, 7, 0, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC),
    dt.datetime(2026, 4, 4, 15, 0, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 25, 0, 59, 59, 500000, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 1, 6, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 12, 31, 16, 0, tzinfo=dt.UTC),
    NOW,
    dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
)


def rows(random: Random, number: int) -> Rows:
    """Rows of every entity, `number` of them deals: by field id, `amount__base` for amounts in the base currency."""
    return _Rows(random).all(number)


class _Rows:
    def __init__(self, random: Random) -> None:
        self.random = random

    def maybe(self, value: Any) -> Any:
        return None if self.random.random() < 0.2 else value

    def text(self) -> str:
        return "".join(self.random.choice(TEXTS) for _ in range(self.random.randint(0, 2)))

    def amount(self, scale: int) -> Decimal:
        whole = self.random.choice((-1000, -25, -2, -1, 0, 0, 1, 2, 3, 7, 25, 1000, 12345, 10**14 - 1))
        return Decimal(whole).scaleb(-self.random.choice((0, 1, scale))).quantize(Decimal(1).scaleb(-scale))

    def id(self, first: int, count: int) -> str:
        return uuid(first + self.random.randrange(count))

    def day(self) -> dt.date:
        return self.random.choice(DAYS)

    def moment(self) -> dt.datetime:
        return self.random.choice(MOMENTS)

    def stage(self) -> str:
        return self.random.choice(("new", "won", "lost"))

    def all(self, number: int) -> Rows:
        maybe, random = self.maybe, self.random
        gone = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        users = [
            complete(
                {
                    "name": maybe(self.text()),
                    "limit": maybe(self.amount(2)),
                    "since": maybe(self.day()),
                    "seen": maybe(self.moment()),
                    "unit": maybe(self.id(11, 3)),
                },
                1 + n,
            )
            for n in range(4)
        ]
        units = [complete({"name": f"Unit {n}"}, 11 + n) for n in range(3)]
        accounts = [
            complete(
                {
                    "name": maybe(self.text()),
                    "industry": maybe(self.stage()),
                    **self.money("limit"),
                    "owner": maybe(self.id(1, 4)),
                    "unit": maybe(self.id(11, 3)),
                    "parent": maybe(self.id(20, 12)),
                    "phone": maybe(self.text()),
                    "deleted_at": gone if n == 11 else None,
                },
                20 + n,
            )
            for n in range(12)
        ]
        deals = [complete(self.deal(), 1000 + n) for n in range(number)]
        lines = [
            complete(
                {
                    "name": maybe(self.text()),
                    "deal": maybe(self.id(1000, max(number // 2, 1))),
                    "account": maybe(self.id(20, 12)),
                    "qty": maybe(random.choice((-1, 0, 1, 2, 3, 10**9))),
                    **self.money("price"),
                    "deleted_at": gone if random.random() < 0.1 else None,
                },
                100_000 + n,
            )
            for n in range(number * 2)
        ]
        contacts = [
            complete(
                {
                    "name": maybe(self.text()),
                    "account": maybe(self.id(20, 12)),
                    "deleted_at": gone if n == 3 else None,
                },
                60 + n,
            )
            for n in range(8)
        ]
        pairs = [
            complete(
                {
                    "near": self.id(1000, number),
                    "far": self.id(60, 8),
                    "deleted_at": gone if random.random() < 0.1 else None,
                },
                200_000 + n,
            )
            for n in range(number)
        ]
        return {
            "user": users,
            "unit": units,
            "account": accounts,
            "deal": deals,
            "line": lines,
            "contact": contacts,
            "deal__contacts": pairs,
        }

    def money(self, name: str) -> dict[str, Any]:
        """An amount and its value in the base currency: there is one or there is none."""
        if self.random.random() < 0.2:
            return {name: None, f"{name}__base": None}
        amount = self.amount(4)
        rate = self.random.choice((1, 7))
        return {name: amount, f"{name}__base": amount * rate if abs(amount) < 10**12 else amount}

    def deal(self) -> dict[str, Any]:
        maybe, random = self.maybe, self.random
        tags = tuple(sorted({random.choice(("VIP", "vip", "新", "a'b", "ς")) for _ in range(random.randint(1, 2))}))
        return {
            "name": maybe(self.text()),
            "note": maybe(self.text()),
            "account": maybe(self.id(20, 12)),
            "stage": maybe(self.stage()),
            **self.money("amount"),
            **self.money("cost"),
            "rate": maybe(self.amount(3)),
            "share": maybe(self.amount(2)),
            "size": maybe(random.choice((-1, 0, 1, 2, 3, 7, 2**62, -(2**63) + 1))),
            "active": maybe(random.random() < 0.5),
            "close": maybe(self.day()),
            "seen": maybe(self.moment()),
            "tags": maybe(tags),
            "needs": maybe(tuple(sorted({self.stage(), self.stage()}))),
            "extra": maybe({"a": 1}),
            "owner": maybe(self.id(1, 4)),
            "unit": maybe(self.id(11, 3)),
            "about": maybe(AnyLink("account", self.id(20, 12))),
        }


def stored(found: Rows) -> Rows:
    """The same rows without what is in the bin: what a back end without a database looks at."""
    return {entity: [row for row in each if row.get("deleted_at") is None] for entity, each in found.items()}
