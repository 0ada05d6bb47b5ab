"""Brings the platform's own tables of every tenant up to the version of this build, while they are served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from metadata.problems import Unavailable, kind
from runtime.database.db import Db
from runtime.database.errors import LockTimeout
from runtime.dialects import adding_column
from runtime.system.schema import Add, AddIndex, Create, Step
from runtime.system.tables import STEPS, column, index, table

if TYPE_CHECKING:
    from runtime.directory import Tenant
    from runtime.host import Host

TOO_OLD = kind(
    "tenant.not_upgraded",
    en="This tenant's own tables are of version {found}; this program needs {needed}. Run `metaloom upgrade`.",
    zh="该租户的系统表版本为 {found}，本程序需要 {needed}。请运行 `metaloom upgrade`。",
)
TOO_NEW = kind(
    "tenant.newer_than_program",
    en="This tenant's own tables are of version {found}, newer than this program ({needed}). Use the newer program.",
    zh="该租户的系统表版本为 {found}，比本程序（{needed}）更新。请使用较新的程序。",
)

ATTEMPTS = 20
PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What became of one tenant."""

    tenant: str
    before: int
    after: int
    verdict: Literal["upgraded", "current", "busy"]


def require_served(version: int) -> None:
    """A build serves its own version, the one before, and the one after (which has only added)."""
    newest = STEPS[-1].number
    if version < newest - 1:
        raise Unavailable(TOO_OLD(found=version, needed=newest))
    if version > newest + 1:
        raise Unavailable(TOO_NEW(found=version, needed=newest))


def create(db: Db, steps: Sequence[Step] = STEPS) -> None:
    """All system tables in an empty place, and the row that says so."""
    for step in steps:
        _carry_out(db, step)
    state = table("_state", db.dialect)
    db.execute(state.insert().values(id=1, head=0, access_epoch=1, system_version=steps[-1].number, restore_epoch=0))


def upgrade(tenant: Tenant, steps: Sequence[Step] = STEPS) -> Upgraded:
    """Bring one tenant up to date, one transaction per step: what is done stays done. Raises LockTimeout."""
    state = table("_state", tenant.server.dialect)
    before = after = -1
    while True:
        with tenant.server.own(tenant.place) as db:
            found = db.execute(sa.select(state.c.system_version)).scalar_one()
            before = found if before < 0 else before
            step = next((each for each in steps if each.number > found), None)
            if step is not None:
                _carry_out(db, step)
                db.execute(state.update().values(system_version=step.number))
        after = found
        if step is None:
            return Upgraded(tenant.name, before, after, "upgraded" if after > before else "current")


def upgrade_all(
    host: Host, progress: Callable[[Upgraded], None] = lambda _: None, steps: Sequence[Step] = STEPS
) -> list[Upgraded]:
    """Every tenant, one first: when that canary fails, no other is touched. Running it again goes on where it ended."""
    from runtime import directory

    host.server.prepare()
    verdicts = []
    for place, tenant in enumerate(directory.all(host)):
        verdict = _patiently(tenant, steps)
        if verdict is None:
            verdict = Upgraded(tenant.name, -1, -1, "busy")
        verdicts.append(verdict)
        progress(verdict)
        if place == 0 and verdict.verdict == "busy":
            break
    return verdicts


def _patiently(tenant: Tenant, steps: Sequence[Step]) -> Upgraded | None:
    for _ in range(ATTEMPTS):
        try:
            return upgrade(tenant, steps)
        except LockTimeout:
            # Whoever reads or writes for long comes first; everybody queued behind us is let through.
            time.sleep(PAUSE)
    return None


def _carry_out(db: Db, step: Step) -> None:
    for statement in _statements(step, db.dialect):
        db.execute(statement)


def _statements(step: Step, dialect: str) -> Iterator[sa.Executable]:
    for operation in step.operations:
        match operation:
            case Create(name, columns, indexes):
                made = sa.Table(name, sa.MetaData(), *(column(each, dialect) for each in columns))
                yield CreateTable(made)
                for each in indexes:
                    yield CreateIndex(index(made, each))
            case Add(name, column_):
                yield sa.text(adding_column(name, column(column_, dialect), dialect))
            case AddIndex(name, index_):
                made = sa.Table(name, sa.MetaData(), *(sa.Column(each) for each in index_.columns))
                yield CreateIndex(index(made, index_))
