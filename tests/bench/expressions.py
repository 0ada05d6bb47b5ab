"""How much faster compiled rules are than rule-engine's own evaluator, which asks the same of the same values."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from metadata.expressions.binding import Binding
from metadata.expressions.evaluate import Row, bound_values, condition
from metadata.expressions.parser import parse
from metadata.model import Entity, Field
from tests.bench.figures import Measure
from tests.bench.parts import Run

TIMES_FASTER = Measure("times_faster", "", 1)
BAR = 10.0
ROUNDS, SMALL_ROUNDS, TRIES = 300, 50, 9

_TYPES = {"name": "text", "stage": "text", "size": "decimal", "cost": "decimal", "active": "boolean"}
_FIELDS = {id: Field(id, id, type, {"en": id}, "deal") for id, type in _TYPES.items()}
DEAL = Entity("deal", "deal", {"en": "Deal"}, {"en": "Deals"}, _FIELDS, "name", names={id: id for id in _FIELDS})

RULES = (
    "stage == 'lost' and name == null",
    "active and size > 1000 and cost < 500",
    "stage in ['won', 'lost'] or size * 2 - cost >= 100",
    "not (stage == 'open') and (size + cost) / 2 > 250.5",
)
VALUES = (
    {"name": None, "stage": "lost", "size": Decimal(5), "cost": Decimal(3), "active": True},
    {"name": "Desk", "stage": "open", "size": Decimal(2000), "cost": Decimal(300), "active": True},
    {"name": "Lamp", "stage": "won", "size": Decimal("12.5"), "cost": Decimal(900), "active": False},
)


def measure(run: Run) -> None:
    """One figure over all rules: the time of rule-engine by ours."""
    rounds = SMALL_ROUNDS if run.options.small else ROUNDS
    ours, theirs = compiled(), native()
    rows = [Row(each) for each in VALUES]
    same = [[ask(each) for each in rows] for ask in ours] == [[ask(each) for each in VALUES] for ask in theirs]
    run.figures.must("expressions_equal", same, rules=len(RULES), rows=len(VALUES))
    run.figures.at_least("expressions", faster(ours, theirs, rounds), BAR, TIMES_FASTER, {"rules": len(RULES)})


def faster(ours: Sequence[Callable[[Any], Any]], theirs: Sequence[Callable[[Any], Any]], rounds: int) -> float:
    """How many times faster `ours` is: the best of some tries of each, which the machine's other work spoils least."""
    rows = [Row(each) for each in VALUES]  # of a record that is saved there is one, whatever the number of its rules
    tries = [(_seconds(theirs, VALUES, rounds), _seconds(ours, rows, rounds)) for _ in range(TRIES)]
    return min(each for each, _ in tries) / min(each for _, each in tries)


def _seconds(asked: Sequence[Callable[[Any], Any]], of: Sequence[Any], rounds: int) -> float:
    begin = time.perf_counter()
    for _ in range(rounds):
        for ask in asked:
            for each in of:
                ask(each)
    return time.perf_counter() - begin


def compiled() -> list[Callable[[Any], Any]]:
    """Ours: made once, asked often."""
    binding = Binding(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "UTC", None)

    def asked(text: str) -> Callable[[Any], Any]:
        expression = parse(text, DEAL, {"deal": DEAL}.get)
        ask, constants = condition(expression.root), bound_values(expression, binding)
        return lambda row: ask(row, constants)

    return [asked(text) for text in RULES]


def native() -> list[Callable[[Any], Any]]:
    """rule-engine's own, its rules read once, too."""
    from rule_engine import Context, DataType, Rule

    types = {"text": DataType.STRING, "decimal": DataType.FLOAT, "boolean": DataType.BOOLEAN}
    context = Context(type_resolver=lambda name: types[_TYPES[name]], resolver=lambda values, name: values[name])
    return [Rule(text, context=context).matches for text in RULES]
