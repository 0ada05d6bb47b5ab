"""The `_record_lock` table: records that stay as they are while an approval runs, or after it. Alone writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from metadata.model import EMPTY
from metadata.problems import Label
from runtime.portable import Id, Json
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.workspace import Workspace

LOCKS_SINCE = 5
"""The version of the platform's tables from which on records can be locked: a tenant may be one behind."""

_LOCK = sa.table(
    "_record_lock",
    sa.column("entity", sa.Text()),
    sa.column("record", Id()),
    sa.column("request", Id()),
    sa.column("data", Json()),
)


@dataclass(frozen=True, slots=True)
class Lock:
    """Why a record is closed, and to whom it is open all the same."""

    entity: str
    record: str
    request: str
    label: Label
    """Of the approval."""
    state: Literal["running", "approved", "rejected"] = "running"
    on_delete: Literal["refuse", "terminate"] = "refuse"
    admins: tuple[str, ...] = ()
    """Ids of the roles who may change it all the same, which is remembered."""
    open: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    """User id -> ids of the fields that he may change now."""

    def administered_by(self, ws: Workspace) -> bool:
        """Whether the actor may look past the lock."""
        return bool(set(self.admins) & set(ws.actor.roles))


def held(ws: Workspace, entity: str, ids: Collection[str]) -> dict[str, Lock]:
    """The locks of some records of one entity, by record id: one indexed look."""
    if not ids:
        return {}
    from runtime.records.targets import id_list

    statement = kept(ws.model).get(("record locks", ws.db.dialect), lambda: _statement(ws.db.dialect))
    rows = statement.fetch(ws.db, {"entity_": entity, "wanted": id_list(ws.db.dialect, ids)})
    return {str(record): _lock(entity, str(record), str(request), data) for record, request, data in rows}


def _statement(dialect: str) -> Prepared:
    from metadata.fieldtypes.base import ColumnSpec
    from runtime.codecs import column_type
    from runtime.records.targets import among

    c = _LOCK.c
    record = sa.column("record", column_type(ColumnSpec("uuid"), dialect))
    entity = sa.bindparam("entity_", type_=sa.Text())
    chosen = sa.select(c.record, c.request, c.data).where(c.entity == entity, among(record, "wanted", dialect))
    return prepare(chosen, dialect)


def put(ws: Workspace, lock: Lock) -> None:
    """Close a record, or change how it is closed."""
    c, data = _LOCK.c, _data(lock)
    this = (c.entity == lock.entity, c.record == lock.record)
    if ws.db.execute(sa.update(_LOCK).where(*this).values(request=lock.request, data=data)).rowcount:
        return
    row = {"entity": lock.entity, "record": lock.record, "request": lock.request, "data": data}
    ws.db.execute(sa.insert(_LOCK).values(row))


def tell(ws: Workspace, lock: Lock) -> None:
    """Have a record that its request has closed be closed as this says; nothing where it has not."""
    key = ("record lock told", ws.db.dialect)
    statement = kept(ws.model).get(key, lambda: _telling(ws.db.dialect))
    given = {"entity_": lock.entity, "record_": lock.record, "request_": lock.request}
    statement.run(ws.db, {**given, "data_": orjson.dumps(_data(lock)).decode()})


def _telling(dialect: str) -> Prepared:
    c = _LOCK.c
    names = (c.entity, c.record, c.request)
    these = [each == sa.bindparam(f"{each.name}_", type_=each.type) for each in names]
    return prepare(sa.update(_LOCK).where(*these).values(data=sa.bindparam("data_", type_=c.data.type)), dialect)


def release(ws: Workspace, request: str) -> None:
    """Open the record that a request has closed."""
    ws.db.execute(sa.delete(_LOCK).where(_LOCK.c.request == request))


def release_all(ws: Workspace, requests: sa.Select[Any]) -> None:
    """Open every record that one of these requests has closed. `requests` asks for their ids."""
    ws.db.execute(sa.delete(_LOCK).where(_LOCK.c.request.in_(requests)))


def _data(lock: Lock) -> dict[str, Any]:
    return {
        "label": dict(lock.label),
        "state": lock.state,
        "on_delete": lock.on_delete,
        "admins": list(lock.admins),
        "open": {user: list(fields) for user, fields in lock.open.items()},
    }


def _lock(entity: str, record: str, request: str, data: Any) -> Lock:
    told: Mapping[str, Any] = orjson.loads(data) if isinstance(data, str) else data
    opened: Mapping[str, Sequence[str]] = told["open"]
    return Lock(
        entity,
        record,
        request,
        told["label"],
        told["state"],
        told["on_delete"],
        tuple(told["admins"]),
        {user: tuple(fields) for user, fields in opened.items()},
    )
