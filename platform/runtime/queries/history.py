"""What happened: the events of one record, and the change feed, as far as the reader may see records and fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from metadata.fieldtypes.base import ColumnSpec
from metadata.ids import is_uuid
from metadata.model import Entity, Field
from metadata.problems import BadRequest, NotFound
from runtime.codecs import column_type
from runtime.prepared import Prepared, prepare
from runtime.queries import query as q
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.convert import json_converter
from runtime.queries.fields import narrowed, rows_with
from runtime.queries.names import entity_of
from runtime.queries.rules import among_ids, row_rule, sees
from runtime.sealing import Sealer

if TYPE_CHECKING:
    from runtime.workspace import Workspace

_KINDS: Mapping[str, Any] = {
    "id": "uuid",
    "position": "integer",
    "at": "datetime",
    "kind": "text",
    "actor": "uuid",
    "actor_name": "text",
    "on_behalf_of": "uuid",
    "channel": "text",
    "release": "integer",
    "entity": "text",
    "record": "uuid",
    "changes": "json",
}
_COLUMNS = tuple(_KINDS)


def history(ws: Workspace, entity: str, id: str, after: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The events of a record, newest first: `{"data": [...], "next": cursor}`. Raises NotFound."""
    found = entity_of(ws.model, entity)
    _check(limit, after)
    if not is_uuid(id) or not sees(ws, found, "read", id.lower()):
        raise NotFound(q.not_found(found.key, entity=found.label))
    params = {"entity": found.id, "record": id.lower(), "after": after or "", "limit": limit + 1}
    statement = kept(ws.model).get(("history", ws.db.dialect, after is None), lambda: _of_record(ws, after is None))
    rows = statement.fetch(ws.db, {name: params[name] for name in params if name != "after" or after})
    data = _events(ws, rows[:limit])
    return {"data": data, "next": data[-1]["id"] if len(rows) > limit else None}


def feed(ws: Workspace, after: int = 0, limit: int = 100) -> dict[str, Any]:
    """Events in the order of their positions, from the one after `after`: `{"data": [...], "next": position}`.

    Events of records that the reader may not see are left out; `next` passes over them.
    """
    _check(limit, None)
    statement = kept(ws.model).get(("feed", ws.db.dialect), lambda: _by_position(ws))
    rows = statement.fetch(ws.db, {"after": max(0, min(int(after), 2**63 - 1)), "limit": limit})
    at, of, record = _COLUMNS.index("position"), _COLUMNS.index("entity"), _COLUMNS.index("record")
    seen = _seen(ws, [(row[of], row[record]) for row in rows])
    return {
        "data": _events(ws, [row for row in rows if (row[of], row[record]) in seen]),
        "next": rows[-1][at] if rows else after,
    }


def visible_ids(ws: Workspace, entity: Entity, ids: Iterable[str]) -> frozenset[str]:
    """Those of some ids whose records the actor may read, in the recycle bin or not.

    Where he may read every record nothing is asked, so an id that is none of this entity is among them.
    """
    return _those(ws, entity, ids, exact=False)


def _those(ws: Workspace, entity: Entity, ids: Iterable[str], *, exact: bool) -> frozenset[str]:
    """`exact`: ask in any case, so that only ids of this entity are found."""
    key = ("seen", entity.id, exact, ws.db.dialect, actor_shape(ws.actor))

    def make() -> Statement | None:
        build = Build(ws.model, ws.actor, ws.db.dialect)
        table = build.table(entity)
        source = Source(entity, table, table.table)
        rule = row_rule(build, source, "read")
        if rule is None and not exact:
            return None
        column = source.column("id")
        chosen = sa.select(column).where(among_ids(build, column))
        return build.finish(chosen if rule is None else chosen.where(rule))

    wanted = frozenset(ids)
    statement = kept(ws.model).get(key, make)
    if statement is None or not wanted:
        return wanted
    inputs = inputs_of(ws)
    inputs.ids = list(wanted)
    return frozenset(row[0] for row in statement.fetch(ws, inputs))


def _check(limit: int, after: str | None) -> None:
    if not 1 <= limit <= q.MAX_LIMIT:
        raise BadRequest(q.bad_limit("limit", limit=q.MAX_LIMIT))
    if after is not None and not is_uuid(after):
        raise BadRequest(q.bad_cursor("after"))


def _table(dialect: str) -> sa.TableClause:
    columns = [sa.column(name, column_type(ColumnSpec(kind), dialect)) for name, kind in _KINDS.items()]
    return sa.table("_event", *columns)


def _of_record(ws: Workspace, first: bool) -> Prepared:
    events = _table(ws.db.dialect)
    uuid = sa.Uuid(as_uuid=False)
    conditions = [
        events.c.entity == sa.bindparam("entity", type_=sa.Text()),
        events.c.record == sa.bindparam("record", type_=uuid),
    ]
    if not first:
        conditions.append(events.c.id < sa.bindparam("after", type_=uuid))
    statement = sa.select(*events.c).where(*conditions).order_by(events.c.id.desc())
    return prepare(statement.limit(sa.bindparam("limit", type_=sa.Integer())), ws.db.dialect)


def _by_position(ws: Workspace) -> Prepared:
    events = _table(ws.db.dialect)
    statement = sa.select(*events.c).where(events.c.position > sa.bindparam("after", type_=sa.BigInteger()))
    statement = statement.order_by(events.c.position).limit(sa.bindparam("limit", type_=sa.Integer()))
    return prepare(statement, ws.db.dialect)


def _seen(ws: Workspace, records: Sequence[tuple[str, str | None]]) -> set[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()
    for name in {name for name, _ in records}:
        entity = ws.model.entity(name)
        if entity is None or entity.id != name:
            # What happened to the configuration is for those who configure.
            if _configures(ws):
                found.update(each for each in records if each[0] == name)
            continue
        ids = visible_ids(ws, entity, (id for of, id in records if of == name and id is not None))
        found.update((name, id) for id in ids)
    return found


def _configures(ws: Workspace) -> bool:
    roles = (ws.model.role(name) for name in ws.actor.roles)
    return ws.actor.platform or any(role is not None and "configure" in role.capabilities for role in roles)


def _events(ws: Workspace, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    events = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    build = Build(ws.model, ws.actor, ws.db.dialect)
    opened = Sealer(ws).told
    moment = json_converter(Field("at", "at", "datetime", {}), ColumnSpec("datetime"), ws.db.dialect)
    for event in events:
        if moment is not None:
            event["at"] = moment(event["at"])
        changes = event["changes"]
        told = orjson.loads(changes) if isinstance(changes, str) else changes or {}
        event["changes"] = opened(event["entity"], event["record"], told)
    _name_kinds(ws, events)
    hidden = _hidden_links(ws, events)
    unread = _unread(ws, events)
    for event in events:
        entity = ws.model.entity(event["entity"])
        confirmed = event["changes"].pop(CONFIRMED, None)
        if entity is not None and entity.id == event["entity"]:
            if confirmed is not None:
                event["confirmed"] = [each.key for each in entity.rules if each.id in confirmed[1]]
            event["entity"] = entity.key
            told = {id: each for id, each in event["changes"].items() if (id, event["record"]) not in unread}
            event["changes"] = dict(_changes(build, entity, told, hidden))
        elif not _configures(ws):
            event["changes"] = {}
    return events


CONFIRMED = "$confirmed"
"""Stands for a field in the events of saves whose warnings were confirmed: the ids of the rules that warned."""
SHARE = "$share"
"""Stands for a field in the events that tell with whom a record was shared; see `runtime.sharing`."""


def _unread(ws: Workspace, events: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """(field id, record id) where the reader may not read a field of a record as it is now."""
    told: dict[tuple[str, str], set[str]] = {}
    for event in events:
        entity = ws.model.entity(event["entity"])
        if entity is not None and entity.id == event["entity"]:
            for id in narrowed(ws, entity, "read"):
                if id in event["changes"]:
                    told.setdefault((entity.id, id), set()).add(event["record"])
    found: set[tuple[str, str]] = set()
    for (of, id), records in told.items():
        entity = ws.model.entity(of)
        assert entity is not None
        found.update((id, record) for record in records - rows_with(ws, entity, id, records))
    return found


def _changes(
    build: Build, entity: Entity, changes: Mapping[str, Any], hidden: set[str]
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Field key of today -> before and after, for the fields that the reader may read."""
    for id, values in changes.items():
        if id == SHARE:
            # Who has a record with you is no secret to anybody who has it.
            yield id, {"before": values[0], "after": values[1]}
        field = entity.fields.get(id)
        if field is not None and build.may_read(entity, field):
            before, after = (_shown(build, field, value, hidden) for value in values)
            yield field.key, {"before": before, "after": after}


def _shown(build: Build, field: Field, value: Any, hidden: set[str]) -> Any:
    if field.options:
        if isinstance(value, list):
            return [_shown(build, field, each, hidden) for each in value]
        option = field.option(value) if isinstance(value, str) else None
        return option.key if option is not None else value
    if field.to and value is not None:
        if isinstance(value, list):
            return [each for each in value if not _linked(each) & hidden]
        if _linked(value) & hidden:
            return {"hidden": True}
        if isinstance(value, dict):
            named = build.model.entity(value["entity"]) if value["entity"] is not None else None
            return {**value, "entity": named.key} if named is not None else {"hidden": True}
    return value


def _linked(value: Any) -> set[str]:
    """The ids in the value of a link, of any kind."""
    if isinstance(value, list):
        return set().union(*map(_linked, value))
    if isinstance(value, dict):
        value = value.get("id")
    return {value} if isinstance(value, str) else set()


def _targets(ws: Workspace, field: Field, value: Any) -> Sequence[str]:
    """Ids of the entities whose records a value links; that of an any_link says which one it is."""
    if not isinstance(value, dict):
        return field.to
    return () if value["entity"] is None else (value["entity"],)


def _name_kinds(ws: Workspace, events: Sequence[Mapping[str, Any]]) -> None:
    """Put the entity's id into every value of an any_link; None where nobody knows any more.

    Events of old times hold the entity's key of that day. When it is none of today's, the record is looked for.
    """
    unknown: list[tuple[Field, dict[str, Any]]] = []
    for event in events:
        entity = ws.model.entity(event["entity"])
        for id, values in event["changes"].items():
            field = entity.fields.get(id) if entity is not None else None
            for value in values if field is not None and field.type == "any_link" else ():
                if isinstance(value, dict):
                    assert field is not None
                    named = ws.model.entity(str(value.get("entity")))
                    known = named is not None and (named.id in field.to or named.id == value["entity"])
                    value["entity"] = named.id if named is not None and known else None
                    if value["entity"] is None and is_uuid(value.get("id")):
                        unknown.append((field, value))
    for target in {target for field, _ in unknown for target in field.to}:
        other = ws.model.entity(target)
        wanted = [value for field, value in unknown if target in field.to]
        found = _those(ws, other, {value["id"] for value in wanted}, exact=True) if other is not None else frozenset()
        for value in wanted:
            if value["id"] in found:
                value["entity"] = target


def _hidden_links(ws: Workspace, events: Sequence[Mapping[str, Any]]) -> set[str]:
    """Ids of linked records that the reader may not see."""
    every: set[str] = set()
    wanted: dict[str, set[str]] = {}
    for event in events:
        entity = ws.model.entity(event["entity"])
        for id, values in event["changes"].items():
            field = entity.fields.get(id) if entity is not None else None
            if field is None or not field.to:
                continue
            for value in values:
                ids = set(filter(is_uuid, _linked(value)))
                every |= ids
                for target in _targets(ws, field, value):
                    wanted.setdefault(target, set()).update(ids)
    seen: set[str] = set()
    for target, ids in wanted.items():
        other = ws.model.entity(target)
        if other is not None and ids:
            seen |= visible_ids(ws, other, ids)
    return every - seen
