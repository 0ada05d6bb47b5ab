"""What lets people in: the web application and the command line. `create_app` is the one place where parts meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from runtime.host import Host


def create_app(host: Host) -> Flask:
    """The WSGI application of one process. Raises RuntimeError when a route has no declared policy."""
    # Imported here, so that the command line starts without Flask.
    from flask import Flask

    from blueprints import addresses, assets, errors, limits, security, tenancy
    from blueprints.api import routes as api
    from blueprints.app import routes as app_pages
    from blueprints.auth import routes as auth
    from blueprints.console.door import Door
    from blueprints.hooks import routes as hooks
    from blueprints.policies import Doors, require_policies
    from blueprints.public import routes as public
    from blueprints.studio import routes as studio
    from blueprints.texts import install as install_texts

    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.extensions["metaloom"] = Doors(host)
    app.wsgi_app = Door(tenancy.PathPrefix(app.wsgi_app), host)  # type: ignore[method-assign]
    limits.install(app)
    errors.install(app)
    security.install(app)
    install_texts(app)
    assets.install(app)
    addresses.install(app)
    for part in (public, hooks, auth, api, app_pages, studio):
        part.mount(app)
    require_policies(app)
    return app
