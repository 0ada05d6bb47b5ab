"""Starts the system under fire: the product's own entries, after the trouble and the seeded fault that are wanted.

gunicorn tests.chaos.launched:app           the web, as `blueprints.wsgi:app`
python -m tests.chaos.launched workers      the command `worker`
python -m tests.chaos.launched member       one RQ worker, begun by it
"""

from __future__ import annotations

import sys
from typing import Any

from tests.chaos import faults, trouble


def _begin(role: str) -> None:
    given = trouble.from_environment()
    trouble.set_up(given, role)
    if given.fault:
        faults.FAULTS[given.fault](role)


def __getattr__(name: str) -> Any:
    """The WSGI application, made when gunicorn asks for it."""
    if name != "app":
        raise AttributeError(name)
    _begin("web")
    from blueprints.wsgi import app

    globals()["app"] = app
    return app


def main(role: str) -> None:
    from runtime.jobs import redis
    from runtime.settings import Settings

    _begin("worker")
    settings = Settings.from_environment()
    if role == "workers":
        redis.serve(settings, 2, work=(sys.executable, "-m", "tests.chaos.launched", "member"))
    else:
        redis.work(str(settings.redis_url))


if __name__ == "__main__":
    main(sys.argv[1])
