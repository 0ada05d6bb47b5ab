"""The entry for WSGI servers: `gunicorn blueprints.wsgi:app`. Settings come from the environment."""

from __future__ import annotations

import atexit
import contextlib
import gc

from blueprints import create_app
from blueprints.serving import open_host, working

_open = contextlib.ExitStack()
_host = _open.enter_context(contextlib.closing(open_host()))
_open.enter_context(working(_host))
atexit.register(_open.close)

app = create_app(_host)
gc.collect()
gc.freeze()  # what a process begins with stays; looking through it again and again finds nothing
