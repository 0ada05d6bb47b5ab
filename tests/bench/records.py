"""The records that both sides serve: for the same number always the same."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

ACCOUNTS = 1_000
STAGES = ("qualify", "need", "proposal", "negotiation", "won", "lost")
MOST = "prospecting"
"""Seven of ten opportunities stand in this stage, one of twenty in each other."""
SOURCES = ("website", "referral", "exhibition", "partner")
INDUSTRIES = ("software", "retail", "finance", "energy", "education")
CITIES = ("上海", "北京", "深圳", "Hamburg", "Lyon", "Austin")
CHARACTERS = "东海星云华信天成金达恒远新科盛世中和康源同创明德"
CONSONANTS = "bdfgklmnprstvz"
VOWELS = "aeiou"
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FIRST_DAY = dt.date(2026, 1, 1)

Values = Mapping[str, Any]


def account_id(number: int) -> str:
    return _id(1, number)


def opportunity_id(number: int) -> str:
    return _id(2, number)


def accounts(owner: str) -> Iterator[dict[str, Any]]:
    """The values by field id."""
    chance = random.Random(7)
    for number in range(ACCOUNTS):
        yield {
            **_system(account_id(number), number, owner),
            "name": _name(chance),
            "industry": chance.choice(INDUSTRIES),
            "city": chance.choice(CITIES),
            "website": f"https://account-{number}.example.com",
            "employees": chance.randrange(5, 20_000),
        }


def opportunities(rows: int, owner: str) -> Iterator[dict[str, Any]]:
    """The values by field id. About 2.5 % are in negotiation and above 50,000; two thirds prospecting above 5,000."""
    chance = random.Random(11)
    for number in range(rows):
        amount = Decimal(chance.randrange(10_000_000)) / 100
        yield {
            **_system(opportunity_id(number), number, owner),
            "currency": "CNY",
            "name": _name(chance),
            "account": account_id(chance.randrange(ACCOUNTS)),
            "stage": MOST if chance.random() < 0.7 else chance.choice(STAGES),
            "amount": amount,
            "probability": Decimal(chance.randrange(101)),
            "close_date": FIRST_DAY + dt.timedelta(days=chance.randrange(1_000)),
            "engaged_at": BEGIN + dt.timedelta(minutes=chance.randrange(500_000)),
            "source": chance.choice(SOURCES),
            "next_step": f"Call back {_word(chance)}",
            "description": f"{_name(chance)}. {_name(chance)}. {_name(chance)}.",
            "quantity": chance.randrange(1_000),
            "discount": Decimal(chance.randrange(3_000)) / 100,
            "score": chance.randrange(1_001),
            "hot": chance.random() < 0.2,
            "email": f"{_word(chance)}.{number}@example.com",
            "website": f"https://www.example.com/{_word(chance)}",
            "region": chance.choice(CITIES),
            "contact_name": _word(chance).title(),
            "external_number": f"X-{number:07}",
            "tags": ("new", chance.choice(SOURCES)),
        }


def word(number: int) -> str:
    """Three latin letters that stand in about one of 250 names."""
    a, number = number % len(CONSONANTS), number // len(CONSONANTS)
    b, c = number % len(VOWELS), number // len(VOWELS) % len(CONSONANTS)
    return CONSONANTS[a] + VOWELS[b] + CONSONANTS[c]


def characters(number: int) -> str:
    """Two Chinese characters that stand together in about one of 200 names."""
    return CHARACTERS[number % len(CHARACTERS)] + CHARACTERS[number // len(CHARACTERS) % len(CHARACTERS)]


def _id(kind: int, number: int) -> str:
    milliseconds = int(BEGIN.timestamp() * 1000) + number
    text = f"{milliseconds << 80 | 7 << 76 | kind << 64 | 2 << 62 | number * 2_654_435_761 % 2**60:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _system(id: str, number: int, owner: str) -> dict[str, Any]:
    at = BEGIN + dt.timedelta(seconds=number)
    made = {"id": id, "version": 1, "created_at": at, "created_by": owner, "updated_at": at, "updated_by": owner}
    return {**made, "owner": owner}


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(CONSONANTS) + chance.choice(VOWELS) for _ in range(3))


def _name(chance: random.Random) -> str:
    return f"{_word(chance).title()} {_word(chance)} {''.join(chance.choices(CHARACTERS, k=4))}"
