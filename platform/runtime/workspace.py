"""`Workspace`: a tenant, its model, who acts, one open transaction and the time; first argument of all of runtime."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from metadata.access import FORM, Actor, platform_actor
from metadata.model import Model, PublicForm
from metadata.problems import NotFound, Unauthenticated, kind, say
from runtime import directory
from runtime.actors import load_actor
from runtime.database.db import Bound, Db, LoginKind, TenantGone
from runtime.directory import Tenant
from runtime.host import Host
from runtime.system.migrate import require_served
from runtime.system.tables import VERSION

SIGNED_OUT = kind(
    "session.over",
    en="Your session is over. Sign in again.",
    zh="会话已结束，请重新登录。",
)
TOKEN_REFUSED = kind(
    "token.refused",
    en="This token is unknown, revoked or expired. Make a new one.",
    zh="该令牌不存在、已撤销或已过期，请创建新的令牌。",
)
NO_FORM = kind(
    "public_form.unknown",
    en="There is no form at this address. Check the address, or ask the person who gave it to you.",
    zh="此地址没有表单。请检查地址，或向提供地址的人确认。",
)


@dataclass(frozen=True, slots=True)
class PlatformActor:
    """The platform itself acts: seeds, computed effects, the command line."""


@dataclass(frozen=True, slots=True)
class AsUser:
    """A person acts, known to be who they are: the initiator of a job, with no more than the token's rights."""

    user: str
    role: str | None = None
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class BySession:
    """Whoever the session with this hash belongs to."""

    hash: str


@dataclass(frozen=True, slots=True)
class ByToken:
    """Whoever the API token with this hash belongs to, with no more than the token's rights."""

    hash: str


@dataclass(frozen=True, slots=True)
class AsVisitor:
    """Nobody in particular, who may do what one public form of the tenant lets him: make a record of it."""

    form: str
    """Id or key of the form."""


Identify = PlatformActor | AsUser | BySession | ByToken | AsVisitor


@dataclass(frozen=True, slots=True)
class Session:
    """The session or API token by which somebody came in."""

    kind: LoginKind
    account: str
    login: str
    created_at: dt.datetime
    seen_at: dt.datetime | None
    expires_at: dt.datetime | None
    hash: str = ""
    csrf: str = ""
    agent: str = ""
    id: str = ""
    """Of a token; a session has its hash."""
    name: str = ""
    role: str | None = None
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a workflow's run acts: whatever it does names the event that started it, one level deeper."""

    event: str | None
    depth: int
    """How many runs led here, this one included: 1 or more."""
    chain: tuple[str, ...]
    """Ids of the workflows that started one another, the first one first, this one last."""
    root: str
    """Id of the first run of all."""
    initiator: str | None = None
    """Who caused the first one."""
    token: Mapping[str, Any] | None = None
    """What his API token left of his rights, see `jobs.table`."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One unit of work. It begins with the transaction and ends with it."""

    host: Host
    tenant: Tenant
    model: Model
    release: int
    actor: Actor
    db: Db
    now: dt.datetime
    write: bool
    session: Session | None = None
    restore_epoch: int = 0
    """Grows when the tenant is restored from a backup: what a process remembers of the time before is void."""
    access_epoch: int = 0
    """Grows with every change of what people, and workflows, may do."""
    system_version: int = VERSION
    """Of the platform's own tables of the tenant: it may be one behind the program."""
    cause: Cause | None = None
    """Set where a workflow's run acts."""

    @property
    def dialect(self) -> str:
        return self.db.dialect


@contextmanager
def open_workspace(
    host: Host,
    tenant: Tenant,
    identify: Identify,
    *,
    write: bool = False,
    channel: str = "api",
    now: dt.datetime | None = None,
) -> Iterator[Workspace]:
    """Begin a unit of work: commit when the block ends, roll back when it raises, then ring the bell if work waits.

    Without `now` it is the time of the database's server, where there is one. Raises Unauthenticated, NotFound (the
    tenant is gone), Unavailable.
    """
    ring = False
    try:
        with tenant.server.bind(tenant.place, writing=write, **_login(identify)) as (db, bound):
            require_served(bound.system_version)
            now = now or (bound.now if host.clock is None else None) or host.now()
            session = _session(identify, bound, now)
            model = host.models.load(tenant, db, bound)
            actor = _actor(host, tenant, model, db, bound, identify, session, channel)
            yield Workspace(
                host,
                tenant,
                model,
                bound.head,
                actor,
                db,
                now,
                write,
                session,
                restore_epoch=bound.restore_epoch,
                access_epoch=bound.access_epoch,
                system_version=bound.system_version,
            )
            ring = "ring" in db.notes
    except TenantGone as error:
        directory.forget(host, tenant.name)
        raise NotFound(directory.UNKNOWN(name=tenant.name)) from error
    if ring:
        host.bell(tenant.id)


def _visitor(model: Model, name: str) -> Actor:
    """Raises NotFound for a form that there is not."""
    form: PublicForm | None = model.get("public_forms", name)
    if form is None:
        raise NotFound(NO_FORM())
    timezone = str(model.settings.get("timezone", "UTC"))
    label = say(form.label, "en")
    return Actor(None, label, (f"{FORM}{form.id}",), timezone=timezone, channel="public")


def bump_access(ws: Workspace) -> None:
    """People's roles, units or accounts have changed: every process reads actors anew from the next request on."""
    ws.db.run("UPDATE _state SET access_epoch = access_epoch + 1")


def as_user(ws: Workspace, who: AsUser) -> Workspace:
    """The same unit of work with a person acting in it, with today's rights. Raises Unauthenticated."""
    bound = Bound(ws.release, ws.access_epoch, ws.system_version, ws.restore_epoch, None)
    actor = _actor(ws.host, ws.tenant, ws.model, ws.db, bound, who, None, ws.actor.channel)
    return replace(ws, actor=actor, session=None)


def _login(identify: Identify) -> dict[str, Any]:
    match identify:
        case BySession(hash):
            return {"login": "session", "secret": hash}
        case ByToken(hash):
            return {"login": "token", "secret": hash}
    return {}


def _session(identify: Identify, bound: Bound, now: dt.datetime) -> Session | None:
    """Checked at each request against its row, so that signing out and disabling work at once."""
    if not isinstance(identify, BySession | ByToken):
        return None
    refused = Unauthenticated(SIGNED_OUT() if isinstance(identify, BySession) else TOKEN_REFUSED())
    row = bound.login
    if row is None or row["disabled_at"] is not None or row.get("revoked_at") is not None:
        raise refused
    expires_at = _moment(row["expires_at"])
    created_at = _moment(row["created_at"])
    assert created_at is not None
    if expires_at is not None and expires_at <= now:
        raise refused
    password = _moment(row.get("password_changed_at"))
    if password is not None and password > created_at:
        raise refused
    return _as_session(row, created_at, expires_at)


def _as_session(row: Mapping[str, Any], created_at: dt.datetime, expires_at: dt.datetime | None) -> Session:
    scopes = row.get("scopes")
    return Session(
        kind=row["kind"],
        account=row["account"],
        login=row["login"],
        created_at=created_at,
        seen_at=_moment(row["seen_at"]),
        expires_at=expires_at,
        hash=row.get("hash") or "",
        csrf=row.get("csrf") or "",
        agent=row.get("agent") or "",
        id=row.get("id") or "",
        name=row.get("name") or "",
        role=row.get("role"),
        scopes=frozenset(scopes) if scopes is not None else None,
    )


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _actor(
    host: Host,
    tenant: Tenant,
    model: Model,
    db: Db,
    bound: Bound,
    identify: Identify,
    session: Session | None,
    channel: str,
) -> Actor:
    if isinstance(identify, PlatformActor):
        return platform_actor(channel)
    if isinstance(identify, AsVisitor):
        return _visitor(model, identify.form)
    user = identify.user if isinstance(identify, AsUser) else session.account if session else ""
    narrowed = identify if isinstance(identify, AsUser) else session
    role, scopes = (narrowed.role, narrowed.scopes) if narrowed else (None, None)
    # Equal epochs mean equal roles and units; the model says which fields hold them.
    key = (tenant.id, user, bound.access_epoch, bound.restore_epoch, model.fingerprint, channel, role, scopes)
    return host.actors.get(key, lambda: load_actor(model, db, user, channel, role, scopes, bound.system_version))


def timezone_of(ws: Workspace) -> str:
    """The zone (IANA) of moments that name none: the person's, or the tenant's for the platform itself."""
    return str(ws.model.settings.get("timezone", "UTC")) if ws.actor.platform else ws.actor.timezone
