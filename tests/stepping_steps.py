"""Steps in few words, and a story that walks them, for the tests of the engine."""

from __future__ import annotations

import datetime as dt
from typing import Any

from metadata.model import EMPTY
from metadata.workflows import (
    Case,
    Choice,
    Each,
    HumanTask,
    Parallel,
    Person,
    Step,
    Steps,
    Wait,
)
from tests.stepping import Answers, Story, made_of

HOUR = dt.timedelta(hours=1)
CARL = (Person(role="clerk"),)


def story(*steps: Step, results: dict[str, Any] | None = None, **facts: Any) -> Story:
    return Story(made_of(*steps), Answers(dict(facts)), results or {}).begin()


def choice(id: str, otherwise: Steps = (), **cases: Steps) -> Choice:
    """Cases whose conditions are their names."""
    return Choice(id, EMPTY, cases=tuple(Case(name, name, steps) for name, steps in cases.items()), otherwise=otherwise)


def parallel(id: str, join: Any = "all", **branches: Steps) -> Parallel:
    return Parallel(id, EMPTY, branches=branches, join=join)


def each(id: str, *steps: Step, limit: int = 200, entity: str = "line") -> Each:
    return Each(id, EMPTY, entity=entity, where="open", by="deal", sort=("name",), limit=limit, steps=steps)


def task(id: str, **more: Any) -> HumanTask:
    return HumanTask(id, EMPTY, title={"en": "Call {name}"}, to=CARL, **more)


def event(id: str, **more: Any) -> Wait:
    return Wait(id, EMPTY, event="updated", **more)
