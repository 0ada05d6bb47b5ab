"""The way to the console: made when an operator first asks for it, and as good as not there while there is none."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from runtime import operators
from runtime.host import Host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

PREFIX = "/admin"


class Door:
    """Leads `/admin` to the console when there are operators; everything else, and `/t/<tenant>/admin`, goes on.

    Flask-Admin takes half a second to import and its views cannot join an application that serves already, so the
    console is an application of its own that begins when it is needed.
    """

    def __init__(self, app: WSGIApplication, host: Host) -> None:
        self._app, self._host = app, host
        self._console: Flask | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if (path == PREFIX or path.startswith(f"{PREFIX}/")) and operators.listing(self._host):
            return self._made().wsgi_app(environ, start_response)
        return self._app(environ, start_response)

    def _made(self) -> Flask:
        with self._lock:
            if self._console is None:
                from blueprints.console.application import create_console

                self._console = create_console(self._host)
            return self._console
