"""The default of a field: a JSON value, or a word that is known only when a record is made."""

from __future__ import annotations

import datetime as dt
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.fieldtypes.dates import local
from metadata.model import Field
from metadata.problems import Problem

WORDS = {"date": "today", "datetime": "now", "user": "me"}
"""The word that a field of a type may have as its default."""


def resolve_default(field: Field, now: dt.datetime, timezone: str, user: str | None) -> Any:
    """The value of the default for a record made now by a user. Raises ValueProblem if it has become invalid."""
    if field.default is None:
        return None
    if field.default == WORDS.get(field.type):
        match field.type:
            case "date":
                return local(now, timezone).date()
            case "datetime":
                return now
            case _:
                return user
    return registry.of(field).parse(field, field.default)


def check_default(field: Field) -> Problem | None:
    """What is wrong with the default that a description gives; its path is `default`."""
    if field.default is None or field.default == WORDS.get(field.type):
        return None
    try:
        registry.of(field).parse(field, field.default)
    except ValueProblem as found:
        return found.problem.under("default")
    return None
