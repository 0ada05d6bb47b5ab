"""A workflow as a tree of cards: what starts it, each step with its blocks, and how each stands in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints import visibility
from blueprints.app.processes.histories import Visit, by_step, standing
from blueprints.app.processes.looks import State, moment, state_of, step_look
from blueprints.app.reading import Reader
from metadata.sections.workflows.drawing import BLOCKS, STARTS, Pen
from metadata.workflows import Choice, Delete, Each, Step, Steps, Try, Workflow, about

_ONE_WAY = ("choice", "find", "with", "wait", "task", "approval", "call")
"""Kinds of steps that take one of their blocks only."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A block within a step. `condition`: only for people who may know it."""

    label: str
    condition: str
    cards: tuple[Card, ...]
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A step. `text` holds parts of expressions between backticks; `state` is None outside a run."""

    id: str
    kind: str
    what: str
    label: str
    text: str
    icon: str
    tint: str
    state: State | None = None
    note: str = ""
    """Until when it waits, or how often it was done."""
    branches: tuple[Branch, ...] = ()
    side_by_side: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    starts: tuple[str, ...]
    cards: tuple[Card, ...]
    run: bool


def drawn(reader: Reader, workflow: Workflow, visits: Sequence[Visit] | None = None, over: bool = False) -> Drawing:
    """The whole of a workflow; with the visits of a run, how each step stands. Expressions and what they name are
    only told to people who configure."""
    ws, lang = reader.ws, reader.words.lang
    pen = Pen(lang, ws.model) if visibility.has_capability(ws, "configure") else None
    hand = _Hand(reader, pen, None if visits is None else by_step(visits), over)
    starts = tuple(
        pen.trigger(each, workflow) if pen is not None else reader.words.label(STARTS[each.kind])
        for each in workflow.triggers
    )
    return Drawing(starts, hand.cards(workflow.steps, workflow.entity, False), visits is not None)


@dataclass(frozen=True, slots=True)
class _Hand:
    reader: Reader
    pen: Pen | None
    visited: Mapping[str, list[Visit]] | None
    over: bool

    def cards(self, steps: Steps, entity: str, passed: bool) -> tuple[Card, ...]:
        return tuple(self.card(each, entity, passed) for each in steps)

    def card(self, step: Step, entity: str, passed: bool) -> Card:
        words = self.reader.words
        found = (self.visited or {}).get(step.id, [])
        key = standing(found).state if found else "skipped" if passed or self.over else "pending"
        icon, tint = step_look(step.kind)
        return Card(
            step.id,
            step.kind,
            words(f"process_step_{step.kind}"),
            words.label(step.label),
            self._text(step, entity),
            icon,
            tint,
            None if self.visited is None else state_of(words, key),
            self._note(found),
            self._branches(step, entity, key),
            step.kind in ("choice", "parallel"),
        )

    def _text(self, step: Step, entity: str) -> str:
        """What the step does in detail; of a choice its branches tell that."""
        if self.pen is None or isinstance(step, Choice | Try | Delete):
            return ""
        return self.pen.step(step, self.reader.ws.model.entity(entity))

    def _note(self, found: Sequence[Visit]) -> str:
        if not found:
            return ""
        words, told = self.reader.words, standing(found)
        notes = [words("process_times", count=len(found))] if len(found) > 1 else []
        if told.state == "waiting" and told.until:
            notes.append(words("process_until", at=moment(self.reader, told.until)))
        return " · ".join(notes)

    def _branches(self, step: Step, entity: str, state: str) -> tuple[Branch, ...]:
        inside = {name: self._entered(block) for name, block in step.blocks.items()}
        found = []
        for name, block in step.blocks.items():
            if not block and not isinstance(step, Choice):
                continue
            past = state in ("done", "failed", "cancelled", "skipped") or (
                step.kind in _ONE_WAY and any(inside.values()) and not inside[name]
            )
            cards = self.cards(block, about(step, name, entity), past)
            found.append(Branch(self._name(step, name), self._condition(step, name), cards, inside[name]))
        return tuple(found)

    def _entered(self, block: Steps) -> bool:
        return bool(block) and block[0].id in (self.visited or {})

    def _name(self, step: Step, name: str) -> str:
        words = self.reader.words
        if isinstance(step, Choice):
            case = next((each for each in step.cases if each.id == name), None)
            if case is not None and case.label:
                return words.label(case.label)
            if case is not None and len(step.cases) == 1:
                return words.label(BLOCKS["then"])
        if isinstance(step, Each):
            return words.process_for_each
        return words.label(BLOCKS[name]) if name in BLOCKS else name

    def _condition(self, step: Step, name: str) -> str:
        if self.pen is None or not isinstance(step, Choice):
            return ""
        return next((each.when for each in step.cases if each.id == name), "")


def names(workflow: Workflow | None) -> dict[str, Any]:
    """Id of a step -> (the step, id of the entity that its block is about)."""
    return {} if workflow is None else {step.id: (step, entity) for step, entity in workflow.placed()}
