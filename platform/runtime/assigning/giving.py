"""Gives one record to the person that an assignment finds for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from metadata.access import platform_actor, rights
from metadata.assignments import Assignment, Candidate, Rule, Territory
from metadata.model import Entity
from metadata.problems import Forbidden, Invalid, NotFound, kind
from runtime import queries
from runtime import records as writing
from runtime.assigning import log, pointers
from runtime.assigning.log import Tried
from runtime.assigning.people import Found, find
from runtime.processes.acting import platform
from runtime.processes.world import Records
from runtime.queries.build import binding_of
from runtime.records.plans import plan_of
from runtime.records.policies import entity_of, may_not, not_found, require
from runtime.workspace import Workspace
from workflow.assigning import Outcome, Person, Pointer
from workflow.assigning import assign as decide

TRIES = 5
"""How many people are tried with whom the record cannot be saved before it goes to the fallback."""
UNKNOWN = kind(
    "assignment_unknown",
    en="There is no assignment {name} for {entity}. There are: {known}.",
    zh="{entity}没有分配规则 {name}。现有：{known}。",
)
_FALLBACK = Rule("", {"*": ""}, "round_robin")
"""Whoever gets what is left over takes turns, on leave or not."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rule with what its condition and paths gave for the record."""

    rule: Rule
    matched: bool
    territory: Territory | None = None
    owner: str | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return self.rule.candidates if self.territory is None else self.territory.candidates

    @property
    def pointer(self) -> str:
        """Each territory has turns of its own. Ids have no dot."""
        return self.rule.id if self.territory is None else f"{self.rule.id}.{self.territory.id}"


def assign(ws: Workspace, entity: Entity | str, record: str, assignment: str) -> str | None:
    """Make whom an assignment finds the owner of a record; his id, or None when nobody is left, not even to fall back
    on: then the record stays as it is.

    Who acts must be allowed to change the record; to whom it goes is up to the description. Raises NotFound,
    Forbidden, and Invalid or Conflict when the record cannot be saved with any owner.
    """
    found = entity_of(ws, entity)
    of = _assignment(ws, found, assignment)
    deciding = platform(ws)
    world = Records(deciding, binding_of(ws.model, platform_actor(), ws.now))
    if not world.lives(found.id, record):
        raise not_found(found)
    _require(ws, found, record)
    pointers.stand_in_line(deciding, found.id)
    asked = [_ask(world, found.id, record, rule) for rule in of.rules]
    fallback = Candidate("", role=of.fallback.role, user=of.fallback.user)
    wanted = [each for one in asked if one.matched for each in one.candidates]
    people = find(
        deciding, plan_of(ws.model, found, ws.db.dialect), of, [*wanted, fallback], [a.owner for a in asked if a.owner]
    )
    return _Search(deciding, found, record, of, asked, people, fallback).give()


def _assignment(ws: Workspace, entity: Entity, name: str) -> Assignment:
    found: Assignment | None = ws.model.get("assignments", name)
    if found is None or found.entity != entity.id:
        known = sorted(each.key for each in ws.model.all("assignments") if each.entity == entity.id)
        raise NotFound(UNKNOWN(name=name[:80], entity=entity.plural, known=known or "–"))
    return found


def _require(ws: Workspace, entity: Entity, record: str) -> None:
    require(ws, entity, "update")
    if not queries.sees(ws, entity, "read", record, deleted=False):
        raise not_found(entity)
    if not queries.sees(ws, entity, "update", record) or not rights(ws.model, ws.actor, entity).may_write("owner"):
        raise Forbidden(may_not(entity, "update"))


def _ask(world: Records, entity: str, record: str, rule: Rule) -> _Asked:
    if rule.when is not None and not world.holds(rule.when, entity, record):
        return _Asked(rule, False)
    if rule.path is not None:
        value = world.value(rule.path, entity, record)
        return _Asked(rule, True, owner=None if value is None else str(value))
    territory = next((each for each in rule.territories if world.holds(each.when, entity, record)), None)
    return _Asked(rule, True, territory)


@dataclass(frozen=True, slots=True)
class _Search:
    ws: Workspace
    entity: Entity
    record: str
    of: Assignment
    asked: Sequence[_Asked]
    people: Found
    fallback: Candidate

    def give(self) -> str | None:
        turns = pointers.of(self.ws, self.entity.id, self.of.id)
        refused: set[str] = set()
        failed: Invalid | None = None
        while True:
            tried, key, outcome = self._decide(turns, frozenset(refused))
            chosen = outcome.user
            if chosen is not None:
                failed = self._save(chosen)
                if failed is not None and len(refused) < 2 * TRIES:
                    refused.add(chosen)
                    continue
            if failed is not None:
                raise failed
            if chosen is not None:
                pointers.keep(self.ws, self.entity.id, self.of.id, key, outcome.pointer)
            log.put(self.ws, self.entity.id, self.record, self.of.id, key.split(".")[0] or None, chosen, tried)
            return chosen

    def _save(self, owner: str) -> Invalid | None:
        """Write the owner; why that cannot be. He may own no more of them, say: somebody else may."""
        notes = dict(self.ws.db.notes)
        try:
            with self.ws.db.savepoint():
                writing.update(self.ws, self.entity, self.record, {"owner": owner}, confirm=("*",))
        except Invalid as refused:
            self.ws.db.notes.clear()
            self.ws.db.notes.update(notes)
            return refused
        return None

    def _decide(self, turns: Mapping[str, Pointer], refused: frozenset[str]) -> tuple[list[Tried], str, Outcome]:
        """What was asked, which pointer moves, and the choice."""
        tried: list[Tried] = []
        for one in self.asked:
            if not one.matched or len(refused) >= TRIES:
                tried.append(Tried(one.rule.id, one.matched))
                continue
            outcome = decide(one.rule, self._of(one), turns.get(one.pointer, Pointer()), refused)
            tried.append(Tried(one.rule.id, True, None if one.territory is None else one.territory.id, _told(outcome)))
            if outcome.user is not None:
                return tried, one.pointer, outcome
        outcome = decide(_FALLBACK, tuple(self._left()), turns.get(pointers.FALLBACK, Pointer()), refused)
        tried.append(Tried(None, True, people=_told(outcome)))
        return tried, pointers.FALLBACK, outcome

    def _of(self, one: _Asked) -> tuple[Person, ...]:
        if one.rule.strategy == "sticky":
            return (self.people.person(one.owner),) if one.owner in self.people.active and one.owner else ()
        return self.people.of(one.candidates)

    def _left(self) -> Iterator[Person]:
        for each in self.people.of([self.fallback]):
            yield Person(each.user, each.active)


def _told(outcome: Outcome) -> tuple[tuple[str, str | None], ...]:
    return tuple((each.user, each.skipped) for each in outcome.considered)
