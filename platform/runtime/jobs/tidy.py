"""Once an hour each tenant is tidied: uploads that nobody named, answers kept too long, jobs and plans long over."""

from __future__ import annotations

import datetime as dt

from runtime import files, forgetting, idempotency
from runtime.deliveries import table as outbox
from runtime.deliveries.chain import tell
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import rows, table
from runtime.jobs.work import Done, Outcome, Step
from runtime.processes.timing import planning
from runtime.processes.timing.dates import AHEAD
from runtime.workspace import PlatformActor, Workspace, open_workspace

KEPT = dt.timedelta(days=30)
"""How long a job that is over can be looked at."""
_UNSENT_KEPT = dt.timedelta(days=90)


def queue(host: Host, tenant: Tenant) -> None:
    """Queue this hour's tidying, however many processes want it."""
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
        table.enqueue(ws, "tidy", {}, key=f"tidy:{ws.now:%Y-%m-%dT%H}")


def step(step: Step) -> Outcome:
    ws = step.ws
    old = table.over_before(ws, ws.now - KEPT)
    rows.forget(ws, old)
    table.forget(ws, old)
    found = {
        "uploads": files.collect(ws),
        "bytes": files.sweep(ws),
        "answers": idempotency.forget(ws),
        "jobs": len(old),
        "deliveries": _deliveries(ws),
        "runs": planning.forget(ws),
        **look_ahead(ws),
        "plans": forgetting.forget_plans(ws),
    }
    return Done(found)


def look_ahead(ws: Workspace, ahead: dt.timedelta = AHEAD) -> dict[str, int]:
    """Have what falls due soon made into jobs; how many of each."""
    return {"dates": planning.plan(ws, ahead), "pools": _pools(ws), "reminders": _reminders(ws, ahead)}


def _reminders(ws: Workspace, ahead: dt.timedelta) -> int:
    """Have what reminds people soon make itself heard; how many reminders are new."""
    from runtime import reminders  # they know records, whose jobs this tidies

    return reminders.plan(ws, ahead)


def _pools(ws: Workspace) -> int:
    """Have every pool that takes records back looked at next midnight; how many there are."""
    if not ws.model.index.get("pools"):
        return 0
    from runtime.recycling import daily  # it knows records, whose jobs this tidies

    return daily.plan(ws)


def _deliveries(ws: Workspace) -> int:
    """Give up what could not be sent for days, and take away what was over long ago; how many of the latter."""
    if ws.system_version < outbox.SINCE:
        return 0
    from runtime.approvals.keeping import links  # they know records, whose jobs this tidies
    from runtime.hooks import receiving

    for each in outbox.expire(ws):
        tell(ws, each)
    receiving.forget(ws, ws.now - KEPT)
    links.forget(ws)
    return outbox.forget(ws, ws.now - KEPT, ws.now - _UNSENT_KEPT)
