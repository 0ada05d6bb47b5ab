"""The REST interface `/api/v1`."""

from __future__ import annotations

from flask import Flask

from blueprints.api import (
    approvals,
    assignments,
    bulk,
    deliveries,
    events,
    explaining,
    files,
    jobs,
    meta,
    openapi,
    pools,
    processes,
    records,
    secrets,
    shares,
    transfers,
)
from blueprints.policies import API, API_FILES, Route
from blueprints.policies import mount as mount_routes

RESERVED = frozenset({"approvals", "deliveries", "events", "files", "jobs", "meta", "openapi", "tasks"})
"""Addresses that no entity may be called by."""

ROUTES = (
    Route("/openapi.json", "GET", openapi.openapi, API),
    Route("/meta", "GET", meta.meta, API),
    Route("/meta/<entity>", "GET", meta.meta_entity, API),
    Route("/events", "GET", events.events, API),
    Route("/files", "POST", files.upload, API_FILES),
    Route("/files/<id>", "GET", files.download, API),
    Route("/jobs", "GET", jobs.jobs, API),
    Route("/jobs/<id>", "GET", jobs.job, API),
    Route("/jobs/<id>/cancel", "POST", jobs.cancel, API),
    Route("/jobs/<id>/retry", "POST", jobs.retry, API),
    Route("/jobs/<id>/rows", "GET", transfers.rows, API),
    Route("/jobs/<id>/file", "GET", transfers.file, API),
    Route("/approvals", "GET", approvals.approval_boxes, API),
    Route("/approvals/bulk", "POST", approvals.approval_bulk, API),
    Route("/approvals/<id>", "GET", approvals.approval, API),
    Route("/approvals/<id>/<verb>", "POST", approvals.approval_act, API),
    Route("/deliveries", "GET", deliveries.deliveries, API),
    Route("/deliveries/replay", "POST", deliveries.replay_target, API),
    Route("/deliveries/<id>", "GET", deliveries.delivery, API),
    Route("/deliveries/<id>/replay", "POST", deliveries.replay_delivery, API),
    Route("/-/runs", "GET", processes.all_runs, API),
    Route("/-/runs/<run>/cancel", "POST", processes.cancel_run, API),
    Route("/-/runs/<run>/retry", "POST", processes.retry_run, API),
    Route("/-/workflows", "GET", processes.workflows, API),
    Route("/-/workflows/<name>/off", "POST", processes.switch_off, API),
    Route("/-/workflows/<name>/on", "POST", processes.switch_on, API),
    Route("/<entity>", "GET", records.find, API),
    Route("/<entity>", "POST", records.create, API),
    Route("/<entity>/bulk", "POST", bulk.bulk, API),
    Route("/<entity>/merge", "POST", records.merge, API),
    Route("/<entity>/pool", "POST", pools.pool, API),
    Route("/<entity>/pool/recycle", "GET", pools.recycle, API),
    Route("/<entity>/aggregate", "GET", records.aggregate, API),
    Route("/<entity>/import", "POST", transfers.import_, API_FILES),
    Route("/<entity>/export", "POST", transfers.export, API),
    Route("/<entity>/<id>", "GET", records.get, API),
    Route("/<entity>/<id>", "PATCH", records.update, API),
    Route("/<entity>/<id>", "DELETE", records.delete, API),
    Route("/<entity>/<id>/restore", "POST", records.restore, API),
    Route("/<entity>/<id>/reveal", "POST", secrets.reveal, API),
    Route("/<entity>/<id>/history", "GET", records.history, API),
    Route("/<entity>/<id>/actions", "GET", processes.actions, API),
    Route("/<entity>/<id>/actions/<name>", "POST", processes.act, API),
    Route("/<entity>/<id>/runs", "GET", processes.runs, API),
    Route("/<entity>/<id>/runs/<run>", "GET", processes.run, API),
    Route("/<entity>/<id>/why/<workflow>", "GET", processes.why, API),
    Route("/<entity>/<id>/explain", "GET", explaining.explain, API),
    Route("/<entity>/<id>/assignments", "GET", assignments.assignments, API),
    Route("/<entity>/<id>/shares", "GET", shares.shares, API),
    Route("/<entity>/<id>/shares", "POST", shares.share, API),
    Route("/<entity>/<id>/shares/<share>", "DELETE", shares.end, API),
    Route("/<entity>/<id>/approval", "GET", approvals.record_approval, API),
    Route("/<entity>/<id>/approval", "POST", approvals.submit_approval, API),
    Route("/<entity>/<id>/approval/preview", "GET", approvals.preview_approval, API),
    Route("/<entity>/<id>/related/<key>", "GET", records.related, API),
)


def mount(app: Flask) -> None:
    mount_routes(app, "api", "/api/v1", ROUTES)
