"""Plans and applies a change of a tenant's description: what was reviewed is what is applied, in one transaction."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import sqlalchemy as sa

from metadata import plan as plans
from metadata import storage as storage_map
from metadata.access import Actor, platform_actor
from metadata.changes import Change
from metadata.documents.package import Layer
from metadata.grammar import GRAMMAR
from metadata.ids import is_uuid, uuid7
from metadata.model import EMPTY, Model
from metadata.plan import ChangePlan
from metadata.problems import Conflict, Invalid, NotFound, kind
from runtime import ddl, encrypting, events, indexes, releases, retokening, seeds
from runtime.approvals.driving import removing
from runtime.codecs import datetime_text
from runtime.database.db import Db
from runtime.database.errors import LockTimeout, UniqueViolation, translate
from runtime.directory import Tenant
from runtime.host import Host
from runtime.processes.timing import planning
from runtime.records.computing import rebuilding
from runtime.recycling import daily
from runtime.sla import recounting
from runtime.system.tables import table
from runtime.unique_where import where_sql
from runtime.workspace import PlatformActor, Workspace, open_workspace

if TYPE_CHECKING:
    from metadata.compiler import Compiled

UNKNOWN = kind(
    "plan.unknown",
    en="There is no plan {id}. Plan the change again.",
    zh="没有计划 {id}，请重新生成计划。",
)
MOVED_ON = kind(
    "plan.moved_on",
    en="The tenant has moved on to release {head} since this plan was made from release {base}. Plan again.",
    zh="该计划基于版本 {base}，而租户已更新到版本 {head}。请重新生成计划。",
)
DUPLICATES = kind(
    "plan.duplicates",
    en="Records already share the values that would become unique (index {index}). Change them, then plan again.",
    zh="已有记录存在重复值，无法设为唯一（索引 {index}）。请合并或修改这些记录后重新生成计划。",
)
BUSY = kind(
    "plan.busy",
    en="The tenant was too busy for the change to begin; nothing has been changed. Try again, or stop long exports.",
    zh="租户当前繁忙，变更未能开始，未做任何更改。请稍后重试，或先停止耗时的导出。",
)

ATTEMPTS = 20
PAUSE = 0.15
PLANNED, COMMITTED, APPLIED = "planned", "committed", "applied"
"""States of a plan. Committed: the release is in force, indexes of big tables or seeds may still be missing."""
MANY_TABLES = 60
"""More new tables than this are made in transactions of their own before: each costs a dozen locks."""


# -- planning


def plan(host: Host, tenant: Tenant, changed: Layer | Sequence[Layer], actor: Actor | None = None) -> ChangePlan:
    """Plan to replace these layers (added when new), keeping the others. Stored: `id` is what `apply` takes.

    Raises MetadataInvalid with every problem of the description.
    """
    new = [changed] if isinstance(changed, Layer) else list(changed)
    with open_workspace(host, tenant, PlatformActor()) as ws:
        base, current = ws.release, ws.model
        held = current_layers(ws)
    return _store(host, tenant, base, current, held, replaced(held, new), actor, going_back=False)


def plan_release(host: Host, tenant: Tenant, number: int, actor: Actor | None = None) -> ChangePlan:
    """Plan to go back to the layers of an earlier release."""
    with open_workspace(host, tenant, PlatformActor()) as ws:
        base, current = ws.release, ws.model
        held = current_layers(ws)
        wanted = releases.layers(ws.db, releases.find(ws.db, number).layers)
    return _store(host, tenant, base, current, held, wanted, actor, going_back=True)


def current_layers(ws: Workspace) -> list[Layer]:
    """The layers of the tenant's head, text for text."""
    return releases.layers(ws.db, releases.find(ws.db, ws.release).layers) if ws.release else []


def replaced(held: Sequence[Layer], new: Sequence[Layer]) -> list[Layer]:
    """Layers by code: a new one takes the place of the old one."""
    found = {each.code: each for each in held}
    found.update({each.code: each for each in new})
    return list(found.values())


def _store(
    host: Host,
    tenant: Tenant,
    base: int,
    current: Model,
    held: Sequence[Layer],
    wanted: Sequence[Layer],
    actor: Actor | None,
    *,
    going_back: bool,
) -> ChangePlan:
    """`going_back`: what returns from the trash is what the earlier release had."""
    from metadata.compiler import compile_layers

    compiled = compile_layers(wanted)
    target = compiled.model
    storage = storage_map.extend(current.storage, target, changed_entities(current, target))
    asked = None if going_back else plans.said_ids(compiled.elements["entities"])
    made = plans.plan_changes(current, target, current.storage, base, asked)
    changes = (*made.changes, *_texts_changed(held, wanted))
    made = ChangePlan(base, made.fingerprint, changes, uuid7() if changes else None)
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        if ws.release != base:
            raise Conflict(MOVED_ON(base=base, head=ws.release))
        made = _counted(ws, made, target)
        if not made.empty:
            _keep(ws, made, compiled, storage, wanted, actor or platform_actor())
    return made


def _counted(ws: Workspace, made: ChangePlan, target: Model) -> ChangePlan:
    """Say how many records get the value of a computed field anew, and how many requests end with an approval."""
    if ws.release:
        ending = removing.counted(ws, made.changes)
        removals = {f"approvals.{id}": count for id, count in ending.items()}
        changes = [replace(each, rows=removals[each.path]) if each.path in removals else each for each in made.changes]
        made = replace(made, changes=tuple(changes))
    if not ws.release or not any(each.risk == "rewrites" for each in made.changes):
        return made
    counts = {**rebuilding.counted(ws, target, made.changes), **encrypting.counted(ws, target, made.changes)}
    changes = [
        replace(each, rows=counts.get(each.id)) if each.section == "entities" and each.risk == "rewrites" else each
        for each in made.changes
    ]
    return replace(made, changes=tuple(changes))


def changed_entities(current: Model, target: Model) -> list[str]:
    """Ids of the entities that are new or differ."""
    before, after = current.index.get("entities", EMPTY), target.index.get("entities", EMPTY)
    return [id for id, entry in after.items() if id not in before or before[id]["hash"] != entry["hash"]]


def _texts_changed(held: Sequence[Layer], wanted: Sequence[Layer]) -> Iterable[Change]:
    """A layer whose text or version differs is kept in a release of its own, even when it means the same."""
    before = {each.code: each for each in held}
    for layer in wanted:
        old = before.pop(layer.code, None)
        if old != layer:
            yield Change(
                "added" if old is None else "changed",
                f"package.{layer.code}",
                before=old.version if old else None,
                after=layer.version,
            )
    for code, layer in before.items():
        yield Change("removed", f"package.{code}", before=layer.version)


def _keep(
    ws: Workspace,
    made: ChangePlan,
    compiled: Compiled,
    storage: Any,
    layers: Sequence[Layer],
    actor: Actor,
) -> None:
    """Everything that the release will need is stored now, so that applying it compiles nothing."""
    db = ws.db
    index = compiled.model.index
    known = {
        entry["hash"] for name, section in ws.model.index.items() if name != "package" for entry in section.values()
    }
    bodies = {
        index[section][id]["hash"]: orjson.dumps(part).decode()
        for section, found in compiled.parts.items()
        for id, part in found.items()
        if index[section][id]["hash"] not in known
    }
    releases.keep(db, bodies)
    body = {
        **plans.dump(made),
        "model_index": releases.keep_data(db, index),
        "storage": releases.keep_data(db, storage_map.dump(storage)),
        "packages": {each.code: each.version for each in layers},
    }
    row = {
        "id": made.id,
        "base": made.base,
        "fingerprint": made.fingerprint,
        "created_at": _moment(db, ws.now),
        "actor": actor.user,
        "actor_name": actor.name,
        "body": _json(db, body),
        "layers": releases.keep_layers(db, layers),
        "state": PLANNED,
    }
    db.execute(table("_plan", db.dialect).insert().values(row))


def load_plan(ws: Workspace, plan_id: str) -> ChangePlan:
    """A stored plan. Raises NotFound."""
    return plans.load(_row(ws.db, plan_id)["body"], plan_id)


def _row(db: Db, plan_id: str) -> dict[str, Any]:
    held = table("_plan", db.dialect)
    found = db.execute(sa.select(held).where(held.c.id == plan_id)).mappings().first() if is_uuid(plan_id) else None
    if found is None:
        raise NotFound(UNKNOWN(id=plan_id))
    row = dict(found)
    row["body"] = orjson.loads(row["body"]) if isinstance(row["body"], str) else row["body"]
    return row


# -- applying


def apply(host: Host, tenant: Tenant, plan_id: str, actor: Actor | None = None) -> int:
    """Carry out exactly this plan; the number of the release.

    Raises Conflict when the tenant has moved on, Invalid when the plan holds what cannot be done or the records stand
    in its way. Then nothing has been changed.
    """
    actor = actor or platform_actor()
    finish(host, tenant)
    with open_workspace(host, tenant, PlatformActor()) as ws:
        row = _row(ws.db, plan_id)
        made = plans.load(row["body"], plan_id)
        _require_current(ws.release, made)
        if made.refused:
            raise Invalid(made.refused)
        target = _target(tenant, ws.db, row)
        encrypting.require_key(ws, target, made.changes)
        move = _move(ws, target)
    there = _make_many_tables(tenant, move, made)
    later = _in_turn(tenant, made, lambda db: _carry_out(host, tenant, db, move, row, made, actor, there))
    indexes.build(tenant, later)
    _finished(host, tenant, made)
    return made.base + 1


def finish(host: Host, tenant: Tenant) -> list[str]:
    """Do what an interrupted `apply` left undone after its release: indexes and seeds; the plans that were finished."""
    held = table("_plan", tenant.server.dialect)
    with open_workspace(host, tenant, PlatformActor()) as ws:
        query = sa.select(held.c.id, held.c.body).where(held.c.state == COMMITTED)
        rows: Any = ws.db.execute(query.order_by(held.c.base)).all()
    if rows:
        indexes.build_missing(host, tenant)
    for id, body in rows:
        data = orjson.loads(body) if isinstance(body, str) else body
        _finished(host, tenant, plans.load(data, str(id)))
    return [str(id) for id, _ in rows]


def _finished(host: Host, tenant: Tenant, made: ChangePlan) -> None:
    """Seeds are records like any other, so they are written once the new model is in force; tokens follow it."""
    if made.base:
        with open_workspace(host, tenant, PlatformActor()) as ws:
            due = rebuilding.affected(ws.model, made.changes)
        rebuilding.rebuild(host, tenant, due)
        for entity in encrypting.affected(ws.model, made.changes):
            encrypting.rewrite(host, tenant, entity)
    for entity in retokening.affected(made.changes) if made.base else ():
        retokening.rebuild(host, tenant, entity)
    held = table("_plan", tenant.server.dialect)
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        if made.base == 0 or any(each.section == "seeds" for each in made.changes):
            seeds.apply_seeds(ws)
        planning.queue(ws)
        daily.plan(ws)
        recounting.queue(ws)
        removing.queue(ws, made.changes)
        ws.db.execute(held.update().where(held.c.id == made.id).values(state=APPLIED))


def _target(tenant: Tenant, db: Db, row: Mapping[str, Any]) -> Model:
    body = row["body"]
    try:
        bodies = releases.texts(db, (body["model_index"], body["storage"], row["layers"]))
    except KeyError as error:  # forgotten together with an older plan of the same content
        raise NotFound(UNKNOWN(id=row["id"])) from error
    index = orjson.loads(bodies[body["model_index"]])
    source = releases.PartSource(tenant, index)
    return Model(row["fingerprint"], index, source.load, storage_map.load(orjson.loads(bodies[body["storage"]])))


def _move(ws: Workspace, target: Model) -> ddl.Move:
    return ddl.Move(
        ws.model, target, ws.model.storage, ws.db.dialect, ws.tenant.server.trigram, where_sql(ws.db.dialect)
    )


def _require_current(head: int, made: ChangePlan) -> None:
    if head != made.base:
        raise Conflict(MOVED_ON(base=made.base, head=head))


def _make_many_tables(tenant: Tenant, move: ddl.Move, made: ChangePlan) -> frozenset[str]:
    """Make the tables of a large description some at a time; ids of the entities that have theirs.

    Tables that no release knows disturb nobody: what an earlier attempt left behind is replaced.
    """
    fresh = ddl.new_tables(move, changed_entities(move.current, move.target))
    if len(fresh) <= MANY_TABLES:
        return frozenset()
    chunks = [fresh[start : start + MANY_TABLES] for start in range(0, len(fresh), MANY_TABLES)]
    for work in (ddl.drop_leftovers, ddl.create_tables, ddl.link_tables):
        for chunk in chunks:
            _in_turn(tenant, made, partial(_run_some, move, work, chunk))
    return frozenset(fresh)


T = TypeVar("T")


def _in_turn(tenant: Tenant, made: ChangePlan, work: Callable[[Db], T]) -> T:
    """Do something alone with the tenant, in one transaction, if it still stands where the plan begins."""
    state = table("_state", tenant.server.dialect)
    for attempt in range(ATTEMPTS):
        try:
            with tenant.server.own(tenant.place) as db:
                _require_current(db.execute(sa.select(state.c.head)).scalar_one(), made)
                return work(db)
        except LockTimeout:
            # Let everybody through who has queued behind us.
            time.sleep(PAUSE * (1 + attempt % 4))
    raise Conflict(BUSY())


def _carry_out(
    host: Host,
    tenant: Tenant,
    db: Db,
    move: ddl.Move,
    row: Mapping[str, Any],
    made: ChangePlan,
    actor: Actor,
    there: frozenset[str],
) -> list[ddl.IndexDef]:
    """Tables, release, head and event; gives the indexes that must wait because their table is big."""
    ids = [each for each in changed_entities(move.current, move.target) if each not in there]
    waiting = _run(db, ddl.steps(move, ids))
    now, number = host.now(), made.base + 1
    db.execute(table("_release", db.dialect).insert().values(_release(db, row, number, actor, now)))
    state, held = table("_state", db.dialect), table("_plan", db.dialect)
    db.execute(state.update().values(head=number, access_epoch=state.c.access_epoch + 1))
    db.execute(held.update().where(held.c.id == made.id).values(state=COMMITTED))
    ws = Workspace(host, tenant, move.target, number, actor, db, now, True)
    events.append(ws, "release.applied", "_release", None, {"head": [made.base, number]})
    return waiting


def _release(db: Db, row: Mapping[str, Any], number: int, actor: Actor, now: dt.datetime) -> dict[str, Any]:
    body = row["body"]
    counts: dict[str, int] = {}
    for change in body["changes"]:
        counts[change["kind"]] = counts.get(change["kind"], 0) + 1
    return {
        "number": number,
        "fingerprint": row["fingerprint"],
        "parent": number - 1 or None,
        "created_at": _moment(db, now),
        "actor": actor.user,
        "actor_name": actor.name,
        "plan": row["id"],
        "summary": _json(db, {"risk": body["risk"], "changes": counts}),
        "packages": _json(db, body["packages"]),
        "grammar": GRAMMAR,
        "layers": row["layers"],
        "model_index": body["model_index"],
        "storage": body["storage"],
    }


def _run(db: Db, steps: Iterable[ddl.Step]) -> list[ddl.IndexDef]:
    """Change the tables; gives the indexes that must wait."""
    operations: Any = _Operations(db)
    waiting: list[ddl.IndexDef] = []
    for step in steps:
        if step.index is not None and not step.fresh and indexes.must_wait(db, step.index):
            waiting.append(step.index)
            continue
        try:
            step.run(operations)
        except Exception as error:
            found = translate(error, db.raw)
            if isinstance(found, UniqueViolation) and step.index is not None:
                raise Invalid(DUPLICATES(index=step.index.name)) from error
            if found is error:
                raise
            raise found from error
    return waiting


class _Operations:
    """Alembic's operations, without it as long as plain statements do: it takes a quarter of a second to import.

    That is most of what one more field costs, and it would pass while everybody waits.
    """

    def __init__(self, db: Db) -> None:
        self._db = db

    def execute(self, statement: Any) -> None:
        self._db.execute(sa.text(statement) if isinstance(statement, str) else statement)

    def get_bind(self) -> Any:
        return self._db.sa

    def __getattr__(self, name: str) -> Any:
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        return getattr(Operations(MigrationContext.configure(self._db.sa)), name)


def _run_some(
    move: ddl.Move, work: Callable[[ddl.Move, Iterable[str]], Iterable[ddl.Step]], ids: list[str], db: Db
) -> None:
    _run(db, work(move, ids))


def _moment(db: Db, value: dt.datetime) -> Any:
    return value if db.dialect == "postgresql" else datetime_text(value)


def _json(db: Db, value: Any) -> Any:
    return value if db.dialect == "postgresql" else orjson.dumps(value).decode()
