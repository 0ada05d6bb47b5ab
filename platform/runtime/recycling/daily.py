"""Once a day, at midnight of the tenant's zone, each pool takes back what is due and tells owners of what soon will be.

Every record has a transaction of its own, so one that cannot go does not keep the others.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from typing import Any

from metadata.pools import Pool
from metadata.problems import PlatformError, TooMany, Unavailable, say
from runtime import notifications, pools
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.jobs.work import Done, Job, More, Outcome
from runtime.recycling import reminders
from runtime.recycling.due import Due, Page, midnight, scan, today_of
from runtime.workspace import PlatformActor, Workspace, open_workspace

JOB = "pool_recycle"
log = logging.getLogger(__name__)

_SUBJECT = {"en": "{entity} goes back to {pool} on {day}", "zh": "{entity}将于 {day} 退回{pool}"}


def plan(ws: Workspace) -> int:
    """See to it that every pool that takes records back is looked at next midnight; how many there are."""
    if ws.system_version < reminders.SINCE:
        return 0
    found = [each for each in ws.model.all("pools") if each.recycle]
    day = today_of(ws) + dt.timedelta(days=1)
    for pool in found:
        jobs.enqueue(ws, JOB, {"pool": pool.id}, f"recycle:{pool.id}:{day.isoformat()}", midnight(ws, day))
    return len(found)


def step(host: Host, tenant: Tenant, job: Job) -> Outcome:
    """A page of the records of one rule. May be done again: what has gone is not due any more."""
    at = int(job.progress.get("rule", 0))
    counts = Counter({name: int(job.progress.get(name, 0)) for name in ("recycled", "reminded", "failed")})
    with open_workspace(host, tenant, PlatformActor(), write=not job.progress, channel="job") as ws:
        pool: Pool | None = ws.model.get("pools", job.payload["pool"])
        if not job.progress:
            plan(ws)
        if pool is None or at >= len(pool.recycle):
            return Done(dict(counts))
        today = today_of(ws)
        until = today + dt.timedelta(days=pool.remind_before_days or 0)
        page = scan(ws, pool, pool.recycle[at], until, after=job.progress.get("after"))
    for each in page.due:
        counts[_see_to(host, tenant, pool, each, today)] += 1
    del counts["nothing"]
    return More({**counts, **_next(page, at)})


def _next(page: Page, at: int) -> dict[str, Any]:
    return {"rule": at + 1} if page.next is None else {"rule": at, "after": page.next}


def _see_to(host: Host, tenant: Tenant, pool: Pool, due: Due, today: dt.date) -> str:
    """Take one record back, or tell its owner; what was done."""
    try:
        with open_workspace(host, tenant, PlatformActor(), write=True, channel="job") as ws:
            if due.on <= today:
                return "recycled" if take_back(ws, pool, due) else "nothing"
            return "reminded" if _remind(ws, pool, due) else "nothing"
    except (TooMany, Unavailable):
        raise
    except PlatformError as refused:
        log.info("record %s stays: %s", due.record, "; ".join(each.message("en") for each in refused.problems))
    except Exception:
        # The edge of this record's own work: the others go on.
        log.exception("record %s could not be taken back", due.record)
    return "failed"


def take_back(ws: Workspace, pool: Pool, due: Due) -> bool:
    """Take a record from its owner if it is still due, now that nobody else changes it. Raises Invalid, Conflict."""

    def still() -> bool:
        found = scan(ws, pool, due.rule, today_of(ws), ids=(due.record,)).due
        return any(each.record == due.record for each in found)

    return pools.take_back(ws, pool.entity, due.record, say(due.rule.label, _language(ws)), still)


def _language(ws: Workspace) -> str:
    return str(ws.model.settings.get("language", "en"))


def _remind(ws: Workspace, pool: Pool, due: Due) -> bool:
    """Tell the owner, once for each time that he lets a record lie."""
    entity = ws.model.entity(pool.entity)
    if entity is None or not reminders.first(ws, pool.id, due.rule.id, due.record, due.owner, due.since):
        return False
    words = {"entity": entity.label, "pool": pool.label}
    subject = {
        lang: text.format(day=due.on.isoformat(), **{name: say(each, lang) for name, each in words.items()})
        for lang, text in _SUBJECT.items()
    }
    notifications.tell_message(ws, due.owner, subject, {}, entity.id, due.record)
    return True
