"""The console as an application: its views, who may see them, and how errors are told. Loaded when first needed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask_admin import Admin, AdminIndexView

from blueprints import assets, context, errors, limits, security
from blueprints.console import views
from blueprints.console.door import PREFIX
from blueprints.policies import OPEN, Doors, Policy, Route, mount, require_policies
from blueprints.public.routes import asset
from blueprints.texts import Words
from blueprints.texts import install as install_texts
from metadata.problems import NotFound, TooMany, Unauthenticated
from runtime import operators
from runtime.host import Host

OPERATOR = Policy("operator", tokens=False, page=True, body=64 * 1024)
_USED = frozenset({"index", "index_view", "act_view"})
"""What of Flask-Admin's addresses is served."""
STRANGER = Policy("operator's door", identity=False, page=True, body=64 * 1024)


def create_console(host: Host) -> Flask:
    """The console's application. Raises RuntimeError when a route has no declared policy."""
    app = Flask("blueprints", static_folder=None)
    app.url_map.strict_slashes = False
    doors = app.extensions["metaloom"] = Doors(host)
    limits.install(app)
    errors.install(app)
    security.install(app)
    install_texts(app)
    assets.install(app)
    mount(app, "public", "", (Route("/assets/<name>", "GET", asset, OPEN),))
    mount(app, "console", PREFIX, ROUTES)
    index = Home(url=PREFIX, name="tenants")
    admin = Admin(app, name="Metaloom", index_view=index)
    shown = [views.Tenants(host), views.Releases(host), views.Jobs(host), views.Sessions(host), views.Events(host)]
    for view in shown:
        admin.add_view(view)
    # Every address of Flask-Admin is one operator's business, whether it does anything here or not.
    names = {index.endpoint, *(each.endpoint for each in shown)}
    theirs = [each for each in app.view_functions if each.partition(".")[0] in names]
    doors.policies.update(dict.fromkeys(theirs, OPERATOR))
    # It brings editing, exporting and lookups along, which are not for these lists: as if they were not there.
    app.view_functions.update({each: _nothing for each in theirs if each.partition(".")[2] not in _USED})
    app.before_request(_admit)
    require_policies(app)
    return app


def _nothing(**_: object) -> Response:
    raise NotFound(limits.UNKNOWN_ADDRESS())


class Home(AdminIndexView):  # type: ignore[misc]
    """`/admin` itself leads to the first list."""

    def render(self, template: str, **kwargs: object) -> Response:
        return make_response(redirect(url_for("tenants.index_view"), 303))


def _cookie() -> str:
    return "__Host-ml_operator" if request.is_secure else "ml_operator"


def _admit() -> Response | None:
    """Let operators in and lead others to the door; a write must come from a page of ours."""
    rule = context.policy()
    if rule is None or not rule.identity:
        return None
    try:
        g.visit = operators.visit(context.host(), request.cookies.get(_cookie(), ""))
    except Unauthenticated as error:
        if request.method not in context.SAFE_METHODS:
            return errors.answer(error.status, error.problems)
        return make_response(redirect(url_for("console.sign_in", next=request.path), 303))
    if request.method not in context.SAFE_METHODS:
        security.require_own_origin(request)
        security.require_token(security.sent_token(request), g.visit.csrf)
    return None


def sign_in() -> Response:
    return _gate()


def sign_in_post() -> Response:
    """Try a name and a password."""
    security.require_own_origin(request)
    login = request.form.get("login", "")
    try:
        visit = operators.sign_in(
            context.host(),
            login,
            request.form.get("password", ""),
            address=request.remote_addr or "",
            agent=request.user_agent.string,
        )
    except (Unauthenticated, TooMany) as error:
        response = _gate(login, [each.message(context.language()) for each in error.problems], error.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    asked = request.form.get("next", "")
    target = asked if asked.startswith(f"{PREFIX}/") and asked.isprintable() and "\\" not in asked else PREFIX
    response = make_response(redirect(request.script_root + target, 303))
    response.set_cookie(
        _cookie(),
        visit.secret,
        expires=visit.expires_at,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def sign_out() -> Response:
    operators.sign_out(context.host(), request.cookies.get(_cookie(), ""))
    response = make_response(redirect(url_for("console.sign_in"), 303))
    response.delete_cookie(_cookie(), path="/", secure=request.is_secure, httponly=True, samesite="Strict")
    return response


def _gate(login: str = "", messages: list[str] | None = None, status: int = 200) -> Response:
    words = Words(context.language())
    given: Mapping[str, object] = {"login": login, "messages": messages or [], "next": request.values.get("next", "")}
    return make_response(render_template("console/sign_in.html", heading=words("console_title"), **given), status)


ROUTES = (
    Route("/sign-in", "GET", sign_in, STRANGER),
    Route("/sign-in", "POST", sign_in_post, STRANGER),
    Route("/sign-out", "POST", sign_out, OPERATOR),
)
