"""Every kind of job and the function that does it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from runtime.jobs.work import Kind

KINDS: dict[str, Kind] = {
    "import": Kind("runtime.transfer.importing:step", channel="import", longest=3600.0),
    "export": Kind("runtime.transfer.export_jobs:step", outside=True, longest=3600.0),
    "bulk_edit": Kind("runtime.transfer.bulk_edit:step"),
    "bulk_delete": Kind("runtime.transfer.bulk_delete:step"),
    "recompute": Kind("runtime.records.computing.later:step"),
    "tidy": Kind("runtime.jobs.tidy:step"),
    "workflow": Kind(
        "runtime.processes.running:step", channel="workflow", given_up="runtime.processes.running:given_up"
    ),
    "workflow_plan": Kind("runtime.processes.timing.planning:step"),
    "workflow_date": Kind("runtime.processes.timing.dates:step", channel="workflow"),
    "workflow_schedule": Kind("runtime.processes.timing.schedules:step", channel="workflow"),
    "delivery": Kind("runtime.deliveries.waking:step", outside=True),
    "webhooks": Kind("runtime.hooks.following:step"),
    "pool_recycle": Kind("runtime.recycling.daily:step", outside=True),
    "reminder": Kind("runtime.reminders.firing:step"),
    "notice_mail": Kind("runtime.notifications.mailing:step"),
    "approval": Kind("runtime.approvals.driving.timing:step"),
    "approval_removed": Kind("runtime.approvals.driving.removing:step"),
    "approval_leaver": Kind("runtime.approvals.driving.timing:leave"),
    "sla_timer": Kind("runtime.sla.timing:step"),
    "sla_alert": Kind("runtime.sla.alerting:step", channel="workflow"),
    "sla_recount": Kind("runtime.sla.recounting:step"),
    "simulation": Kind("runtime.simulating.job:step", outside=True, longest=7200.0),
    "analyze": Kind("runtime.transfer.analyzing:step", outside=True),
}
"""Named by text, so that queueing a job imports nothing of what does it."""


@cache
def handler(name: str) -> Any:
    """The function behind `module:function`."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)
