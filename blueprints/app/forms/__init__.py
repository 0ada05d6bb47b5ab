"""Creating and editing in a form: every problem beside its field, nothing typed is lost, a conflict shows both."""

from __future__ import annotations

from blueprints.app.forms.opening import edit, new
from blueprints.app.forms.rules import ROUTES as RULES
from blueprints.app.forms.saving import create_post, edit_post
from blueprints.app.forms.single import ROUTES as SINGLE
from blueprints.policies import PAGE, PAGE_FILES, Route

ROUTES = (
    Route("/app/<entity>/new", "GET", new, PAGE),
    Route("/app/<entity>/new", "POST", create_post, PAGE_FILES),
    Route("/app/<entity>/<id>/edit", "GET", edit, PAGE),
    Route("/app/<entity>/<id>/edit", "POST", edit_post, PAGE_FILES),
    *SINGLE,
    *RULES,
)
