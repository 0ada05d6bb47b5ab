"""The stage on which scenarios are played: a throw-away tenant on the real engine, its own clock, doors closed."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from metadata.documents.package import Layer
from metadata.model import Model
from runtime import tenants
from runtime.database.sqlite import SqliteServer
from runtime.directory import Tenant
from runtime.host import Host
from runtime.scenarios.outside import Doors
from runtime.settings import Settings
from runtime.workspace import AsUser, PlatformActor, Workspace, open_workspace

BEFORE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""When the tenant was made: before whatever a scenario may be about."""
_TEMPLATE = "template.db"


@dataclass(slots=True)
class Clock:
    """The time on the stage: it stands still until it is moved."""

    moment: dt.datetime = BEFORE

    def __call__(self) -> dt.datetime:
        return self.moment


@dataclass(frozen=True, slots=True)
class Stage:
    """Open one with `opened`; `clear` it before each scenario."""

    host: Host
    tenant: Tenant
    model: Model
    clock: Clock
    doors: Doors
    template: Path
    fired: set[tuple[str, str]] = field(default_factory=set)
    """(entity id, rule id) of the rules whose condition has held in a save since it was cleared."""

    def clear(self) -> None:
        """Everything is again as it was when the stage was set up."""
        server = self.host.server
        server.drop_place(self.tenant.place)
        assert isinstance(server, SqliteServer)
        shutil.copyfile(self.template, server.tenants / self.tenant.place)
        self.host.fired = None
        self.fired.clear()
        self.doors.clear()
        self.clock.moment = BEFORE

    def watch(self) -> None:
        """From here on rules that fire are noted."""
        self.host.fired = lambda entity, rule: self.fired.add((entity, rule))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(str(self.model.settings.get("timezone", "UTC")))

    def local(self, text: str) -> dt.datetime:
        """A moment written in the tenant's zone: a day is its midnight."""
        return dt.datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(dt.UTC)

    @contextmanager
    def acting(self, user: str | None, *, write: bool = True, channel: str = "api") -> Iterator[Workspace]:
        """A unit of work of a person (id), or of the platform."""
        who = PlatformActor() if user is None else AsUser(user)
        with open_workspace(self.host, self.tenant, who, write=write, channel=channel) as ws:
            yield ws


@contextmanager
def opened(layers: Sequence[Layer]) -> Iterator[Stage]:
    """A stage for a description. Nothing of it remains. Raises MetadataInvalid."""
    with tempfile.TemporaryDirectory(prefix="metaloom-scenarios-") as name:
        folder = Path(name)
        with Host(_settings(folder), SqliteServer(folder / "data", durable=False)) as host:
            clock = Clock()
            host.clock = clock
            tenant = tenants.create(host, "scenarios", layers)
            doors = Doors(host, tenant)
            host.sender = doors.open
            with open_workspace(host, tenant, PlatformActor()) as ws:
                model = ws.model
            yield Stage(host, tenant, model, clock, doors, _kept(folder, host, tenant))


def _settings(folder: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{folder / 'data'}",
        secret_key="of a stage that keeps no secret of anybody",
        files_url=f"file:{folder / 'files'}",
        smtp_url="smtp://mail.invalid",
        mail_from="scenarios@example.com",
    )


def _kept(folder: Path, host: Host, tenant: Tenant) -> Path:
    """A copy of the tenant as it is now."""
    server, template = host.server, folder / _TEMPLATE
    assert isinstance(server, SqliteServer)
    with closing(sqlite3.connect(server.tenants / tenant.place)) as source, closing(sqlite3.connect(template)) as copy:
        source.backup(copy)
    return template
