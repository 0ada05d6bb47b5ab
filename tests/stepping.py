"""A world of plain answers and a performer of effects, for tests that let a workflow run without a database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.model import EMPTY
from metadata.workflows import Step, Steps, Update, Workflow
from workflow.engine import (
    Begin,
    Effect,
    Failed,
    FindMany,
    Happening,
    Instance,
    Line,
    Note,
    Performed,
    Reason,
    SetTimer,
    advance,
    dumped,
    is_due,
    loaded,
    new_instance,
)

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
NO = Reason("refused", {"en": "No.", "zh": "不行。"})


@dataclass
class Answers:
    """Answers by text, or by (text, record) where it matters whose; spans are hours: `PT3H`."""

    facts: dict[Any, Any] = field(default_factory=dict)
    now: dt.datetime = START
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def holds(self, text: str, entity: str, record: str | None) -> bool | None:
        found: bool | None = self.value(text, entity, record)
        return found

    def value(self, text: str, entity: str, record: str | None) -> Any:
        self.asked.append((text, entity, record))
        return self.facts.get((text, record), self.facts.get(text))

    def moment(self, text: str, entity: str, record: str | None) -> dt.datetime | None:
        found: dt.datetime | None = self.value(text, entity, record)
        return found

    def after(self, span: str, calendar: str | None, start: dt.datetime) -> dt.datetime | None:
        if span == "P9999Y":
            return None
        hours = int(span.strip("PTDH") or 0) * (24 if span.endswith("D") else 1)
        return start + dt.timedelta(hours=hours * (2 if calendar else 1))


@dataclass
class Story:
    """One run, told what happens. Effects are performed at once; it is saved and restored before each happening."""

    workflow: Workflow
    world: Answers = field(default_factory=Answers)
    results: Mapping[str, Any] = field(default_factory=dict)
    """Step id -> what its effect is answered with: ids, or a Reason when it fails. Else an id `<step>-<visit>`."""
    depth: int = 0
    instance: Instance = field(init=False)
    effects: list[Effect] = field(default_factory=list)
    """All that were performed, without notes."""
    trace: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.instance = new_instance("run-1", self.workflow, release=3, record="r1", depth=self.depth)

    def begin(self) -> Story:
        return self.tell(Begin())

    def tell(self, *happenings: Happening) -> Story:
        queue: list[Effect] = []
        for happening in happenings:
            queue.extend(self._advance(happening))
            while queue:
                effect = queue.pop(0)
                if isinstance(effect, Note):
                    self.trace.append(effect.line)
                elif is_due(self.instance, effect):
                    self.effects.append(effect)
                    if effect.answers:
                        queue.extend(self._advance(self._answer(effect)))
        return self

    def _advance(self, happening: Happening) -> tuple[Effect, ...]:
        self.instance = loaded(json.loads(json.dumps(dumped(self.instance))))
        self.instance, effects = advance(self.workflow, self.instance, happening, self.world)
        return effects

    def _answer(self, effect: Effect) -> Happening:
        result = self.results.get(effect.step, () if isinstance(effect, FindMany) else f"{effect.step}-{effect.visit}")
        return Failed(effect.visit, result) if isinstance(result, Reason) else Performed(effect.visit, result)

    @property
    def state(self) -> str:
        return self.instance.state

    @property
    def lines(self) -> list[str]:
        """`kind step` of the whole trace."""
        return [f"{line.kind} {line.step}".strip() for line in self.trace]

    @property
    def entered(self) -> list[str]:
        return [line.step for line in self.trace if line.kind == "entered"]

    @property
    def performed(self) -> list[str]:
        """`Effect step`, in order."""
        return [f"{type(each).__name__} {each.step}" for each in self.effects]

    def visit(self, step: str) -> int:
        """Of the token that stands at a step."""
        return next(each.visit for each in self.instance.walk.tokens if each.step == step)

    def line(self, kind: str, step: str = "") -> Mapping[str, Any]:
        """Detail of the last line of a kind at a step."""
        return next(each.detail for each in reversed(self.trace) if (each.kind, each.step) == (kind, step))

    def timer(self, step: str) -> dt.datetime:
        """The moment of the last timer set for a step."""
        return next(each.at for each in reversed(self.effects) if isinstance(each, SetTimer) and each.step == step)


def made_of(*steps: Step) -> Workflow:
    """A workflow over `deal` with these steps."""
    return Workflow("flow", "flow", EMPTY, "deal", steps=steps)


def act(*ids: str) -> Steps:
    """A block of steps that each change the record."""
    return tuple(Update(id, EMPTY) for id in ids)
