"""What a run did, as its page tells it: each step with what it was about, what it decided and why, what it made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from blueprints import visibility
from blueprints.app.cells import Piece
from blueprints.app.processes import drawing
from blueprints.app.processes.histories import Visit
from blueprints.app.processes.looks import State, moment, span, state_of, step_look
from blueprints.app.reading import Reader
from metadata.expressions.explaining import Step as Explained
from metadata.expressions.parser import parse_in
from metadata.expressions.problems import ExpressionInvalid
from metadata.ids import is_uuid
from metadata.problems import say
from metadata.sections.workflows.drawing import BLOCKS
from metadata.workflow_texts import scope_of_workflows
from metadata.workflows import Choice, Create, HumanTask, Run, Step
from runtime import trying
from runtime.processes.reading import Shown
from runtime.processes.trace import Written
from runtime.queries.rules import sees

MOST_EXPLAINED = 10
"""Conditions of one page that are explained: each asks the database."""
_ANSWERS = 600
_TITLES = 200


@dataclass(frozen=True, slots=True)
class Why:
    """A condition that was asked. `text` is None for one that the reader may not know."""

    text: str | None
    holds: bool | None
    explained: Explained | None = None
    differs: bool = False
    """It would be answered otherwise today."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened in a step."""

    at: str
    text: str
    bad: bool = False
    link: Piece | None = None
    conditions: tuple[Why, ...] = ()
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """One visit of a step."""

    step: str
    label: str
    icon: str
    tint: str
    state: State
    began: str
    iso: str
    lasted: str
    about: Piece | None
    notes: tuple[Note, ...]


class Teller:
    """Tells the visits of one run."""

    def __init__(self, reader: Reader, shown: Shown) -> None:
        self.reader, self.shown = reader, shown
        self.steps = drawing.names(shown.workflow)
        self._known: dict[tuple[str, str, str], Explained | None] = {}
        self._seen: dict[tuple[str, str], bool] = {}

    def tell(self, visits: Sequence[Visit]) -> list[Passage]:
        self._learn(visits)
        return [self._passage(each) for each in visits]

    def notes(self, lines: Sequence[Written]) -> list[Note]:
        return [self._note(each, None) for each in lines]

    # What is mentioned

    def _learn(self, visits: Sequence[Visit]) -> None:
        """The titles of the records that are mentioned, as far as the reader sees them."""
        wanted = [each for each in self._mentioned(visits) if self._may_read(each[0])]
        self.reader.titles.learn(list(dict.fromkeys(wanted))[:_TITLES])

    def _mentioned(self, visits: Iterable[Visit]) -> Iterator[tuple[str, str]]:
        for each in visits:
            if each.record is not None and (key := self._key(self._entity(each.step))):
                yield key, each.record
            for line in each.lines:
                if (made := self._made(line)) is not None:
                    yield made

    def _made(self, line: Written) -> tuple[str, str] | None:
        """(entity key, id) of the record that a line says was made."""
        step, _ = self.steps.get(line.step, (None, ""))
        result = line.detail.get("result") or line.detail.get("opened")
        if not isinstance(result, str):
            return None
        if isinstance(step, Create) and (key := self._key(step.entity)):
            return key, result
        return ("task", result) if isinstance(step, HumanTask) else None

    def _entity(self, step: str) -> str:
        return str(self.steps[step][1]) if step in self.steps else self.shown.run.entity

    def _key(self, entity: str) -> str | None:
        found = self.reader.ws.model.entity(entity)
        return None if found is None else found.key

    def _may_read(self, entity: str) -> bool:
        found = self.reader.ws.model.entity(entity)
        return found is not None and visibility.may(self.reader.ws, found, "read")

    def _piece(self, entity: str | None, id: str) -> Piece:
        """A record by its title; of one that the reader does not see, only that there is one."""
        piece = self.reader.titles.piece(entity, id) if entity else None
        return piece if piece is not None and piece.url else Piece(self.reader.words.process_unseen)

    # Passages

    def _passage(self, visit: Visit) -> Passage:
        step: Step | None = self.steps.get(visit.step, (None, ""))[0]
        icon, tint = step_look(step.kind if step is not None else "")
        words = self.reader.words
        return Passage(
            visit.step,
            visit.step if step is None else words.label(step.label),
            icon,
            tint,
            state_of(words, visit.state),
            moment(self.reader, visit.began.isoformat()),
            visit.began.isoformat(),
            span(words, visit.seconds),
            self._about(visit),
            tuple(self._note(each, step) for each in visit.lines),
        )

    def _about(self, visit: Visit) -> Piece | None:
        """The record of a step that is about another one than the run."""
        if visit.record is None or visit.record == self.shown.run.record:
            return None
        return self._piece(self._key(self._entity(visit.step)), visit.record)

    def _note(self, line: Written, step: Step | None) -> Note:
        detail = line.detail
        link = self._link(line, step)
        return Note(
            moment(self.reader, line.at.isoformat()),
            self._text(line, step, link),
            line.kind == "failed" or (line.kind == "ended" and detail.get("state") == "failed"),
            link,
            tuple(self._why(each) for each in detail.get("asked", ())),
            _plain(detail["answer"]) if detail.get("answer") else self._values(detail),
        )

    def _values(self, detail: Mapping[str, Any]) -> str:
        """What was given to fields, in short; records that links lead to are told elsewhere."""
        entity = self.reader.ws.model.entity(str(detail.get("entity", "")))
        values = detail.get("values") if entity is not None else None
        if entity is None or not isinstance(values, Mapping):
            return ""
        fields = {each.key: each for each in entity.fields.values()}
        label = self.reader.words.label
        return _plain(
            {
                label(fields[key].label): "–" if each is None else each
                for key, each in values.items()
                if key in fields and not is_uuid(each)
            }
        )

    def _link(self, line: Written, step: Step | None) -> Piece | None:
        made = self._made(line)
        if made is not None:
            return self._piece(*made)
        result = line.detail.get("result") or line.detail.get("opened")
        if isinstance(step, Run) and isinstance(result, str):
            return Piece(self.reader.words.process_other_run, url_for("app.process_run", id=result))
        return None

    def _text(self, line: Written, step: Step | None, link: Piece | None) -> str:
        words, detail = self.reader.words, line.detail
        match line.kind:
            case "decided":
                block = detail.get("block")
                return words("process_decided", way=self._way(step, str(block))) if block else words.process_asked
            case "performed":
                if "found" in detail:
                    return words("process_found", count=detail["found"])
                return words.process_made if link is not None else words.process_performed
            case "waiting":
                until = detail.get("over") or detail.get("late")
                told = words(f"process_waits_{detail.get('on')}")
                return f"{told} · {words('process_until', at=moment(self.reader, until))}" if until else told
            case "resumed":
                told = words(f"process_by_{detail.get('by', 'timer')}")
                outcome = str(detail.get("outcome", ""))
                return f"{told}: {words.label(BLOCKS[outcome])}" if outcome in BLOCKS else told + self._said(detail)
            case "ended":
                state = state_of(words, str(detail.get("state"))).label
                return words("process_ended", state=state) + self._said(detail)
            case "failed":
                return words.process_failed + self._said(detail)
        return line.kind

    def _said(self, detail: Mapping[str, Any]) -> str:
        texts = detail.get("texts")
        return f": {say(texts, self.reader.words.lang)}" if texts else ""

    def _way(self, step: Step | None, block: str) -> str:
        if isinstance(step, Choice):
            case = next((each for each in step.cases if each.id == block), None)
            if case is not None and case.label:
                return self.reader.words.label(case.label)
        return self.reader.words.label(BLOCKS[block]) if block in BLOCKS else block

    # Conditions

    def _why(self, asked: Mapping[str, Any]) -> Why:
        text, holds = asked.get("when"), asked.get("holds")
        if not isinstance(text, str):
            return Why(None, holds)
        if not isinstance(asked.get("record"), str):
            return Why(text, holds)
        explained = self._explained(str(asked["entity"]), str(asked["record"]), text)
        today = None if explained is None else explained.holds
        return Why(text, holds, explained, today is not None and today is not holds)

    def _explained(self, entity: str, record: str, text: str) -> Explained | None:
        """With the values of now, those that the reader may see; None for a record that he does not see, and for
        what looks at a change that is over."""
        key = (entity, record, text)
        if key not in self._known:
            self._known[key] = self._explain(*key) if len(self._known) < MOST_EXPLAINED else None
        return self._known[key]

    def _explain(self, entity: str, record: str, text: str) -> Explained | None:
        ws = self.reader.ws
        of = ws.model.entity(entity)
        if of is None:
            return None
        seen = self._seen.get((entity, record))
        if seen is None:
            seen = visibility.may(ws, of, "read") and sees(ws, of, "read", record, deleted=False)
            self._seen[entity, record] = seen
        if not seen:
            return None
        try:
            expression = parse_in(text, of, scope_of_workflows(ws.model))
        except ExpressionInvalid:
            return None
        return trying.explained(ws, of, record, expression).root


def _plain(answer: Any) -> str:
    """What another system answered, in short."""
    if isinstance(answer, Mapping):
        answer = ", ".join(f"{name}: {value}" for name, value in answer.items())
    text = str(answer)
    return text if len(text) <= _ANSWERS else f"{text[:_ANSWERS]}…"
