"""Sending what is due for one target, one after another, for a few seconds at most: then others have a turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runtime.deliveries import secrets, table
from runtime.deliveries.delivery import Delivery, Held, Sent
from runtime.deliveries.sending import send
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table as jobs
from runtime.settings import Settings
from runtime.workspace import PlatformActor, Workspace, open_workspace

SLICE = 5.0
Sending = Callable[[Settings, str, str, Held], Sent]
"""(settings, id and label of the tenant, what is to be sent) -> how it ended."""


def serve(host: Host, tenant: Tenant, target: str, seconds: float = SLICE, send: Sending = send) -> int:
    """Send what is due for a target; how many tries there were. Any number of processes may do so at a time.

    `send`: what does it; where nothing may go out, something that only writes it down.
    """
    until, tries = time.monotonic() + seconds, 0
    with _writing(host, tenant) as ws:
        held = _take(ws, target)
    while held is not None:
        sent = send(host.settings, tenant.id, tenant.label, held)
        tries += 1
        held = _noted(host, tenant, held.delivery, sent, time.monotonic() < until)
    return tries


def _noted(host: Host, tenant: Tenant, delivery: Delivery, sent: Sent, more: bool) -> Held | None:
    """Write down how a try ended, and take the next one in the same transaction."""
    with _writing(host, tenant) as ws:
        over = table.note(ws, delivery, sent)
        if over is not None:
            tell(ws, over)
        if more:
            return _take(ws, delivery.target)
        if table.is_due(ws, delivery.target):
            jobs.enqueue(ws, "delivery", {"target": delivery.target})
        return None


def _take(ws: Workspace, target: str) -> Held | None:
    held = table.take(ws, target)
    if held is None or held.delivery.channel != "http" or not held.payload:
        return held
    return replace(held, secret=secrets.of(ws, held.delivery.origin, held.payload["secret"]))


def tell(ws: Workspace, over: Delivery) -> None:
    """Have the run that waits for a delivery told how it ended, by a job: what is told here must be kept."""
    from runtime.processes.messages import dumped  # runs know deliveries; this is the one word back
    from workflow.engine import Answered

    if over.then is not None:
        told = Answered(over.then["visit"], over.state == "done", {"status": over.status, "error": over.error})
        payload = {"instance": over.then["instance"], "happening": dumped(told)}
        jobs.enqueue(ws, "workflow", payload, f"answered:{over.id}:{over.attempt}")


def _writing(host: Host, tenant: Tenant) -> Any:
    return open_workspace(host, tenant, PlatformActor(), write=True, channel="job")
