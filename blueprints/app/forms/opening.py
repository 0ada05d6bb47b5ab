"""Opening a form: on a page of its own, or alone for a drawer."""

from __future__ import annotations

from flask import Response

from blueprints import context, visibility
from blueprints.app.forms.beginning import form_of
from blueprints.app.forms.saving import is_drawer, is_quick
from blueprints.app.forms.showing import Shown, show_form
from blueprints.app.shell import entity_of
from metadata.model import Entity
from metadata.problems import Forbidden
from runtime.records.policies import may_not
from runtime.workspace import Workspace


def new(entity: str) -> Response:
    """An empty form; `?account=<id>` fills in the record that it was opened from. `?drawer=1`: the form alone,
    `?quick=1`: the few fields that a record needs."""
    return context.perform(lambda ws: _open(ws, entity_of(ws, entity), None))


def edit(entity: str, id: str) -> Response:
    """The form with the record's values."""
    return context.perform(lambda ws: _open(ws, entity_of(ws, entity), id))


def _open(ws: Workspace, entity: Entity, id: str | None) -> Response:
    action = "create" if id is None else "update"
    if not visibility.may(ws, entity, action):
        raise Forbidden(may_not(entity, action))
    return show_form(Shown(form_of(ws, entity), id, is_quick(), is_drawer()))
