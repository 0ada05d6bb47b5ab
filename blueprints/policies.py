"""Who may knock at a route. Every route declares its policy; with one that has none the application does not start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from runtime.host import Host

View = Callable[..., ResponseReturnValue]

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Policy:
    """What a caller must bring. What the caller may see and do is decided below, by the model's roles."""

    name: str
    identity: bool = True
    """Somebody must be signed in, or bring a token."""
    tokens: bool = True
    """An API token counts as identity. Pages want a session: a key never becomes one."""
    page: bool = False
    """Errors are pages, and a stranger is led to the sign-in page."""
    body: int = 10 * MEGABYTE
    """The largest request body in bytes."""


OPEN = Policy("open", identity=False, body=0)
"""No tenant and nobody in particular: assets and the sign of life."""
VISITOR = Policy("visitor", identity=False, body=64 * 1024, page=True)
"""A tenant's front door: its sign-in page."""
VISITOR_API = Policy("visitor api", identity=False, body=64 * 1024)
HOOK = Policy("hook", identity=False, body=256 * 1024)
"""Messages of other systems: who sends one is known by its signature."""
API = Policy("api")
API_FILES = Policy("api files", body=101 * MEGABYTE)
SESSION = Policy("session", tokens=False, body=64 * 1024)
PAGE = Policy("page", tokens=False, page=True)
PAGE_FILES = Policy("page files", tokens=False, page=True, body=101 * MEGABYTE)


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its rule, its methods, the function that answers and its policy."""

    rule: str
    methods: str
    view: View
    policy: Policy


@dataclass(slots=True)
class Doors:
    """What the application knows beyond Flask: the process it serves from and the policy of every endpoint."""

    host: Host
    policies: dict[str, Policy] = field(default_factory=dict)


def mount(app: Flask, name: str, prefix: str, routes: Sequence[Route]) -> None:
    """Register a blueprint with its routes and their policies."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix or None)
    doors: Doors = app.extensions["metaloom"]
    for route in routes:
        endpoint = route.view.__name__.rstrip("_")
        blueprint.add_url_rule(route.rule, endpoint, route.view, methods=route.methods.split())
        doors.policies[f"{name}.{endpoint}"] = route.policy
    app.register_blueprint(blueprint)


def require_policies(app: Flask) -> None:
    """Refuse to start with a route that nobody thought about."""
    doors: Doors = app.extensions["metaloom"]
    undeclared = sorted(set(app.view_functions) - set(doors.policies))
    if undeclared:
        raise RuntimeError(f"these routes have no declared policy: {', '.join(undeclared)}")
