"""A list as a file: the rows that its address asks for, in the columns that are shown, written by a job."""

from __future__ import annotations

from typing import Literal

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.answers import json_answer
from blueprints.app import cells
from blueprints.app.lists import columns as columns_
from blueprints.app.lists.asked import asked
from blueprints.app.shell import entity_of
from blueprints.policies import PAGE, Route
from runtime.queries import Query
from runtime.transfer import export_jobs
from runtime.transfer.exporting import Sheet
from runtime.workspace import Workspace


def list_export(entity: str) -> Response:
    """Begin to write the file (`kind`: csv, xlsx; `ids`: these records only): to the job's page, or its id as JSON."""
    kind: Literal["csv", "xlsx"] = "xlsx" if request.form.get("kind") == "xlsx" else "csv"
    ids = tuple(each for each in request.form.get("ids", "").split(",") if cells.is_id(each))

    def command(ws: Workspace) -> str:
        given = asked(ws, entity_of(ws, entity))
        fields = [each.path for each in columns_.chosen(ws, given.entity, given.look.columns)]
        query = given.query(fields)
        if ids:
            query = Query(query.entity, sort=query.sort, fields=query.fields, ids=ids)
        return export_jobs.queue(ws, query, Sheet(kind, "label"))

    job = context.perform(command, write=True)
    if request.headers.get("X-Fragment"):
        return json_answer({"job": job, "watch": url_for("api.job", id=job), "file": url_for("api.file", id=job)}, 202)
    return make_response(redirect(url_for("app.job", id=job), 303))


ROUTES = (Route("/app/-/export/<entity>", "POST", list_export, PAGE),)
