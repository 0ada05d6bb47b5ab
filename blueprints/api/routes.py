"""The REST interface `/api/v1`."""

from __future__ import annotations

from flask import Flask

from blueprints.api import bulk, events, files, jobs, meta, openapi, records, secrets, transfers
from blueprints.policies import API, API_FILES, Route
from blueprints.policies import mount as mount_routes

RESERVED = frozenset({"approvals", "events", "files", "jobs", "meta", "openapi", "tasks"})
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
    Route("/<entity>", "GET", records.find, API),
    Route("/<entity>", "POST", records.create, API),
    Route("/<entity>/bulk", "POST", bulk.bulk, API),
    Route("/<entity>/merge", "POST", records.merge, API),
    Route("/<entity>/aggregate", "GET", records.aggregate, API),
    Route("/<entity>/import", "POST", transfers.import_, API_FILES),
    Route("/<entity>/export", "POST", transfers.export, API),
    Route("/<entity>/<id>", "GET", records.get, API),
    Route("/<entity>/<id>", "PATCH", records.update, API),
    Route("/<entity>/<id>", "DELETE", records.delete, API),
    Route("/<entity>/<id>/restore", "POST", records.restore, API),
    Route("/<entity>/<id>/reveal", "POST", secrets.reveal, API),
    Route("/<entity>/<id>/history", "GET", records.history, API),
    Route("/<entity>/<id>/related/<key>", "GET", records.related, API),
)


def mount(app: Flask) -> None:
    mount_routes(app, "api", "/api/v1", ROUTES)
