"""One row of a list, written anew after a cell of it was edited."""

from __future__ import annotations

from flask import Response, make_response, render_template

from blueprints import context
from blueprints.app.lists import columns as columns_
from blueprints.app.lists import rows
from blueprints.app.lists.asked import asked
from blueprints.app.shell import entity_of, text_context
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from runtime import queries
from runtime.workspace import Workspace


def list_row(entity: str, id: str) -> Response:
    """The row of a record in the columns of the list that the address asks for."""
    return context.perform(lambda ws: _row(ws, entity, id))


def _row(ws: Workspace, entity: str, id: str) -> Response:
    given = asked(ws, entity_of(ws, entity))
    words = Words(context.language())
    shown = columns_.chosen(ws, given.entity, given.look.columns)
    table = columns_.table(ws, given, shown, words)
    record = queries.get(ws, given.entity.key, id, tuple(dict.fromkeys(each.asked for each in shown)))
    writer = rows.Writer(ws, given.entity, shown, table.heads, text_context(ws), words)
    return make_response(render_template("list_rows.html", rows=writer.rows([record]), more=None))


ROUTES = (Route("/app/-/list/<entity>/row/<id>", "GET", list_row, PAGE),)
