"""Checks the body of a request, field by field, and gives the values for the row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

Check = Callable[[Any], Any]

STAGES = frozenset({"prospecting", "qualify", "need", "proposal", "negotiation", "won", "lost"})
SOURCES = frozenset({"website", "referral", "exhibition", "partner"})
CURRENCIES = frozenset({"CNY"})
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[^\s/]+\S*")


class Invalid(Exception):
    """The body cannot be taken; `problems` maps each field to its reason."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(str(problems))
        self.problems = problems


def _text(limit: int, pattern: re.Pattern[str] | None = None) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise ValueError("must be text")
        if len(value) > limit:
            raise ValueError(f"has more than {limit} characters")
        if pattern is not None and not pattern.fullmatch(value):
            raise ValueError("has not the right form")
        return value

    return check


def _one_of(allowed: frozenset[str]) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError("is none of the values that are allowed")
        return value

    return check


def _integer(least: int, most: int) -> Check:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return check


def _decimal(scale: int, most: int) -> Check:
    def check(value: Any) -> Decimal:
        try:
            number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or not 0 <= number <= most:
            raise ValueError(f"must be a number from 0 to {most}")
        exact = round(number, scale)
        if exact != number:
            raise ValueError(f"has more than {scale} decimals")
        return exact

    return check


def _money(value: Any) -> tuple[Decimal, str]:
    if not isinstance(value, dict) or value.keys() != {"amount", "currency"}:
        raise ValueError("must be an amount with its currency")
    if value["currency"] not in CURRENCIES:
        raise ValueError("is in a currency that is not known")
    return _amount(value["amount"]), value["currency"]


_amount = _decimal(2, 10**13)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _date(value: Any) -> dt.date:
    if not isinstance(value, str):
        raise ValueError("must be a date such as 2027-01-31")
    return dt.date.fromisoformat(value)


def _instant(value: Any) -> dt.datetime:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 2027-01-31T12:00:00Z")
    found = dt.datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("says no time zone")
    return found.astimezone(dt.UTC)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 50 or not all(isinstance(each, str) for each in value):
        raise ValueError("must be a list of at most 50 texts")
    return list(dict.fromkeys(value))


OPPORTUNITY: dict[str, Check] = {
    "name": _text(120),
    "account": _text(36, UUID),
    "stage": _one_of(STAGES),
    "amount": _money,
    "probability": _decimal(2, 100),
    "close_date": _date,
    "engaged_at": _instant,
    "source": _one_of(SOURCES),
    "next_step": _text(200),
    "description": _text(100_000),
    "quantity": _integer(0, 2**53),
    "discount": _decimal(2, 100),
    "score": _integer(0, 1000),
    "hot": _boolean,
    "email": _text(254, _EMAIL),
    "website": _text(2_000, _URL),
    "region": _text(60),
    "contact_name": _text(80),
    "external_number": _text(40),
    "tags": _texts,
    "owner": _text(36, UUID),
    "unit": _text(36, UUID),
}
REQUIRED = ("name", "account", "stage")
DEFAULTS: dict[str, Any] = {"stage": "prospecting", "probability": Decimal(10), "hot": False}


def new_opportunity(body: Any) -> dict[str, Any]:
    """The values of a new opportunity by field. Raises Invalid."""
    values = DEFAULTS | changes_of_opportunity(body)
    missing = {name: "is required" for name in REQUIRED if values.get(name) in (None, "")}
    if missing:
        raise Invalid(missing)
    return values


def changes_of_opportunity(body: Any) -> dict[str, Any]:
    """The values that a body sets. Raises Invalid with every problem."""
    if not isinstance(body, dict):
        raise Invalid({"": "must be an object"})
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in body.items():
        check = OPPORTUNITY.get(name)
        if check is None:
            problems[name] = "is not a field"
        elif value is None:
            values[name] = None
            if name in REQUIRED:
                problems[name] = "is required"
        else:
            try:
                values[name] = check(value)
            except ValueError as problem:
                problems[name] = str(problem)
    if problems:
        raise Invalid(problems)
    return values
