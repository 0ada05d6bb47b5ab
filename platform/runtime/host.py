"""One process: its settings, the server of its tenants, its caches and its bell. Open one per process and close it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metadata.problems import Invalid, kind
from metadata.remembering import Remembered
from runtime.actors import MOST, Actors
from runtime.ahead import Ahead
from runtime.database.db import Server
from runtime.releases import Models
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.directory import Tenant

BAD_URL = kind(
    "settings.bad_database_url",
    en="METALOOM_DATABASE_URL must begin with `sqlite:///` and name a folder, or with `postgresql://`.",
    zh="METALOOM_DATABASE_URL 必须以 `sqlite:///` 开头并指向文件夹，或以 `postgresql://` 开头。",
)


class Host:
    """What a process holds open. Not to be shared with a forked child: that opens its own."""

    def __init__(self, settings: Settings, server: Server) -> None:
        self.settings = settings
        self.server = server
        self.bell: Callable[[str], None] = lambda tenant_id: None
        """Called with a tenant's id after a commit that queued work; set by whoever runs jobs."""
        self.sender: Callable[[str, str], None] | None = None
        """Called with a tenant's id and a target when something is due outside; set by whoever sends beside the jobs.
        None: it is sent where the job is done."""
        self.clock: Callable[[], dt.datetime] | None = None
        """What time it is, for all work of this process and the jobs it does; None: what the computer and the database
        say. Only on SQLite, and for tenants that nobody else works in."""
        self.fired: Callable[[str, str], None] | None = None
        """Told the entity and the id of each rule whose condition holds in a save; None: nobody wants to know."""
        self.tenants: dict[str, tuple[float, Tenant]] = {}
        self.models: Models = Models()
        self.actors: Actors = Actors(MOST)
        self.awaited: Remembered[tuple[str, int, int], frozenset[tuple[str, str]]] = Remembered(10_000)
        """(tenant id, restore epoch, head) -> what runs of earlier releases may wait for, see `processes.books`."""
        self.switched_off: Remembered[tuple[str, int, int], frozenset[str]] = Remembered(10_000)
        """(tenant id, restore epoch, access epoch) -> ids of the workflows that are switched off."""
        self.ahead: Ahead = Ahead()
        """Parts of imports that are made ready while those before them are written."""
        self.file_bytes: dict[str, tuple[float, int]] = {}
        """Tenant id -> until when it is believed, and how many bytes its files take (see `quota`)."""

    @classmethod
    def open(cls, settings: Settings) -> Host:
        return cls(settings, _server(settings))

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) if self.clock is None else self.clock()

    def close(self) -> None:
        self.server.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _server(settings: Settings) -> Server:
    url = settings.database_url
    if url.startswith("sqlite:///"):
        from runtime.database.sqlite import SqliteServer

        return SqliteServer(Path(url.removeprefix("sqlite:///")).absolute())
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        from runtime.database.postgres import PostgresServer

        return PostgresServer(url, settings.admin_database_url)
    raise Invalid(BAD_URL("METALOOM_DATABASE_URL"))
