"""The past of one entity's records, record by record, the newest save first: what each was before and after a save.

A record is as it is now; each event takes it back to what it was before. So a page of events and the rows that they are
about are all that is held, however long the past is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.fieldtypes.base import ValueProblem
from metadata.model import Entity
from metadata.money import Money
from metadata.problems import NotFound
from runtime import rates, sealing
from runtime.codecs import datetime_text, datetime_value
from runtime.queries.history import CONFIRMED
from runtime.records.checking.money import rate_day
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan, plan_of
from runtime.records.targets import among, id_list
from runtime.system.tables import table
from runtime.tables import table_of
from runtime.workspace import Workspace

AT_ONCE = 1_000
"""Events of one page."""
GONE = frozenset({"deleted", "merged"})
REQUEST = "approval_request"


@dataclass(slots=True)
class Moment:
    """One save, or (`submitted`) one request for an approval, with the record as it was then."""

    event: str
    at: dt.datetime
    kind: str
    """`created`, `updated`, `deleted` or `submitted`."""
    actor: str | None
    actor_name: str
    channel: str
    record: str
    values: dict[str, Any]
    before: dict[str, Any] | None
    changed: frozenset[str] | None
    """Ids of the fields that the save changed; None for a new record."""
    lost: frozenset[str] = frozenset()
    """Ids of the fields that were not there yet, or whose value of then cannot be read any more."""
    follows: bool = False
    """Nobody saved it: a value followed from another record."""


@dataclass(slots=True)
class _Record:
    """The record that the walk is at, on its way back."""

    id: str
    values: dict[str, Any] | None
    """None: before it was made."""
    submitted: list[tuple[dt.datetime, str]] = field(default_factory=list)
    """When an approval was asked for and by whom, the newest first."""
    lost: set[str] = field(default_factory=set)


class Walk:
    """Goes through the events of an entity, a page for each transaction."""

    def __init__(self, entity: Entity, since: dt.datetime | None, *, submissions: bool, at_once: int = AT_ONCE) -> None:
        self.entity, self.since, self.submissions, self.at_once = entity, since, submissions, at_once
        self.events = 0
        """Events that were read."""
        self.purged = 0
        """Events of records whose rows are no longer there."""
        self._here: _Record | None = None
        self._last: tuple[str, str] | None = None
        self._fields: dict[int, frozenset[str] | None] = {}

    def page(self, ws: Workspace) -> list[Moment] | None:
        """What comes next; None at the end. `ws` is a unit of work of the released model."""
        plan = plan_of(ws.model, self.entity, ws.db.dialect)
        rows, records = self._read(ws, plan)
        if not rows:
            rest = list(self._submitted(None))
            self._here = None
            return rest or None
        self._last = (str(rows[-1].record), str(rows[-1].id))
        self.events += len(rows)
        return list(self._moments(ws, plan, rows, records))

    # -- reading

    def _read(self, ws: Workspace, plan: WritePlan) -> tuple[Sequence[Any], Mapping[str, _Record]]:
        """A page of events and the records that they are about. Somebody may save between the two: then once more."""
        while True:
            rows = ws.db.execute(self._statement(ws)).all()
            wanted = dict.fromkeys(str(row.record) for row in rows)
            if self._here is not None:
                wanted.pop(self._here.id, None)
            records = self._records(ws, plan, wanted)
            if ws.db.dialect == "sqlite":  # which shows one moment to a whole transaction
                return rows, records
            ids = self._statement(ws).with_only_columns(table("_event", ws.db.dialect).c.id)
            if [row.id for row in rows] == list(ws.db.execute(ids).scalars()):
                return rows, records

    def _statement(self, ws: Workspace) -> sa.Select[Any]:
        c = table("_event", ws.db.dialect).c
        chosen = sa.select(
            c.id, c.at, c.kind, c.actor, c.actor_name, c.channel, c.cause, c.release, c.record, c.changes
        ).where(c.entity == self.entity.id, c.record.is_not(None))
        if self.since is not None:
            chosen = chosen.where(c.at >= _stored(ws, self.since))
        if self._last is not None:
            here = (sa.bindparam("r", self._last[0], c.record.type), sa.bindparam("i", self._last[1], c.id.type))
            chosen = chosen.where(sa.tuple_(c.record, c.id) < sa.tuple_(*here))
        return chosen.order_by(c.record.desc(), c.id.desc()).limit(self.at_once)

    def _records(self, ws: Workspace, plan: WritePlan, ids: Collection[str]) -> dict[str, _Record]:
        chosen = sa.select(*plan.selected).where(among(plan.table.column("id"), "wanted", ws.db.dialect))
        found = {}
        for row in ws.db.execute(chosen, {"wanted": id_list(ws.db.dialect, sorted(ids))}) if ids else ():
            values = sealing.values(ws, plan, tuple(row))
            found[str(values["id"])] = _Record(str(values["id"]), values)
        if self.submissions and found:
            self._add_submissions(ws, found)
        return found

    def _add_submissions(self, ws: Workspace, found: Mapping[str, _Record]) -> None:
        entity = ws.model.entity(REQUEST)
        if entity is None:
            return
        held = table_of(ws.model, entity, ws.db.dialect)
        columns = [held.column(name) for name in ("record", "initiator", "submitted_at")]
        chosen = sa.select(*columns).where(
            held.column("entity") == self.entity.id, held.column("record").in_(sorted(found))
        )
        rows: Any = ws.db.execute(chosen)
        for record, initiator, submitted in rows:
            at = datetime_value(submitted) if isinstance(submitted, str) else submitted
            if self.since is None or at >= self.since:
                found[record].submitted.append((at, str(initiator)))
        for each in found.values():
            each.submitted.sort(reverse=True)

    # -- going back

    def _moments(
        self, ws: Workspace, plan: WritePlan, rows: Sequence[Any], records: Mapping[str, _Record]
    ) -> Iterator[Moment]:
        opened = sealing.Sealer(ws).told if plan.encrypted else None
        known = self._known_rates(ws, plan, rows, records)
        for row in rows:
            id = str(row.record)
            if self._here is None or self._here.id != id:
                yield from self._submitted(None)
                self._here = records.get(id)
            here = self._here
            at = datetime_value(row.at) if isinstance(row.at, str) else row.at
            if here is None or here.values is None:
                self.purged += 1
                continue
            # A save at the very moment is part of the asking; a record that is made was there before.
            yield from self._submitted(at, also=row.kind == "created")
            told = orjson.loads(row.changes) if isinstance(row.changes, str) else row.changes or {}
            if opened is not None:
                told = opened(self.entity.id, id, told)
            moment = self._one(ws, plan, here, row, at, told, known)
            if moment is not None:
                yield moment

    def _one(
        self,
        ws: Workspace,
        plan: WritePlan,
        here: _Record,
        row: Any,
        at: dt.datetime,
        told: Mapping[str, Any],
        known: rates.Rates,
    ) -> Moment | None:
        assert here.values is not None
        after = here.values
        lost = here.lost | self._not_yet(ws, row.release)
        given = {**after, **dict.fromkeys(lost)} if lost else dict(after)
        given["updated_at"], given["updated_by"] = at, None if row.actor is None else str(row.actor)
        told_of = (str(row.id), at, str(row.actor) if row.actor is not None else None, row.actor_name, row.channel)
        if row.kind == "created":
            here.values = None
            return self._moment(told_of, "created", here.id, given, None, None, lost)
        if row.kind in GONE:
            return self._moment(told_of, "deleted", here.id, given, given, frozenset(), lost)
        changed = frozenset(id for id in told if id in self.entity.fields and id != CONFIRMED)
        if not changed:
            return None
        before = self._taken_back(ws, plan, here, after, told, known)
        here.values = before
        was = {**before, **dict.fromkeys(lost)} if lost else before
        moment = self._moment(told_of, "updated", here.id, given, was, changed, lost)
        fields = self.entity.fields
        moment.follows = row.cause is not None and all(fields[id].computed is not None for id in changed)
        return moment

    def _moment(
        self,
        told: tuple[Any, ...],
        kind: str,
        record: str,
        values: dict[str, Any],
        before: dict[str, Any] | None,
        changed: frozenset[str] | None,
        lost: Collection[str],
    ) -> Moment:
        event, at, actor, name, channel = told
        return Moment(event, at, kind, actor, name, channel, record, values, before, changed, frozenset(lost))

    def _taken_back(
        self,
        ws: Workspace,
        plan: WritePlan,
        here: _Record,
        after: Mapping[str, Any],
        told: Mapping[str, Any],
        known: rates.Rates,
    ) -> dict[str, Any]:
        """The record before a save that tells what it changed."""
        before = dict(after)
        money = "currency" in told
        for id, values in told.items():
            field = self.entity.fields.get(id)
            if field is None or id not in plan.table.fields:
                continue
            was = values[0]
            try:
                value = None if was is None else plan.types[id].parse(field, was)
            except ValueProblem:
                value = None
                here.lost.add(id)
            else:
                here.lost.discard(id)
            before[id] = value.amount if isinstance(value, Money) else value
            money = money or field.type == "money"
        if money:
            _settle(ws, plan, before, known)
        return before

    def _submitted(self, until: dt.datetime | None, *, also: bool = False) -> Iterator[Moment]:
        """Requests for approval about the record later than a moment, or `also` at it; None: all that are left."""
        here = self._here
        while here is not None and here.values is not None and here.submitted:
            at, initiator = here.submitted[0]
            if until is not None and (at < until or (at == until and not also)):
                return
            here.submitted.pop(0)
            told = ("", at, initiator, "", "")
            values = {**here.values, **dict.fromkeys(here.lost)}
            yield self._moment(told, "submitted", here.id, values, None, None, here.lost)

    def _not_yet(self, ws: Workspace, release: int) -> frozenset[str]:
        """Ids of today's fields that a release did not have."""
        if release == ws.release:
            return frozenset()
        if release not in self._fields:
            self._fields[release] = self._missing(ws, release)
        return self._fields[release] or frozenset()

    def _missing(self, ws: Workspace, release: int) -> frozenset[str] | None:
        try:
            model = ws.host.models.of_release(ws.tenant, ws.db, ws.restore_epoch, release)
        except NotFound:
            return None
        entity = model.entity(self.entity.id)
        if entity is None or entity.id != self.entity.id:
            return None
        return frozenset(id for id in self.entity.fields if id not in entity.fields)

    def _known_rates(
        self, ws: Workspace, plan: WritePlan, rows: Sequence[Any], records: Mapping[str, _Record]
    ) -> rates.Rates:
        currencies = {str(each.values.get("currency")) for each in records.values() if each.values}
        for row in rows if plan.money else ():
            told = orjson.loads(row.changes) if isinstance(row.changes, str) else row.changes or {}
            currencies.update(str(each) for each in told.get("currency", ()))
        return rates.load(ws, currencies - {"None"})


def _settle(ws: Workspace, plan: WritePlan, values: dict[str, Any], known: rates.Rates) -> None:
    """What amounts are in the tenant's currency."""
    for each in plan.money:
        amount = values.get(each.id)
        currency = str(each.props.get("currency") or values.get("currency") or known.base)
        rate = None if amount is None else known.rate(currency, _day(ws, plan, values, currency, known))
        values[each.id + BASE] = None if amount is None or rate is None else rates.in_base(amount, rate)


def _day(ws: Workspace, plan: WritePlan, values: dict[str, Any], currency: str, known: rates.Rates) -> dt.date:
    return ws.now.date() if currency == known.base else rate_day(ws, plan.entity, Draft("", values, values))


def _stored(ws: Workspace, at: dt.datetime) -> Any:
    return at if ws.db.dialect == "postgresql" else datetime_text(at.astimezone(dt.UTC))


def newest(ws: Workspace, entities: Collection[str], count: int) -> dt.datetime | None:
    """The moment since which these entities have so many events; None when they have fewer."""
    c = table("_event", ws.db.dialect).c
    found: Any = ws.db.execute(
        sa.select(c.at).where(c.entity.in_(sorted(entities))).order_by(c.id.desc()).offset(count - 1).limit(1)
    ).scalar()
    return datetime_value(found) if isinstance(found, str) else found


def counted(ws: Workspace, entities: Collection[str], since: dt.datetime | None) -> int:
    """How many events there are to go through."""
    c = table("_event", ws.db.dialect).c
    chosen = sa.select(sa.func.count()).where(c.entity.in_(sorted(entities)), c.record.is_not(None))
    if since is not None:
        chosen = chosen.where(c.at >= _stored(ws, since))
    return int(ws.db.execute(chosen).scalar() or 0)
