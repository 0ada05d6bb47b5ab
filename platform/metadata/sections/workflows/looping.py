"""Workflows that would never end: those that run each other in a circle, and those whose work starts them again, at
once or when a date that they write is reached.

What is found of the second kind is a warning: conditions over values may end the circle in ways that nobody can read
off the description. What can be read off is taken into account: fields that `changed('…')` asks for, values that
contradict a condition, and values that are the same the second time, so that nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.expressions.names import Scope
from metadata.expressions.parser import parse_in
from metadata.expressions.tree import Changed, Compare, Constant, Expression, FieldRef, Logic, Node, walk
from metadata.model import Entity
from metadata.problems import PlatformError
from metadata.sections.entities.computing import calendars_of
from metadata.sections.workflows import refusals as r
from metadata.workflow_texts import value_for
from metadata.workflows import Assign, Create, Delete, HumanTask, Run, Step, Trigger, Update, Workflow

OFTEN_WRITTEN = frozenset({"owner", "unit"})
"""What giving a record to somebody changes."""


@dataclass(slots=True)
class Writes:
    """What one workflow does to records of one entity with one event."""

    event: str
    entity: Entity
    values: dict[str, list[Expression | None]] = field(default_factory=dict)
    """Field id -> the values that it may get; None: one that nothing is known of."""


def check(compilation: Compilation) -> None:
    found: Mapping[str, Workflow] = compilation.made["workflows"]
    calls = {id: sorted({each.workflow for each in one.every() if isinstance(each, Run)}) for id, one in found.items()}
    told: set[frozenset[str]] = set()
    for chain in _circles(calls):
        told.add(frozenset(chain))
        element = compilation.elements["workflows"][chain[0]]
        path = _path_to(element.data, chain[1], compilation) or ("steps",)
        compilation.refuse(r.CALLS_ITSELF, element, *path, chain=_said(chain, compilation))
    starts = _Starts(compilation, found).edges()
    both = {id: sorted({*calls.get(id, ()), *starts.get(id, ())}) for id in found}
    for chain in _circles(both):
        if frozenset(chain) not in told:
            element = compilation.elements["workflows"][chain[0]]
            compilation.warn(r.STARTS_ITSELF, element, "triggers", at_key=True, chain=_said(chain, compilation))


def _said(chain: list[str], compilation: Compilation) -> str:
    return " → ".join(compilation.elements["workflows"][each].key for each in chain)


def _path_to(data: Map, workflow: str, compilation: Compilation) -> tuple[str, ...] | None:
    """Where a step runs a workflow."""
    for key, value in data.items():
        if not isinstance(value, Map):
            continue
        run = value.get("run")
        name = run.get("workflow") if isinstance(run, Map) else None
        if isinstance(name, str) and compilation.resolve("workflows", name) == workflow:
            return (key, "run", "workflow")
        below = _path_to(value, workflow, compilation)
        if below is not None:
            return (key, *below)
    return None


def _circles(edges: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """The shortest circle through each node that is in one, each set of nodes once; the first is told again last."""
    told: set[frozenset[str]] = set()
    for start in edges:
        ways: list[list[str]] = [[start]]
        seen: set[str] = set()
        while ways:
            way = ways.pop(0)
            for step in edges.get(way[-1], ()):
                if step == start:
                    if frozenset(way) not in told:
                        told.add(frozenset(way))
                        yield [*way, start]
                    ways = []
                    break
                if step not in seen and step in edges:
                    seen.add(step)
                    ways.append([*way, step])


@dataclass(frozen=True, slots=True)
class _Starts:
    """Which workflow starts which by what it writes."""

    compilation: Compilation
    workflows: Mapping[str, Workflow]

    def edges(self) -> dict[str, set[str]]:
        living = [each for each in self.workflows.values() if each.active]
        writes = {each.id: self._writes(each) for each in living}
        return {
            one.id: {other.id for other in living if any(self._starts(one, each, other) for each in writes[one.id])}
            for one in living
        }

    def _writes(self, workflow: Workflow) -> list[Writes]:
        found: dict[tuple[str, str], Writes] = {}
        created: list[Writes] = []
        for step, about in workflow.placed():
            one = self._written_by(step, about)
            if one is None:
                continue
            if one.event == "created":  # each makes a record of its own
                created.append(one)
                continue
            kept = found.setdefault((one.event, one.entity.id), one)
            for id, values in one.values.items() if kept is not one else ():
                kept.values.setdefault(id, []).extend(values)
        return [*created, *found.values()]

    def _written_by(self, step: Step, about: str) -> Writes | None:
        made: Mapping[str, Entity] = self.compilation.made["entities"]
        event = {Create: "created", HumanTask: "created", Update: "updated", Assign: "updated", Delete: "deleted"}
        name = step.entity if isinstance(step, Create) else "task" if isinstance(step, HumanTask) else about
        entity = made.get(name)
        if type(step) not in event or entity is None:
            return None
        writes = Writes(event[type(step)], entity)
        if isinstance(step, Assign):
            writes.values = {id: [None] for id in OFTEN_WRITTEN if id in entity.fields}
        elif isinstance(step, (Create, Update)):
            source = made.get(about)
            for id, value in step.values.items():
                writes.values[id] = [self._value(value.expression, source, entity, id)]
        return writes

    def _value(self, text: str | None, source: Entity | None, entity: Entity, id: str) -> Expression | None:
        into = entity.fields.get(id)
        if text is None or source is None or into is None:
            return None
        try:
            return value_for(text, source, into, self._scope())
        except PlatformError:
            return None

    def _scope(self) -> Scope:
        def role(name: str) -> str | None:
            return self.compilation.resolve("roles", name)

        return Scope(self.compilation.entity, changes=True, role=role, calendars=calendars_of(self.compilation))

    def _starts(self, one: Workflow, writes: Writes, other: Workflow) -> bool:
        """Whether what a workflow writes may start another one, or itself again."""
        if other.entity != writes.entity.id:
            return False
        itself = one.id == other.id
        if itself and writes.event == "updated" and _settles(writes):
            return False
        once = itself and writes.event != "created" and (other.once or writes.event == "deleted")
        kinds = {"date"} if once else {writes.event, "date"}  # a date is reached when the run before is long over
        changed = frozenset(_following(writes))
        return any(
            each.kind in kinds and (each.field is None or each.field in changed) and self._may_hold(each, writes)
            for each in other.triggers
        )

    def _may_hold(self, trigger: Trigger, writes: Writes) -> bool:
        if trigger.when is None:
            return True
        try:
            expression = parse_in(trigger.when, writes.entity, self._scope())
        except PlatformError:
            return False
        changed = frozenset(_following(writes))
        return all(_possible(each, expression, writes, changed) for each in _conjuncts(expression.root))


def _following(writes: Writes) -> Iterator[str]:
    """The fields that change when these are written: those computed of them, and whatever a rule may set."""
    entity = writes.entity
    yield from writes.values
    yield from (id for rule in entity.rules for id in rule.set)
    written = {(entity.id, id) for id in (*writes.values, *(id for rule in entity.rules for id in rule.set))}
    for each in entity.fields.values():
        if each.computed is not None and written & set(each.computed.reads):
            yield each.id


def _settles(writes: Writes) -> bool:
    """Whether writing once more changes nothing: one value for each field, which does not depend on what is written."""
    changed = {(writes.entity.id, id) for id in _following(writes)}
    for values in writes.values.values():
        if values == [None]:  # a record or person that the run knows
            continue
        if None in values or len({(each.shape, each.values) for each in values if each is not None}) > 1:
            return False
        for each in values:
            assert each is not None
            if changed & each.reads() or any(isinstance(node, Constant) and node.name for node in walk(each.root)):
                return False
    return True


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Logic) and node.op == "and":
        for each in node.parts:
            yield from _conjuncts(each)
    else:
        yield node


def _possible(node: Node, expression: Expression, writes: Writes, changed: frozenset[str]) -> bool:
    """Whether a part of a condition may hold after what was written."""
    match node:
        case Changed(ref=FieldRef(field=name)):
            return name in changed
        case Logic(op="or", parts=parts):
            return any(all(_possible(each, expression, writes, changed) for each in _conjuncts(part)) for part in parts)
        case Compare(
            op="==" | "!=" as op, left=FieldRef(links=(), old=False) as ref, right=Constant(name=None) as right
        ):
            given = writes.values.get(ref.field)
            wanted = expression.values[right.slot]
            return given is None or any(_may_be(each, wanted, op == "==") for each in given)
    return True


def _may_be(given: Expression | None, wanted: object, equal: bool) -> bool:
    if given is None or not isinstance(given.root, Constant) or given.root.name is not None:
        return True
    return (given.values[given.root.slot] == wanted) is equal
