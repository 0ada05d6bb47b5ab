"""What a request stands in: its tenant, who calls, in which language, and its one workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from flask import current_app, g, request

from blueprints import security
from blueprints.policies import Doors, Policy
from blueprints.tenancy import PREFIX, Tenants
from metadata.problems import LANGUAGES, Unauthenticated, kind
from runtime import accounts
from runtime.database.errors import SerializationFailure
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import BySession, ByToken, Identify, Workspace, open_workspace

T = TypeVar("T")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ATTEMPTS = 3
LANGUAGE_COOKIE = "ml_language"
THEME_COOKIE = "ml_theme"
SIDEBAR_COOKIE = "ml_sidebar"
THEMES = ("system", "light", "dark")

SIGN_IN = kind(
    "sign_in_needed",
    en="You are not signed in, or no longer. Sign in, or send a token: Authorization: Bearer ml_...",
    zh="您尚未登录或登录已失效。请登录，或发送令牌：Authorization: Bearer ml_...",
)


def doors() -> Doors:
    return cast(Doors, current_app.extensions["metaloom"])


def host() -> Host:
    return doors().host


def policy() -> Policy | None:
    """The policy of the route that the request found, if it found one."""
    return doors().policies.get(request.endpoint or "")


def tenant() -> Tenant:
    """The tenant of this request. Raises NotFound."""
    if "tenant" not in g:
        known = current_app.extensions.setdefault("metaloom.tenants", Tenants(host()))
        g.tenant = known.of(request.host, request.environ.get(PREFIX))
    return cast(Tenant, g.tenant)


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host over TLS; on plain HTTP a browser would refuse it."""
    return f"__Host-ml_{tenant().name}" if request.is_secure else f"ml_{tenant().name}"


def identity() -> Identify:
    """Who calls, as far as the request says. Raises Unauthenticated when it says nothing that the route accepts."""
    rule = policy()
    header = request.headers.get("Authorization", "")
    if header and (rule is None or rule.tokens):
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.startswith(accounts.TOKEN_PREFIX):
            raise Unauthenticated(SIGN_IN())
        return ByToken(accounts.digest(secret.strip()))
    secret = request.cookies.get(cookie_name(), "")
    if not secret or header:
        raise Unauthenticated(SIGN_IN())
    return BySession(accounts.digest(secret))


@contextmanager
def workspace(*, write: bool = False, channel: str | None = None) -> Iterator[Workspace]:
    """The workspace of the caller, open until the block ends. A write by cookie must come from our own pages.

    `channel`: by which way the caller comes; None: a form or the REST interface, as the route says.
    """
    unsafe = request.method not in SAFE_METHODS
    if write and not unsafe:
        raise RuntimeError(f"{request.method} never writes")
    who = identity()
    by_cookie = isinstance(who, BySession)
    sent = ""
    if unsafe and by_cookie:
        security.require_own_origin(request)
        sent = security.sent_token(request)
    rule = policy()
    channel = channel or ("form" if rule is not None and rule.page else "api")
    with open_workspace(host(), tenant(), who, write=write, channel=channel) as ws:
        if unsafe and by_cookie:
            security.require_token(sent, ws.session.csrf if ws.session is not None else "")
        g.user_language = ws.actor.language
        yield ws


def perform(command: Callable[[Workspace], T], *, write: bool = False, channel: str | None = None) -> T:
    """Run a command in its own workspace; the whole of it again when the database chose it as a victim."""
    for attempt in range(_ATTEMPTS):
        try:
            with workspace(write=write, channel=channel) as ws:
                return command(ws)
        except SerializationFailure:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def language() -> str:
    """The language of the answer: `?lang=`, the choice kept in a cookie, the header, the user's, else English."""
    asked = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    if asked in LANGUAGES:
        return asked
    for name, _ in request.accept_languages:
        primary = name.replace("_", "-").split("-")[0].lower()
        if primary in LANGUAGES:
            return primary
    spoken = g.get("user_language", "en")
    return spoken if spoken in LANGUAGES else "en"


def theme() -> str:
    """Light, dark or as the system is. A cookie holds it, so that the page comes in it from its first moment."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def look() -> dict[str, object]:
    """What of a page's look the browser tells, so that the page comes right from its first moment."""
    return {
        "theme": theme(),
        "folded": request.cookies.get(SIDEBAR_COOKIE) == "folded",
        "mac": "Mac" in request.user_agent.string,
    }
