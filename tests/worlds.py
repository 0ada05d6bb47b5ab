"""A small business made by hand, its rows written past every rule: for tests that compare with plain Python."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson
import sqlalchemy as sa

from metadata import parts, storage
from metadata.access import Actor, platform_actor
from metadata.fieldtypes.links import AnyLink
from metadata.model import Entity, Field, Grant, Index, Model, Option, Relation, Role
from runtime.database.postgres import PostgresServer
from runtime.database.sqlite import SqliteServer
from runtime.tables import table_of
from runtime.workspace import Workspace

NOW = dt.datetime(2026, 3, 15, 17, 30, tzinfo=dt.UTC)
SETTINGS = {"currency": "CNY", "timezone": "Asia/Shanghai", "languages": ["en", "zh"]}
STAGES = tuple(Option(id, key, {"en": key}) for id, key in (("new", "fresh"), ("won", "won"), ("lost", "gone")))


def place(name: str) -> str:
    """A place of its own: roles of PostgreSQL belong to the whole server, which other processes of a run share."""
    return f"{name}{secrets.token_hex(3)}"


def make_field(entity: str, id: str, type: str, **more: Any) -> Field:
    return Field(id, more.pop("key", id), type, {"*": id}, entity, **more)


def make_entity(id: str, fields: Mapping[str, Mapping[str, Any]], **more: Any) -> Entity:
    """An entity with its system fields; links become relations, inverses are set by `make_model`."""
    owned, money = more.get("owned", False), any(each["type"] == "money" for each in fields.values())
    described: dict[str, Mapping[str, Any]] = {"id": {"type": "id", "system": True}, **fields}
    system: dict[str, Mapping[str, Any]] = {
        "version": {"type": "integer"},
        "created_at": {"type": "datetime"},
        "created_by": {"type": "user", "to": ("user",)},
        "updated_at": {"type": "datetime"},
        "updated_by": {"type": "user", "to": ("user",)},
    }
    if owned:
        system |= {"owner": {"type": "user", "to": ("user",)}, "unit": {"type": "unit", "to": ("unit",)}}
    if money:
        system["currency"] = {"type": "text"}
    described |= {key: {**value, "system": True} for key, value in system.items()}
    made = {key: make_field(id, key, **value) for key, value in described.items()}
    relations = tuple(_relation(id, each) for each in made.values() if each.to and each.type != "children")
    names = {each.key: each.id for each in made.values()}
    title = more.pop("title", "name")
    label = {"en": id.title(), "zh": id}
    # As the compiler has them: what a rule begins with when few records meet it.
    linking = [
        each.id for each in made.values() if each.type in _INDEXED and each.id not in ("created_by", "updated_by")
    ]
    indexes = tuple(Index(f"{each}__link", (each,)) for each in linking)
    return Entity(
        id, id, label, label, made, title, has_currency=money, relations=relations, names=names, indexes=indexes, **more
    )


_INDEXED = ("link", "user", "unit", "any_link")


def _relation(entity: str, each: Field) -> Relation:
    inverse = each.props.get("inverse", f"{entity}_by_{each.key}")
    through = each.props.get("through")
    near, far = ("near", "far") if through else (None, None)
    return Relation(f"{entity}.{each.id}", entity, each.id, each.to, inverse, {"*": inverse}, through, near, far)


def make_model(entities: Sequence[Entity], roles: Sequence[Role] = ()) -> Model:
    """A model as a release would give it."""
    inverses: dict[str, list[Relation]] = {each.id: [] for each in entities}
    for each in entities:
        for relation in each.relations:
            for target in relation.targets:
                inverses[target].append(relation)
    whole = [replace(each, inverses=tuple(inverses[each.id])) for each in entities]
    data = {
        "entities": {each.id: parts.dump(each) for each in whole},
        "roles": {each.id: parts.dump(each) for each in roles},
    }
    keys = {each.id: each.key for each in whole} | {each.id: each.key for each in roles}
    index: dict[str, Any] = {
        section: {
            id: {"key": keys[id], "hash": hashlib.sha256(orjson.dumps(part)).hexdigest()} for id, part in found.items()
        }
        for section, found in data.items()
    }
    index["package"] = {"settings": SETTINGS}
    fingerprint = hashlib.sha256(orjson.dumps(index)).hexdigest()
    bare = Model(fingerprint, index, lambda section, id: data[section][id])
    return Model(fingerprint, index, lambda section, id: data[section][id], storage.extend({}, bare))


def business() -> list[Entity]:
    """Accounts with deals, their lines and contacts; notes about anything; people in units."""
    choice: dict[str, Any] = {"type": "choice", "options": STAGES}
    return [
        make_entity("user", {"name": {"type": "text"}, "email": {"type": "email"}}, search=("name",)),
        make_entity("unit", {"name": {"type": "text"}, "parent": {"type": "link", "to": ("unit",)}}),
        make_entity(
            "account",
            {
                "name": {"type": "text"},
                "industry": choice,
                "limit": {"type": "money"},
                "parent": {"type": "link", "to": ("account",), "props": {"inverse": "parts"}},
                "phone": {"type": "text"},
            },
            owned=True,
            search=("name", "phone"),
            default_sort=("name",),
        ),
        make_entity(
            "deal",
            {
                "name": {"type": "text"},
                "account": {"type": "link", "to": ("account",), "props": {"inverse": "deals"}},
                "stage": choice,
                "amount": {"type": "money"},
                "cost": {"type": "money"},
                "rate": {"type": "decimal", "props": {"scale": 3}},
                "share": {"type": "percent"},
                "size": {"type": "integer"},
                "active": {"type": "boolean"},
                "close": {"type": "date"},
                "seen": {"type": "datetime"},
                "tags": {"type": "tags"},
                "needs": {"type": "multi_choice", "options": STAGES},
                "note": {"type": "long_text"},
                "extra": {"type": "json"},
                "about": {"type": "any_link", "to": ("account", "user")},
                "contacts": {
                    "type": "links",
                    "to": ("contact",),
                    "props": {"through": "deal__contacts", "inverse": "deals"},
                },
                "lines": {"type": "children", "to": ("line",), "props": {"of": "line", "by": "deal"}},
            },
            owned=True,
            search=("name", "note"),
            default_sort=("-close", "name"),
        ),
        make_entity(
            "line",
            {
                "name": {"type": "text"},
                "deal": {"type": "link", "to": ("deal",), "props": {"inverse": "lines"}},
                "account": {"type": "link", "to": ("account",)},
                "qty": {"type": "integer"},
                "price": {"type": "money"},
            },
            parent="deal",
        ),
        make_entity(
            "contact",
            {
                "name": {"type": "text"},
                "account": {"type": "link", "to": ("account",), "props": {"inverse": "contacts"}},
            },
            via="account",
            search=("name",),
        ),
        make_entity(
            "remark",
            {"name": {"type": "text"}, "about": {"type": "any_link", "to": ("account", "deal")}},
            via="about",
        ),
        make_entity(
            "deal__contacts",
            {"near": {"type": "link", "to": ("deal",)}, "far": {"type": "link", "to": ("contact",)}},
            parent="near",
            generated=True,
            title="id",
        ),
    ]


EVERYTHING = Role(
    "boss", "boss", {"*": "boss"}, {"*": Grant({a: "all" for a in ("read", "create", "update", "delete")})}
)


def role(id: str, grants: Mapping[str, Grant]) -> Role:
    return Role(id, id, {"*": id}, grants)


def actor(user: str | None, *roles: str, units: Sequence[str] = (), subtree: Sequence[str] = (), **more: Any) -> Actor:
    main = units[0] if units else None
    return Actor(user, "Somebody", roles, tuple(units), main, frozenset(subtree or units), **more)


Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""Entity id -> rows: field id -> Python value; `amount__base` and `deleted_at` as well."""


@dataclass
class World:
    """A model with rows in a place of its own."""

    server: PostgresServer | SqliteServer
    model: Model
    place: str
    rows: Rows = field(default_factory=dict)

    @contextmanager
    def workspace(self, who: Actor | None = None) -> Iterator[Workspace]:
        with self.server.own(self.place) as db:
            nothing = cast(Any, None)
            yield Workspace(nothing, nothing, self.model, 1, who or platform_actor(), db, NOW, True)

    def build(self, rows: Rows, more: Sequence[str] = ()) -> None:
        """Make the tables and write the rows; `more`: further statements."""
        with self.workspace() as ws:
            for found in self.model.all("entities"):
                table_of(self.model, found, ws.db.dialect).table.metadata.create_all(ws.db.sa)
        self.fill(rows)
        with self.workspace() as ws:
            for each in more:
                ws.db.run(each)

    def fill(self, rows: Rows) -> None:
        """Write rows into tables that are there."""
        self.rows = rows
        with self.workspace() as ws:
            for found in self.model.all("entities"):
                held = table_of(self.model, found, ws.db.dialect)
                for row in rows.get(found.id, []):
                    ws.db.execute(sa.insert(held.table), _stored(found, held, row))
                if rows.get(found.id):
                    self._index(ws, found, rows[found.id])

    def clear(self) -> None:
        """Take every row out again: what is compiled for the model serves the next rows, too."""
        with self.workspace() as ws:
            for found in self.model.all("entities"):
                for held in table_of(self.model, found, ws.db.dialect).table.metadata.tables.values():
                    ws.db.execute(sa.delete(held))

    def _index(self, ws: Workspace, found: Entity, rows: Sequence[Row]) -> None:
        """Write the tokens that search looks for."""
        from runtime import search

        held = table_of(self.model, found, ws.db.dialect)
        for row in rows if found.search else ():
            tokens = search.index_values(found, row)
            if ws.db.dialect == "postgresql":
                text = f"UPDATE {held.table.name} SET search = %(text)s::tsvector WHERE id = %(id)s"
                ws.db.run(text, {"text": search.tsvector_text(tokens), "id": row["id"]})
            else:
                for id, each in tokens.items():
                    for token in each:
                        ws.db.run(f"INSERT INTO s_{found.id} VALUES (?, ?, ?)", (token, id, row["id"]))


def _stored(found: Entity, held: Any, row: Row) -> Row:
    stored: Row = {}
    sqlite = held.key[2] == "sqlite"
    for id, columns in held.fields.items():
        value = row.get(id)
        values = [value]
        if found.fields[id].type == "money":
            values = [value, row.get(f"{id}__base")]
        elif isinstance(value, AnyLink):
            values = [value.id, value.entity]
        elif len(columns.columns) > 1:
            values = [None] * len(columns.columns)
        for column, encode, each in zip(columns.columns, columns.encode, values, strict=True):
            encoded = each if each is None or encode is None or not sqlite else encode(each)
            stored[column.name] = list(encoded) if isinstance(encoded, tuple) else encoded
    if row.get("deleted_at") is not None:
        at = row["deleted_at"]
        stored["deleted_at"] = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if sqlite else at
    return stored


def uuid(number: int) -> str:
    return f"018f2c3e-0000-7000-8000-{number:012x}"


def complete(row: Row, number: int) -> Row:
    """A row with its system values."""
    at = NOW - dt.timedelta(minutes=number)
    return {"id": uuid(number), "version": 1, "created_at": at, "updated_at": at, **row}
