"""The people of a tenant as approvals ask for them: managers, heads of units, holders of roles, proxies. Few questions.

Everybody is named by the id of a user. Whoever is deleted or not active is not there. Rights do not matter here: who
decides does not depend on who looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from metadata.approvals import Approval
from metadata.ids import is_uuid
from metadata.model import Entity
from runtime import assignments
from runtime.approvals.keeping.definitions import admin_roles
from runtime.codecs import datetime_value
from runtime.prepared import Prepared, prepare
from runtime.queries.cache import kept
from runtime.records.computing.loading import plain_values
from runtime.tables import DELETED_AT, EntityTable, table_of
from runtime.workspace import Workspace
from workflow.approvals.choosing import Proxy

_TOLD = ("name", "unit", "manager", "active", "language", "timezone")
_OF_PROXY = ("id", "principal", "proxy", "from", "until", "both", "approvals")
_HIGHEST = 25
"""Steps up: more are a circle."""


class People:
    """What has been asked is kept, so one decision asks for everybody once."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self._users: dict[str, dict[str, Any] | None] = {}
        self._managers: dict[str, tuple[str, ...]] = {}
        self._holders: dict[str, tuple[str, ...]] = {}
        self._roles: dict[str, tuple[str, ...]] = {}
        self._above: dict[str, tuple[dict[str, Any], ...]] = {}
        self._proxies: tuple[Proxy, ...] | None = None

    # -- one person

    def known(self, users: Iterable[str]) -> None:
        """Read these people at once."""
        missing = {each for each in users if each not in self._users and is_uuid(each)}
        entity = self.ws.model.entity("user")
        if not missing or entity is None:
            return
        wanted = {*_TOLD, entity.title} & entity.fields.keys()
        self._users.update(dict.fromkeys(missing))
        for row in plain_values(self.ws, entity, wanted, missing):
            self._users[row["id"]] = row

    def _user(self, user: str) -> dict[str, Any] | None:
        self.known((user,))
        return self._users.get(user)

    def active(self, user: str) -> bool:
        row = self._user(user)
        return row is not None and row.get("active") is not False

    def name(self, user: str) -> str:
        """What he is called; empty for somebody who is gone."""
        row, entity = self._user(user), self.ws.model.entity("user")
        return "" if row is None or entity is None else str(row.get(entity.title) or "")

    def language(self, user: str) -> str:
        row = self._user(user)
        return "en" if row is None else str(row.get("language") or "en")

    def zone(self, user: str) -> ZoneInfo:
        """Whose time he reads: his own, else the tenant's."""
        row = self._user(user) or {}
        try:
            return ZoneInfo(str(row.get("timezone") or self.ws.model.settings.get("timezone", "UTC")))
        except (ValueError, ZoneInfoNotFoundError):
            return ZoneInfo("UTC")

    def roles(self, user: str) -> tuple[str, ...]:
        if user not in self._roles:
            self._roles[user] = assignments.roles_of(self.ws, user)
        return self._roles[user]

    def unit(self, user: str) -> str | None:
        row = self._user(user)
        return None if row is None or row.get("unit") is None else str(row["unit"])

    # -- above

    def managers(self, user: str) -> tuple[str, ...]:
        """The direct manager first. One statement, however many there are."""
        entity = self.ws.model.entity("user")
        if entity is None or "manager" not in entity.fields:
            return ()
        if user not in self._managers:
            chain = [each for each in self._climb(entity, "manager", user) if each != user]
            self.known(chain)
            self._managers[user] = tuple(chain)
        return self._managers[user]

    def heads(self, user: str) -> tuple[str, ...]:
        """The head of his unit, then those of the units above it."""
        unit = self.unit(user)
        return () if unit is None else self.heads_of_unit(unit)

    def heads_of_unit(self, unit: str) -> tuple[str, ...]:
        """The heads of a unit and of those above it, the nearest first; a unit without one gives none."""
        return tuple(dict.fromkeys(str(each["manager"]) for each in self._units(unit) if each.get("manager")))

    def _units(self, unit: str) -> tuple[dict[str, Any], ...]:
        entity = self.ws.model.entity("unit")
        if entity is None:
            return ()
        if unit not in self._above:
            chain = self._climb(entity, "parent", unit) if "parent" in entity.fields else [unit]
            wanted = {"manager"} & entity.fields.keys()
            rows = {row["id"]: row for row in plain_values(self.ws, entity, wanted, set(chain))}
            self._above[unit] = tuple(rows[each] for each in chain if each in rows)
        return self._above[unit]

    def _climb(self, entity: Entity, link: str, start: str) -> list[str]:
        """A record and those above it by a link to its own kind, in order; a circle ends where it closes."""
        held = table_of(self.ws.model, entity, self.ws.db.dialect)
        id, up = held.column("id"), held.column(link)
        first: Any = sa.select(id, up, sa.literal_column("0").label("far")).where(id == start)
        walked = first.cte("climbed", recursive=True)
        living = held.table.c[DELETED_AT].is_(None)
        step = sa.select(id, up, walked.c.far + 1).where(id == walked.c[1], living, walked.c.far < _HIGHEST)
        walked = walked.union_all(step)
        rows = self.ws.db.execute(sa.select(walked.c[0]).order_by(walked.c.far)).scalars()
        return list(dict.fromkeys(str(each) for each in rows))

    # -- many

    def holders(self, role: str, unit: str | None = None) -> tuple[str, ...]:
        """Who has a role; with a unit: who is in it, by his main unit or a further one."""
        if role not in self._holders:
            self._holders[role] = assignments.people_of(self.ws, role)
            self.known(self._holders[role])
        found = self._holders[role]
        if unit is None:
            return found
        others = self._further(found, unit)
        return tuple(each for each in found if self.unit(each) == unit or each in others)

    def _further(self, users: Sequence[str], unit: str) -> frozenset[str]:
        entity = self.ws.model.entity("user")
        relation = None if entity is None else entity.relation("units")
        through = self.ws.model.entity(relation.through) if relation is not None and relation.through else None
        if relation is None or through is None or relation.near is None or relation.far is None:
            return frozenset()
        rows = plain_values(self.ws, through, {relation.near, relation.far}, {unit}, by=relation.far)
        return frozenset(str(row[relation.near]) for row in rows) & set(users)

    def admins(self, approval: Approval) -> tuple[str, ...]:
        """Who looks after an approval."""
        roles = admin_roles(self.ws.model, approval)
        return tuple(dict.fromkeys(user for role in roles for user in self.holders(role)))

    def by_email(self, email: str) -> str | None:
        entity = self.ws.model.entity("user")
        if entity is None or "email" not in entity.fields:
            return None
        held = table_of(self.ws.model, entity, self.ws.db.dialect)
        living = held.table.c[DELETED_AT].is_(None)
        chosen = sa.select(held.column("id")).where(held.column("email") == email.lower(), living)
        found = self.ws.db.execute(chosen.limit(1)).scalar()
        return None if found is None else str(found)

    def proxies(self) -> tuple[Proxy, ...]:
        """The standing proxies that are in force now."""
        if self._proxies is None:
            self._proxies = tuple(self._in_force())
        return self._proxies

    def _in_force(self) -> Iterable[Proxy]:
        entity, ws = self.ws.model.entity("proxy"), self.ws
        if entity is None or not {"principal", "proxy", "from", "until"} <= entity.fields.keys():
            return
        held = table_of(ws.model, entity, ws.db.dialect)
        columns = [name for name in _OF_PROXY if name in held.fields]
        encode = held.fields["from"].encode[0]
        statement = kept(ws.model).get(("proxies in force", ws.db.dialect), lambda: _proxies(ws, held, columns))
        ids = {**ws.model.names("approvals"), **{id: id for id in ws.model.index.get("approvals", {})}}
        for row in statement.fetch(ws.db, {"now_": ws.now if encode is None else encode(ws.now)}):
            values: dict[str, Any] = {}
            for name, value in zip(columns, row, strict=True):
                decode = held.fields[name].decode[0]
                values[name] = value if value is None or decode is None else decode(value)
            if values["principal"] == values["proxy"]:
                continue  # nobody stands in for himself
            named = values.get("approvals") or ()
            yield Proxy(
                str(values["principal"]),
                str(values["proxy"]),
                _moment(values["from"]),
                _moment(values["until"]),
                bool(values.get("both")),
                # One that names only what there is no longer stands for nothing, not for everything.
                frozenset(ids.get(each, each) for each in named),
            )


def _proxies(ws: Workspace, held: EntityTable, names: Sequence[str]) -> Prepared:
    columns = {name: held.column(name) for name in names}
    start, end, living = columns["from"], columns["until"], held.table.c[DELETED_AT].is_(None)
    now = sa.bindparam("now_", type_=start.type)
    chosen = sa.select(*columns.values()).where(start <= now, end > now, living)
    return prepare(chosen.order_by(columns["id"]), ws.db.dialect)


def _moment(value: Any) -> Any:
    return datetime_value(value) if isinstance(value, str) else value
