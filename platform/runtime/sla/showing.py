"""The clocks of a record for whoever reads it: when each is due, what is left of it, and why it stands as it does.

Whoever may not read all that an SLA looks at is told that there is a clock, and nothing of it: that it stands still
would tell him what he may not read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metadata.ids import is_uuid
from metadata.model import Entity
from metadata.problems import Label
from metadata.sla import Sla, Target, conditions_of
from runtime import queries
from runtime.queries.knowing import may_know
from runtime.records.policies import entity_of, not_found
from runtime.sla import clocks
from runtime.sla.books import Book, Measured, book_of
from runtime.sla.clocks import Row
from runtime.workspace import Workspace
from workflow.sla import State, Status, Terms, course, moment_of, status_of, threshold, used

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the clock did for a while. `seconds`: the time of its calendar in it. `until` None: it still does."""

    kind: State
    began: dt.datetime
    until: dt.datetime | None
    seconds: int


@dataclass(frozen=True, slots=True)
class Mark:
    """An alert. `at`: when it comes, or came; None while the clock stands still before it."""

    key: str
    label: Label
    at: dt.datetime | None
    reached: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What a clock says. Lengths are whole seconds of business time."""

    status: Status
    cycle: int
    policy: tuple[str, Label]
    level: tuple[str, Label]
    within: str
    calendar: tuple[str, Label] | None
    started_at: dt.datetime
    due_at: dt.datetime | None
    stopped_at: dt.datetime | None
    breached_at: dt.datetime | None
    total: int
    used: int
    remaining: int
    """Negative when it is over."""
    percent: int
    stretches: tuple[Stretch, ...]
    alerts: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A clock of a record. `told` None: the reader may not know."""

    sla: str
    sla_label: Label
    target: str
    target_label: Label
    told: Told | None


def of_record(ws: Workspace, entity: Entity | str, record: str) -> list[Shown]:
    """The clocks of a record in the order of the description, the cycles of each in order. Raises NotFound."""
    found = entity_of(ws, entity)
    if not is_uuid(record) or not queries.sees(ws, found, "read", record.lower(), deleted=False):
        raise not_found(found)
    book = book_of(ws, found)
    if book is None:
        return []
    rows = clocks.of_records(ws, [record.lower()], lock=False)
    return list(_shown(ws, found, book, rows))


def _shown(ws: Workspace, entity: Entity, book: Book, rows: Sequence[Row]) -> Iterator[Shown]:
    for measured in book.measured:
        sla = measured.sla
        open_ = knows(ws, entity, book, sla)
        for target in sla.targets:
            for row in rows:
                if (row.sla, row.target) == (sla.id, target.id):
                    told = _told(ws, measured, target, row) if open_ else None
                    yield Shown(sla.key, sla.label, target.id, target.label, told)


def knows(ws: Workspace, entity: Entity, book: Book, sla: Sla) -> bool:
    """Whether the actor may read all that an SLA looks at."""
    reads = {each for _, text in conditions_of(sla) for each in book.asked[text][0].reads()}
    reads |= {(entity.id, target.since) for target in sla.targets if target.since is not None}
    return may_know(ws, entity, reads)


def _told(ws: Workspace, measured: Measured, target: Target, row: Row) -> Told | None:
    """None when the description has no such policy or level any more, so that nothing can be counted."""
    clock, now = row.clock, ws.now
    terms = measured.terms_of(target, clock.policy, clock.level)
    policy = measured.sla.policy(clock.policy)
    level = None if policy is None else next((each for each in policy.levels if each.id == clock.level), None)
    if terms is None or policy is None or level is None:
        return None
    spent = used(clock, terms, now)
    calendar = terms.calendar
    return Told(
        status=status_of(clock, now),
        cycle=clock.cycle,
        policy=(policy.id, policy.label),
        level=(level.id, level.label),
        within=clock.within,
        calendar=None if calendar is None else (calendar.key, calendar.label),
        started_at=clock.started_at,
        due_at=clock.due_at,
        stopped_at=clock.stopped_at,
        breached_at=clock.breached_at or (clock.due_at if status_of(clock, now) == "breached" else None),
        total=clock.total // _SECOND,
        used=spent // _SECOND,
        remaining=(clock.total - spent) // _SECOND,
        percent=100 * spent // clock.total if clock.total else 100,
        stretches=tuple(Stretch(*each[:3], each.amount // _SECOND) for each in course(clock, terms, now)),
        alerts=tuple(_marks(target, row, terms)),
    )


def _marks(target: Target, row: Row, terms: Terms) -> Iterator[Mark]:
    for each in target.alerts:
        at = moment_of(row.clock, terms, threshold(each, row.clock.total))
        yield Mark(each.id, each.label, at, each.id in row.clock.fired)
