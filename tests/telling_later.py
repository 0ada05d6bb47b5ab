"""A tenant whose clock is moved by the test, with people who read mail: for reminders, quiet hours and digests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.header import decode_header, make_header
from typing import Any

import pytest

from runtime import notifications, records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import tidy
from runtime.jobs.drain import drain
from runtime.jobs.table import enqueue
from runtime.workspace import Workspace
from tests import kit, outside

START = dt.datetime(2027, 3, 1, 2, 0, tzinfo=dt.UTC)
"""A Monday, ten in the morning in Shanghai. After every release that a test makes."""


_SHARED: dict[tuple[int, str], Later] = {}


@dataclass
class Later:
    """A tenant of the core package in which time passes when the test says so."""

    host: Host
    tenant: Tenant
    box: outside.Mailbox | None = None
    now: dt.datetime = START
    start: dt.datetime = START
    """When this test begins."""
    known: list[str] = field(default_factory=list)

    def person(self, name: str, roles: tuple[str, ...] = ("member",), **values: Any) -> str:
        """Somebody with an address, whose language and zone may be given."""
        id = kit.person(self.host, self.tenant, name, roles=roles)
        told = {"email": f"{len(self.known)}@example.org", "timezone": "Asia/Shanghai", "language": "en", **values}
        with self.open() as ws:
            records.update(ws, "user", id, told)
        self.known.append(id)
        return id

    @contextmanager
    def open(self, user: str | None = None, **more: Any) -> Iterator[Workspace]:
        with kit.workspace(self.host, self.tenant, user=user, **more) as ws:
            yield ws

    def made(self, entity: str, user: str, **values: Any) -> str:
        with self.open(user) as ws:
            return records.create(ws, entity, values).id

    def changed(self, entity: str, id: str, user: str, **values: Any) -> None:
        with self.open(user) as ws:
            records.update(ws, entity, id, values)

    def work(self) -> None:
        """Do all that is due."""
        for _ in range(50):
            again = drain(self.host, self.tenant, 20.0)
            if again is None or again > 0:
                return

    def until(self, moment: dt.datetime, hourly: bool = True) -> None:
        """Let time pass, with the hourly tidying that a running system has, and do what is due then."""
        if hourly:
            self.tidy()
        self.now = moment
        if hourly:
            self.tidy()
        self.work()

    def tidy(self) -> None:
        tidy.queue(self.host, self.tenant)
        self.work()

    def told(self, user: str) -> list[tuple[str, str]]:
        """(kind, id of the record) of what is in the app, the oldest first."""
        with self.open(user, write=False) as ws:
            return [(each.kind, each.record or "") for each in reversed(notifications.listing(ws)[0])]

    def mails(self) -> list[tuple[str, str, str]]:
        """(to, subject, text) of what the server took."""
        assert self.box is not None
        found = []
        for letter in self.box.mails:
            part = next(each for each in letter.walk() if each.get_content_type() == "text/plain")
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append((str(letter["To"]), str(make_header(decode_header(letter["Subject"]))), payload.decode()))
        return found

    def ask(self, kind: str, payload: Mapping[str, Any], key: str) -> str:
        with self.open() as ws:
            return enqueue(ws, kind, payload, key)


@contextmanager
def later(host: Host, patch: pytest.MonkeyPatch, *sources: Any, mail: bool = False, again: str = "") -> Iterator[Later]:
    """The tenant; with `mail` a server takes mail. `again`: tests that share one, each some months later."""
    found = _SHARED.get((id(host), again)) if again else None
    if found is None:
        found = Later(host, kit.tenant(host, kit.CONFIGS / "core", *sources))
    else:
        found.start = found.now = found.start + dt.timedelta(weeks=20)
    if again:
        _SHARED[id(host), again] = found
    patch.setattr(host, "clock", lambda: found.now)
    if not mail:
        yield found
        return
    with outside.smtp_server() as box:
        url = f"smtp://127.0.0.1:{box.port}?tls=never"
        settings = replace(host.settings, smtp_url=url, mail_from="crm@example.com", base_url="https://crm.example.com")
        patch.setattr(host, "settings", settings)
        found.box = box
        yield found
