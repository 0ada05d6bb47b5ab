"""Pages for the people who configure a tenant."""

from __future__ import annotations

from flask import Flask

from blueprints.policies import mount as mount_routes
from blueprints.studio import expressions

ROUTES = expressions.ROUTES


def mount(app: Flask) -> None:
    mount_routes(app, "studio", "/studio", ROUTES)
