"""What rules decide of saves of the past, by the same code as a save asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metadata.expressions.needs import Needs, needs
from metadata.rules import Rule
from runtime.records.checking.rules import book_of
from runtime.records.drafts import Draft
from runtime.simulating.changed import Item
from runtime.simulating.comparing import Ruled
from runtime.simulating.sides import Page, Side, Sides, own_of, unlike
from runtime.simulating.writing import Writers, Written
from workflow.rules import Book, bind, decide


class Trial:
    """One rule of one side."""

    def __init__(self, side: Side, id: str) -> None:
        self.side = side
        self.rule: Rule | None = next((each for each in side.entity.rules if each.id == id), None)
        whole = book_of(side.model, side.entity)
        ready = next((each for each in whole.rules if each.rule.id == id), None)
        hiding = [each for each in whole.rules if each is not ready and each.rule.hide]
        self.ready = ready
        # What another rule hides nobody can fill in, so it is not demanded.
        self.book = None if ready is None else Book(side.entity, (ready, *(hiding if ready.rule.require else ())))

    @property
    def needs(self) -> Needs:
        return Needs() if self.book is None else self.book.needs

    def verdict(self, page: Page, at: int, written: Written) -> Ruled:
        """What the rule does with one save."""
        sets = written.sets.get(self.rule.id, {}) if self.rule is not None else {}
        if self.book is None or self.ready is None:
            return Ruled(sets=sets)
        draft, moment = written.draft, page.moments[at]
        row = page.row(("rule", id(self)), draft, self.book.needs)
        changed = moment.changed
        if changed is not None and written.given:
            changed = (changed - written.given) | {each for each in written.given if _differs(draft, each)}
        found = decide(self.book, bind(self.book, page.binding(self.side, at)), row, changed)
        refused = self.ready in found.refused
        warns = refused and self.ready.rule.reject is not None and self.ready.rule.reject.warn
        sent = _sent(self.side, moment.changed, draft, written)
        return Ruled(
            rejects=refused and not warns,
            warns=warns,
            demands=tuple(id for id, by in found.required.items() if by is self.ready and _lacks(self.side, draft, id)),
            closed=tuple(id for id, by in found.read_only.items() if by is self.ready and id in sent),
            not_offered=tuple(id for id in self.ready.rule.options if _refuses(draft, id, found.options.get(id))),
            sets=sets,
        )


def _differs(draft: Draft, id: str) -> bool:
    return draft.before is not None and draft.values.get(id) != draft.before.get(id)


def _sent(side: Side, changed: Any, draft: Draft, written: Written) -> frozenset[str]:
    """What somebody gave another value: what follows by itself is not sent."""
    given = changed if changed is not None else {id for id, value in draft.values.items() if value is not None}
    by_rules = {id for sets in written.sets.values() for id in sets}
    fields = side.entity.fields
    return (
        frozenset(id for id in given if id in fields and not fields[id].system and fields[id].computed is None)
        - by_rules
    )


def _lacks(side: Side, draft: Draft, id: str) -> bool:
    """Of a list it is not known what was sent with the save."""
    value = draft.values.get(id)
    return id in side.plan.table.fields and (value is None or value in ("", (), []))


def _refuses(draft: Draft, id: str, allowed: Sequence[str] | None) -> bool:
    if allowed is None:
        return False
    value = draft.values.get(id)
    chosen = (value,) if isinstance(value, str) else tuple(value or ())
    return any(each not in allowed for each in chosen)


class Rules:
    """The rules that are asked of one entity's past, on both sides."""

    def __init__(self, sides: Sides, items: Sequence[Item]) -> None:
        self.sides, self.items = sides, items
        self.old = Writers(sides.old, None)
        self.new = None if sides.new is None else Writers(sides.new, sides.old)
        self.trials: dict[str, tuple[Trial, Trial | None]] = {
            each.id: (Trial(sides.old, each.id), None if sides.new is None else Trial(sides.new, each.id))
            for each in items
        }

    def written(self, page: Page, at: int) -> tuple[Written, Written | None]:
        """A save as each side would have had it."""
        before = self.old.write(page, at)
        if self.new is None:
            return before, None
        # What a released rule gave a field counts as not sent: nobody knows what was.
        unset = {id for sets in before.sets.values() for id in sets}
        return before, self.new.write(page, at, unset)

    def verdicts(
        self, page: Page, at: int, written: tuple[Written, Written | None]
    ) -> Mapping[str, tuple[Ruled | None, Ruled | None]]:
        found: dict[str, tuple[Ruled | None, Ruled | None]] = {}
        for id, (old, new) in self.trials.items():
            before = old.verdict(page, at, written[0])
            after = Ruled() if new is None or written[1] is None else new.verdict(page, at, written[1])
            found[id] = before, after
        return found

    def unknowable(self, id: str) -> bool:
        """Whether what a rule looks at in other records is of another type there."""
        new = self.trials[id][1]
        return new is not None and unlike(new.needs, self.sides.old.entity, self.sides.old.model, new.side.model)

    def reads(self, id: str) -> frozenset[str]:
        """Ids of the record's own fields that a rule looks at, on either side."""
        found: set[str] = set()
        for trial in self.trials[id]:
            if trial is not None and trial.rule is not None:
                found |= own_of(trial.needs) | set(trial.rule.set) | trial.rule.bound
        for writers in (self.old, self.new):
            for step in () if writers is None else writers.steps():
                if step.rule is not None and step.rule.id == id:
                    found |= own_of(needs(step.expression.root, *(() if step.when is None else (step.when.root,))))
        return frozenset(found)
