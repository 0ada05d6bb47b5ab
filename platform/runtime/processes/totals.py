"""How many runs there are of each workflow in each state, for the page of who looks after them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from runtime.processes.instances import INSTANCE, SINCE
from runtime.processes.reading import require_manager
from runtime.workspace import Workspace


def totals(ws: Workspace, since: dt.datetime) -> Mapping[str, Mapping[str, int]]:
    """Id of a workflow -> state -> how many: of the runs that are not over, and those that ended after a moment.

    Raises Forbidden.
    """
    require_manager(ws)
    if ws.system_version < SINCE:
        return {}
    counted = sa.select(INSTANCE.c.workflow, INSTANCE.c.state, sa.func.count())
    # Two questions, each answered by an index of its own; their rows have nothing in common.
    open_ = counted.where(INSTANCE.c.finished_at.is_(None)).group_by(INSTANCE.c.workflow, INSTANCE.c.state)
    ended = counted.where(INSTANCE.c.finished_at >= since).group_by(INSTANCE.c.workflow, INSTANCE.c.state)
    found: dict[str, dict[str, int]] = {}
    rows: Any = ws.db.execute(sa.union_all(open_, ended))
    for workflow, state, count in rows:
        of = found.setdefault(workflow, {})
        of[state] = of.get(state, 0) + int(count)
    return found
