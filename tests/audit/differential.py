"""Random expressions, answered four ways: Python, SQLite, PostgreSQL and the browser have to agree on every row."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import sqlalchemy as sa

from metadata.calendars import WEEKDAYS, Calendar, SpecialDay
from metadata.expressions.binding import Binding
from metadata.expressions.names import Wanted
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Expression
from runtime.database.postgres import PostgresServer
from runtime.database.sqlite import SqliteServer
from tests.audit import random_expressions as made
from tests.audit.interpreter import MISSING, Interpreter, node
from tests.audit.sides import UNKNOWN, Answers, Browser, Database, Python, Records
from tests.bench.figures import Figures
from tests.services import Services
from tests.worlds import World, place

ROWS = 60
SHOWN = 5
"""Differences that are printed whole."""


@dataclass
class Tally:
    """What was compared."""

    compared: Counter[str] = field(default_factory=Counter)
    """Side -> answers that were compared with Python's."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Side -> expressions that it refuses, or that a form asks the server."""
    differing: list[str] = field(default_factory=list)

    def compare(self, side: str, expression: Expression, expected: Answers, found: Answers | None) -> None:
        if found is None:
            self.left_out[side] += 1
            return
        for at, (here, there) in enumerate(zip(expected, found, strict=True)):
            if there == UNKNOWN and side == Browser.name:
                continue
            self.compared[side] += 1
            if here != there:
                self.differing.append(f"{side} row {at}: {expression.source!r} is {there!r}, in Python {here!r}")
                return


def measure(figures: Figures, count: int, seed: int, rows: int = ROWS) -> None:
    program = node()
    if program is None:
        figures.must("differential", False, missing=f"'{MISSING}'")
        return
    random, tally = Random(seed), Tally()
    with ExitStack() as stack:
        found = made.rows(random, rows)
        model = made.model()
        databases = [
            Database(_built(World(server, model, name), found)) for server, name in stack.enter_context(_servers())
        ]
        before = [None if random.random() < 0.2 else random.choice(found["deal"]) for _ in found["deal"]]
        records = Records(model, made.stored(found), before)
        python = Python(records)
        browser = Browser(records, stack.enter_context(Interpreter(program)))
        for number in range(count):
            expression, binding = _expression(random, model, number)
            expected = python.answers(expression, binding)
            sides: list[Database | Browser] = [*databases, browser]
            for side in sides:
                tally.compare(side.name, expression, expected, _asked(side, expression, binding))
    for each in tally.differing[:SHOWN]:
        print(each)
    facts: dict[str, object] = {"expressions": count, "rows": rows}
    for name in (*(each.name for each in databases), Browser.name):
        facts[name] = tally.compared[name]
        facts[f"left_out_{name}"] = tally.left_out[name]
    held = not tally.differing and all(tally.compared[side] for side in ("sqlite", "postgresql", "browser"))
    figures.must("differential", held, **facts, diffs=len(tally.differing), seed=seed)


def _asked(side: Database | Browser, expression: Expression, binding: Binding) -> Answers | None:
    try:
        return side.answers(expression, binding)
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        return [f"failed: {error}"[:300]] * len(side_order(side))


def side_order(side: Database | Browser) -> Sequence[Any]:
    return side.order if isinstance(side, Database) else side.records.deals


def _built(world: World, rows: made.Rows) -> World:
    world.build(rows)
    return world


@contextmanager
def _servers() -> Iterator[list[tuple[SqliteServer | PostgresServer, str]]]:
    """An empty place on SQLite, and one on PostgreSQL when this machine has it."""
    with ExitStack() as stack:
        servers: list[SqliteServer | PostgresServer] = [
            SqliteServer(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="metaloom-audit-"))))
        ]
        url = stack.enter_context(Services.start()).postgres
        if url is not None:
            servers.append(PostgresServer(url))
        for server in servers:
            stack.callback(server.close)
            server.prepare()
        yield [(server, server.create_place(place("audit"))) for server in servers]


# -- expressions

_BUSINESS = (
    "is_business_day({date})",
    "is_business_day({date}, 'night')",
    "add_business_days({date}, {n})",
    "add_business_days({date}, {n}, 'night')",
    "business_days_between({date}, {other})",
    "business_days_between({date}, {other}, 'night')",
    "add_business_hours({moment}, {n})",
    "add_business_hours({moment}, {n}, 'night')",
    "business_hours_between({moment}, {later})",
    "business_hours_between({moment}, {later}, 'night')",
)
_GIVES = {"is_business_day": "boolean", "add_business_days": "date", "add_business_hours": "datetime"}
_NINE_TO_SIX = ((540, 720), (780, 1080))


def _expression(random: Random, model: Any, number: int) -> tuple[Expression, Binding]:
    binding = made.binding(random.choice(made.ZONES))
    if number % 20 == 19:
        return _business(random, model), replace(binding, calendars=_calendars(random))
    kind, changes = random.choice((None, None, None, *made.KINDS)), random.random() < 0.1
    return made.made(model, random, random.randint(1, 4), kind, changes), binding


def _business(random: Random, model: Any) -> Expression:
    """Of business time, which no database answers."""
    template = random.choice(_BUSINESS)
    date = ("close", "owner.since", "add_days(close, 3)", "date(seen)")
    moment = ("seen", "owner.seen", "add_hours(seen, 7.25)", "$now")
    text = template.format(
        date=random.choice(date),
        other=random.choice(("$today", *date)),
        moment=random.choice(moment),
        later=random.choice(moment),
        n=random.choice(("1", "-1", "0", "size", "rate", "25", "-40.5", "0.75", "3000")),
    )
    scope = replace(made.scope(model), calendars={"day": "day", "night": "night"})
    wanted = Wanted(_GIVES.get(template.partition("(")[0], "number"))  # type: ignore[arg-type]
    return parse_in(text, model.entity("deal"), scope, wanted)


def _calendars(random: Random) -> dict[str, Calendar]:
    """An office and a night shift; days off and days worked instead are drawn."""
    return {
        "day": _calendar(random, "day", ((_NINE_TO_SIX,) * 5 + ((), ())), "Asia/Shanghai"),
        "night": _calendar(random, "night", (((1320, 1800),),) * 4 + ((), (), ((60, 300),)), "America/New_York"),
    }


def _calendar(random: Random, id: str, week: Any, timezone: str) -> Calendar:
    days = sorted({dt.date(2026, 1, 1) + dt.timedelta(days=random.randrange(400)) for _ in range(30)})
    special = tuple(
        SpecialDay(day.isoformat(), {"en": "x"}, random.choice(((), _NINE_TO_SIX, ((0, 60),)))) for day in days
    )
    return Calendar(id, id, {"en": id}, dict(zip(WEEKDAYS, week, strict=True)), special, timezone)
