"""Releases: the published models of a tenant, each complete in itself, and the loading of a model from one.

Everything is stored by content: the text of every file, every compiled element, the index, the storage map. A
release is a row of digests, so publishing a small change writes little, and going back writes one row.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from metadata import storage as storage_map
from metadata.documents.package import Layer
from metadata.model import EMPTY, Model, Part
from metadata.problems import NotFound, kind
from metadata.remembering import Remembered
from runtime.codecs import datetime_value
from runtime.database.db import Bound, Db
from runtime.system.tables import table

if TYPE_CHECKING:
    from runtime.directory import Tenant
    from runtime.workspace import Workspace

UNKNOWN = kind(
    "release.unknown",
    en="There is no release {number}. `metaloom releases` lists those there are.",
    zh="没有版本 {number}。可用 `metaloom releases` 查看现有版本。",
)

_parts: Remembered[str, Part] = Remembered(20_000)
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Release:
    """What is listed of a release."""

    number: int
    fingerprint: str
    parent: int | None
    created_at: dt.datetime
    actor_name: str
    summary: Mapping[str, Any]
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """The digests of one release."""

    fingerprint: str
    layers: str
    model_index: str
    storage: str


class PartSource:
    """Reads compiled elements when a model first needs them, from whichever tenant used the model last.

    A model is shared by the tenants that have it, so it must not hold the transaction that it was loaded in.
    """

    def __init__(self, tenant: Tenant, index: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.tenant = tenant
        self._index = index

    def load(self, section: str, id: str) -> Part:
        digest = str(self._index[section][id]["hash"])
        return _parts.get(digest, lambda: self._read(digest))

    def _read(self, digest: str) -> Part:
        with self.tenant.server.bind(self.tenant.place, writing=False) as (db, _):
            return part(db, digest)


class Models:
    """The models of a process: found by tenant and head without asking the database, shared by content."""

    def __init__(self) -> None:
        self._heads: Remembered[tuple[str, int, int], tuple[Model, PartSource]] = Remembered(10_000)
        self._models: Remembered[tuple[str, str], tuple[Model, PartSource]] = Remembered(64)

    def load(self, tenant: Tenant, db: Db, bound: Bound) -> Model:
        """The model that the tenant's head names."""
        key = (tenant.id, bound.restore_epoch, bound.head)
        model, source = self._heads.get(key, lambda: self._find(tenant, db, bound.head))
        source.tenant = tenant
        return model

    def at(self, tenant: Tenant, db: Db, restore_epoch: int, number: int) -> Model:
        """The model of any release, remembered like the head's. Raises NotFound."""
        return self._heads.get((tenant.id, restore_epoch, number), lambda: self._find(tenant, db, number))[0]

    def of_release(self, tenant: Tenant, db: Db, restore_epoch: int, number: int) -> Model:
        """The model of any release, kept as that of the head is. Raises NotFound."""
        model, source = self._heads.get((tenant.id, restore_epoch, number), lambda: self._find(tenant, db, number))
        source.tenant = tenant
        return model

    def _find(self, tenant: Tenant, db: Db, head: int) -> tuple[Model, PartSource]:
        if head == 0:
            return _nothing(tenant)
        stored = find(db, head)
        return self._models.get((stored.fingerprint, stored.storage), lambda: _make(tenant, db, stored))


def _nothing(tenant: Tenant) -> tuple[Model, PartSource]:
    source = PartSource(tenant, EMPTY)
    return Model("", EMPTY, source.load, EMPTY), source


def _make(tenant: Tenant, db: Db, stored: Stored) -> tuple[Model, PartSource]:
    bodies = texts(db, (stored.model_index, stored.storage))
    index = orjson.loads(bodies[stored.model_index])
    source = PartSource(tenant, index)
    storage = storage_map.load(orjson.loads(bodies[stored.storage]))
    return Model(stored.fingerprint, index, source.load, storage), source


def load_model(tenant: Tenant, db: Db, number: int) -> Model:
    """The model of any release, made anew. Raises NotFound."""
    return _nothing(tenant)[0] if number == 0 else _make(tenant, db, find(db, number))[0]


def model_at(ws: Workspace, number: int) -> Model:
    """The model of a release of this tenant, for what goes on under the release that it began with."""
    return ws.host.models.at(ws.tenant, ws.db, ws.restore_epoch, number)


def find(db: Db, number: int) -> Stored:
    """The digests of a release. Raises NotFound."""
    release = table("_release", db.dialect)
    columns = (release.c.fingerprint, release.c.layers, release.c.model_index, release.c.storage)
    row: Any = db.execute(sa.select(*columns).where(release.c.number == number)).first()
    if row is None:
        raise NotFound(UNKNOWN(number=number))
    return Stored(*row)


def history(db: Db, limit: int = 50) -> list[Release]:
    """Releases, the newest first."""
    release = table("_release", db.dialect)
    columns = ("number", "fingerprint", "parent", "created_at", "actor_name", "summary", "packages")
    query = sa.select(*(release.c[each] for each in columns)).order_by(release.c.number.desc()).limit(limit)
    rows: Any = db.execute(query)
    return [
        Release(number, fingerprint, parent, _moment(created), name, _data(summary), _data(packages))
        for number, fingerprint, parent, created, name, summary, packages in rows
    ]


def _moment(value: Any) -> dt.datetime:
    return datetime_value(value) if isinstance(value, str) else value


def _data(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


# -- texts by content


def digest_of(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def texts(db: Db, digests: Iterable[str]) -> dict[str, str]:
    """The texts with these digests. Raises KeyError when one is missing."""
    text = table("_text", db.dialect)
    wanted = list(dict.fromkeys(digests))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        rows: Any = db.execute(sa.select(text.c.hash, text.c.body).where(text.c.hash.in_(some)))
        found.update((digest, body) for digest, body in rows)
    if len(found) < len(wanted):
        raise KeyError(next(each for each in wanted if each not in found))
    return found


def part(db: Db, digest: str) -> Part:
    """One compiled element."""
    data: Part = orjson.loads(texts(db, (digest,))[digest])
    return data


def keep(db: Db, bodies: Mapping[str, str]) -> None:
    """Store texts under their digests, those that are not there yet."""
    text = table("_text", db.dialect)
    wanted = list(bodies)
    for start in range(0, len(wanted), _CHUNK):
        some = wanted[start : start + _CHUNK]
        there = set(db.execute(sa.select(text.c.hash).where(text.c.hash.in_(some))).scalars())
        rows = [(each, bodies[each]) for each in some if each not in there]
        if rows:
            insert = _insert(db)
            db.many(insert, rows)


def _insert(db: Db) -> str:
    marks = "%s, %s" if db.dialect == "postgresql" else "?, ?"
    # Two planners may store the same text at once.
    return f'INSERT INTO "_text" (hash, body) VALUES ({marks}) ON CONFLICT (hash) DO NOTHING'


def keep_data(db: Db, data: Any) -> str:
    """Store JSON data in its own order, which is the order of display; its digest."""
    body = orjson.dumps(data).decode()
    digest = digest_of(body)
    keep(db, {digest: body})
    return digest


# -- layers


def keep_layers(db: Db, layers: Sequence[Layer]) -> str:
    """Store the text of every file of every layer; the digest of the list."""
    files = {digest_of(body): body for layer in layers for body in layer.files.values()}
    keep(db, files)
    return keep_data(db, [_layer_data(layer) for layer in layers])


def _layer_data(layer: Layer) -> dict[str, Any]:
    return {
        "code": layer.code,
        "version": layer.version,
        "kind": layer.kind,
        "requires": list(layer.requires),
        "settings": dict(layer.settings),
        "files": {path: digest_of(body) for path, body in layer.files.items()},
    }


def layers(db: Db, digest: str) -> list[Layer]:
    """The layers that `keep_layers` stored, text for text."""
    listed = orjson.loads(texts(db, (digest,))[digest])
    bodies = texts(db, (each for layer in listed for each in layer["files"].values()))
    return [
        Layer(
            code=each["code"],
            version=each["version"],
            kind=each["kind"],
            requires=tuple(each["requires"]),
            settings=each["settings"],
            files={path: bodies[body] for path, body in each["files"].items()},
        )
        for each in listed
    ]
