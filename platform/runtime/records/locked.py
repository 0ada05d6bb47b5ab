"""Rows that are about to change: read under a lock, with the answer whether the actor may do it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.access import platform_actor
from runtime import sealing
from runtime.queries.build import Build, Source, Statement, actor_shape, inputs_of
from runtime.queries.cache import kept
from runtime.queries.rules import row_rule
from runtime.records.plans import WritePlan
from runtime.records.targets import among, id_list
from runtime.tables import DELETED_AT
from runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Held:
    """A row as it is now. Nobody else changes it until this transaction ends."""

    values: dict[str, Any]
    allowed: bool
    """The actor may do what he wants to (he sees it in any case)."""


def lock(
    ws: Workspace,
    plan: WritePlan,
    ids: Collection[str],
    action: str,
    *,
    by: str = "id",
    deleting: bool = False,
    everything: bool = False,
) -> dict[str, Held]:
    """The living rows among these ids that the actor sees, by id. `by` names a link instead: the rows that have it.

    `deleting` also keeps others from linking to the rows meanwhile. `everything`: also what the actor does not see,
    for what follows from his doing by itself.
    """
    dialect = ws.db.dialect
    actor = platform_actor() if everything else ws.actor
    key = ("lock", plan.entity.id, action, by, deleting, dialect, actor_shape(actor))
    statement = kept(ws.model).get(key, lambda: _statement(Build(ws.model, actor, dialect), plan, action, by, deleting))
    inputs = inputs_of(ws)
    inputs.q = {"wanted": id_list(dialect, ids)}
    found = {}
    for row in statement.fetch(ws, inputs):
        values = sealing.values(ws, plan, row)
        found[values["id"]] = Held(values, bool(row[-1]))
    return found


def _statement(build: Build, plan: WritePlan, action: str, by: str, deleting: bool) -> Statement:
    table = plan.table.table
    source = Source(plan.entity, plan.table, table)
    allowed = row_rule(build, source, action)
    visible = row_rule(build, source, "read")
    chosen: Any = sa.select(*plan.selected, sa.true() if allowed is None else sa.func.coalesce(allowed, sa.false()))
    chosen = chosen.where(among(plan.table.column(by), "wanted", build.dialect), table.c[DELETED_AT].is_(None))
    if visible is not None:
        chosen = chosen.where(visible)
    # Always in the order of ids, so that two writers of the same rows wait for each other instead of dying.
    chosen = chosen.order_by(plan.table.column("id"))
    if build.dialect == "postgresql":
        chosen = chosen.with_for_update(of=table, key_share=not deleting)
    return build.finish(chosen)
