"""Encrypts anew what is stored: texts whose field has become encrypted, and everything when the key changes.

It goes some rows at a time while people go on working, and passes over what is right already: whoever stops it starts
it again. What lies in the trash of the description is encrypted along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from metadata.changes import Change
from metadata.fieldtypes.base import ColumnSpec
from metadata.model import EntityStorage, Model
from metadata.problems import Invalid
from metadata.storage import is_encrypted
from runtime import sealing
from runtime.codecs import column_type
from runtime.deliveries.table import DELIVERY, SINCE
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs.rows import JOB_ROW
from runtime.sealing import FORM, NO_KEY, place_of
from runtime.system.tables import table
from runtime.workspace import PlatformActor, Workspace, open_workspace

CHUNK = 500

Told = Callable[[str, int], None]
"""Is told an entity's id and how many of its records have been done."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The table of an entity and those of its columns that hold sealed texts, by name with their fields."""

    entity: str
    table: sa.TableClause
    columns: Mapping[str, str]
    open: frozenset[str]
    """Ids of the fields whose texts may still lie open, and whose values are in events; of secrets they are not."""

    def of(self, name: str) -> sa.ColumnClause[Any]:
        return self.table.c[name]


# -- a field becomes encrypted


def affected(model: Model, changes: Iterable[Change]) -> list[str]:
    """Ids of the entities with fields that may have become encrypted."""
    return list(dict.fromkeys(entity for entity, _ in _fields(model, changes)))


def _fields(model: Model, changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    for each in changes:
        match each.path.split("."):
            case ["entities", entity, "fields", field, *rest] if rest[:1] in ([], ["props"]):
                found = model.entity(entity)
                if found is not None and field in found.fields and found.fields[field].encrypted:
                    yield entity, field


def counted(ws: Workspace, target: Model, changes: Iterable[Change]) -> Mapping[str, int]:
    """Entity id -> in how many records texts lie open that will be encrypted."""
    wanted: dict[str, set[str]] = {}
    for entity, field in _fields(target, changes):
        wanted.setdefault(entity, set()).add(field)
    found = {}
    for entity, fields in wanted.items():
        storage = ws.model.storage.get(entity) if ws.release else None
        held = _held(ws, entity, storage, lambda id, form: id in fields) if storage is not None else None  # noqa: B023
        if held is not None:
            found[entity] = _count(ws, held)
    return found


def require_key(ws: Workspace, target: Model, changes: Sequence[Change]) -> None:
    """Raises Invalid when texts are to be encrypted and there is no key."""
    if sealing.current_key(ws.host.settings) is None:
        for entity, number in counted(ws, target, changes).items():
            found = target.entity(entity)
            if number and found is not None:
                raise Invalid(NO_KEY(f"entities.{entity}", label=found.label))


# -- what there is


def _held(ws: Workspace, entity: str, storage: EntityStorage, wanted: Callable[[str, str], bool]) -> _Held | None:
    columns = {name: id for id, place in storage.fields.items() if wanted(id, place.type) for name in place.columns}
    if not columns:
        return None
    uuid = column_type(ColumnSpec("uuid"), ws.dialect)
    text = column_type(ColumnSpec("text"), ws.dialect)
    held = sa.table(storage.table, sa.column("id", uuid), *(sa.column(each, text) for each in columns))
    secrets = {id for id, place in storage.fields.items() if place.type == "secret"}
    return _Held(entity, held, columns, frozenset(columns.values()) - secrets)


def _every(ws: Workspace) -> Iterator[_Held]:
    """All tables with sealed texts, those of the trash too."""
    for entity in ws.model.storage:
        held = _one(ws, entity)
        if held is not None:
            yield held


def _one(ws: Workspace, entity: str) -> _Held | None:
    return _held(ws, entity, ws.model.storage[entity], lambda _, form: form == "secret" or is_encrypted(form))


def _pending(ws: Workspace, held: _Held) -> sa.ColumnElement[bool]:
    """Rows with a text that is not sealed with the key of today."""
    mine = f"{FORM}:{sealing.current_key(ws.host.settings)}:%"
    columns = [held.of(name) for name in held.columns]
    return sa.or_(*(sa.and_(each.is_not(None), each.not_like(mine)) for each in columns))


def _count(ws: Workspace, held: _Held) -> int:
    found = sa.select(sa.func.count()).select_from(held.table).where(_pending(ws, held))
    return int(ws.db.execute(found).scalar_one())


def pending(ws: Workspace) -> int:
    """How many records, events and things kept beside them are not under the key of today."""
    number = 0
    for held in _every(ws):
        number += _count(ws, held)
        number += sum(len(rows) for rows in _events(ws, held)) if held.open else 0
    return number + len(_answers(ws)) + len(_sources(ws)) + len(_payloads(ws)) + len(_outbox(ws))


# -- doing it


def everything(host: Host, tenant: Tenant, told: Told = lambda entity, done: None) -> int:
    """Bring all that a tenant keeps encrypted under the key of today; how many records and events were done."""
    with open_workspace(host, tenant, PlatformActor()) as ws:
        entities = [held.entity for held in _every(ws)]
    done = sum(rewrite(host, tenant, each, told) for each in entities)
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        return done + _beside(ws)


def rewrite(host: Host, tenant: Tenant, entity: str, told: Told = lambda entity, done: None) -> int:
    """Seal the texts of an entity's records and events with the key of today; how many there were."""
    done, after = 0, ""
    while True:
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            held = _one(ws, entity)
            if held is None or sealing.current_key(host.settings) is None:
                return done
            rows = _rows(ws, held, after)
            for row in rows:
                done += _reseal(ws, held, row)
        told(entity, done)
        if len(rows) < CHUNK:
            break
        after = str(rows[-1][0])
    after = ""
    while held.open:
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            chunk = next(_events(ws, held, after), None)
            if chunk is None:
                break
            done += sum(_retell(ws, held, *event) for event in chunk)
            after = str(chunk[-1][0])
        told(entity, done)
    return done


def _rows(ws: Workspace, held: _Held, after: str) -> Sequence[Any]:
    id = held.of("id")
    query = sa.select(id, *(held.of(name) for name in held.columns)).where(_pending(ws, held)).order_by(id).limit(CHUNK)
    # Nobody may change a record between our reading and our writing.
    return ws.db.execute((query.where(id > after) if after else query).with_for_update()).all()


def _reseal(ws: Workspace, held: _Held, row: Sequence[Any]) -> int:
    """Seal what opens; what does not stays as it is. Whether anything was done."""
    record, values = str(row[0]), {}
    for (name, field), stored in zip(held.columns.items(), row[1:], strict=True):
        made = _sealed_anew(ws, held, field, record, stored)
        if made is not None:
            values[name] = made
    if values:
        ws.db.execute(sa.update(held.table).where(held.of("id") == record).values(values))
    return bool(values)


def _sealed_anew(ws: Workspace, held: _Held, field: str, record: str, stored: Any) -> str | None:
    """The text under the key of today; None when it is that, or does not open."""
    settings = ws.host.settings
    if not isinstance(stored, str) or sealing.key_of(stored) == sealing.current_key(settings):
        return None
    place = place_of(ws.tenant.id, held.entity, field, record)
    if sealing.is_sealed(stored):
        text = sealing.unseal(settings, place, stored)
    else:
        text = stored if field in held.open else None
    return None if text is None else sealing.seal(settings, place, text)


def _events(ws: Workspace, held: _Held, after: str = "") -> Iterator[list[tuple[str, str, dict[str, Any]]]]:
    """Events (id, record, changes) that tell open texts or such under another key, some at a time."""
    events = table("_event", ws.dialect)
    shown = sa.cast(events.c.changes, sa.Text())
    named = sa.or_(*(shown.contains(f'"{field}"', autoescape=True) for field in sorted(held.open)))
    query = sa.select(events.c.id, events.c.record, events.c.changes).where(events.c.entity == held.entity, named)
    while True:
        wanted = query.where(events.c.id > after) if after else query
        rows: Any = ws.db.execute(wanted.order_by(events.c.id).limit(CHUNK)).all()
        found = []
        for id, record, changes in rows:
            told = orjson.loads(changes) if isinstance(changes, str) else changes
            if record is not None and any(_differs(ws, told.get(field)) for field in held.open):
                found.append((str(id), str(record), told))
        if found:
            yield found
        if len(rows) < CHUNK:
            return
        after = str(rows[-1][0])


def _differs(ws: Workspace, values: Any) -> bool:
    key = sealing.current_key(ws.host.settings)
    texts = (each for each in values if isinstance(each, str)) if isinstance(values, list) else ()
    return any(sealing.key_of(each) != key for each in texts)


def _retell(ws: Workspace, held: _Held, id: str, record: str, changes: dict[str, Any]) -> int:
    for field in held.open & changes.keys():
        values = changes[field]
        if isinstance(values, list):
            changes[field] = [_sealed_anew(ws, held, field, record, each) or each for each in values]
    text = orjson.dumps(changes, option=orjson.OPT_SORT_KEYS)
    events = table("_event", ws.dialect)
    # The digest of an open text would tell it to whoever tries all that are possible.
    values = {"digest": hashlib.sha256(text).hexdigest(), "changes": _json(ws, changes)}
    ws.db.execute(events.update().where(events.c.id == id).values(values))
    return 1


def _json(ws: Workspace, data: Any) -> Any:
    return data if ws.dialect == "postgresql" else orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()


# -- beside the records


def _other_key(ws: Workspace, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    text = sa.cast(column, sa.Text())
    return sa.and_(text.like(f"%{FORM}:%"), text.not_like(f"%{FORM}:{sealing.current_key(ws.host.settings)}:%"))


def _answers(ws: Workspace) -> Sequence[Any]:
    held = table("_idempotency", ws.dialect)
    found = ws.db.execute(sa.select(held.c.key, held.c.actor, held.c.body).where(_other_key(ws, held.c.body)))
    return [each for each in found if sealing.is_sealed(each.body)]


def _sources(ws: Workspace) -> Sequence[Any]:
    held = JOB_ROW.c
    found = ws.db.execute(sa.select(held.job, held.line, held.source).where(_other_key(ws, held.source)))
    return [each for each in found if isinstance(each.source, Mapping) and set(each.source) == {"sealed"}]


def _payloads(ws: Workspace) -> Sequence[Any]:
    held = table("_job", ws.dialect)
    query = sa.select(held.c.id, held.c.payload).where(held.c.kind == "bulk_edit", _other_key(ws, held.c.payload))
    found = []
    rows: Any = ws.db.execute(query).all()
    for id, payload in rows:
        data = orjson.loads(payload) if isinstance(payload, str) else payload
        if set(data["values"]) == {"sealed"}:
            found.append((id, data))
    return found


def _outbox(ws: Workspace) -> Sequence[Any]:
    if ws.system_version < SINCE:
        return []
    held = DELIVERY.c
    found = ws.db.execute(sa.select(held.id, held.payload).where(_other_key(ws, held.payload)))
    return [each for each in found if set(each.payload) == {"sealed"}]


def _beside(ws: Workspace) -> int:
    done = 0
    for id, payload in _outbox(ws):
        made = _anew(ws, place_of(ws.tenant.id, "_delivery", "", id), payload["sealed"])
        this = sa.update(DELIVERY).where(DELIVERY.c.id == id)
        done += _put(ws, this, {"payload": {"sealed": made}}, made)
    held = table("_idempotency", ws.dialect)
    for key, actor, body in _answers(ws):
        made = _anew(ws, place_of(ws.tenant.id, "_idempotency", actor, key), body)
        this = held.update().where(held.c.key == key, held.c.actor == actor)
        done += _put(ws, this, {"body": made}, made)
    for job, line, source in _sources(ws):
        made = _anew(ws, place_of(ws.tenant.id, "_job_row", "", str(job)), source["sealed"])
        this = sa.update(JOB_ROW).where(JOB_ROW.c.job == job, JOB_ROW.c.line == line)
        done += _put(ws, this, {"source": {"sealed": made}}, made)
    jobs = table("_job", ws.dialect)
    for id, data in _payloads(ws):
        made = _anew(ws, place_of(ws.tenant.id, "_job", "", data["entity"]), data["values"]["sealed"])
        payload = _json(ws, {**data, "values": {"sealed": made}})
        done += _put(ws, jobs.update().where(jobs.c.id == id), {"payload": payload}, made)
    return done


def _anew(ws: Workspace, place: bytes, stored: str) -> str | None:
    text = sealing.unseal(ws.host.settings, place, stored)
    return None if text is None else sealing.seal(ws.host.settings, place, text)


def _put(ws: Workspace, this: sa.Update, values: Mapping[str, Any], made: str | None) -> int:
    if made is not None:
        ws.db.execute(this.values(values))
    return made is not None
