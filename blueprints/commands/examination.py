"""What `doctor` looks at: each finding is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.directory import Tenant
    from runtime.host import Host
    from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    said: str


def examine() -> list[Finding]:
    """Everything worth knowing; what fails does not stop the rest."""
    from runtime.settings import Settings

    settings = Settings.from_environment()
    return [*_secrets(settings), *_redis(settings), *_database(settings)]


def _secrets(settings: Settings) -> Iterator[Finding]:
    from runtime import sealing

    if sealing.has_key(settings.secret_key):
        yield Finding("secrets", True, "METALOOM_SECRET_KEY encrypts secrets and encrypted fields")
    elif settings.secret_key:
        short = f"METALOOM_SECRET_KEY has fewer than {sealing.SHORTEST_KEY} characters, so secrets and encrypted fields"
        yield Finding("secrets", False, f"{short} cannot be written")
    else:
        yield Finding("secrets", True, "METALOOM_SECRET_KEY is not set; secrets and encrypted fields cannot be written")


def _redis(settings: Settings) -> Iterator[Finding]:
    if not settings.redis_url:
        yield Finding("Redis", True, "is not configured; serving processes do the jobs themselves")
        return
    import redis

    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2) as connection:
            connection.ping()
        yield Finding("Redis", True, "answers")
    except redis.RedisError as error:
        yield Finding(
            "Redis", False, f"does not answer ({error}); jobs wait until it does or METALOOM_REDIS_URL is unset"
        )


def _database(settings: Settings) -> Iterator[Finding]:
    from metadata.problems import PlatformError
    from runtime import directory
    from runtime.host import Host

    try:
        with Host.open(settings) as host:
            tenants = directory.all(host)
            yield Finding("database", True, f"{host.server.dialect}, {len(tenants)} tenants")
            for tenant in tenants:
                yield _tenant(host, tenant)
    except PlatformError as error:
        yield Finding("database", False, str(error))
    except Exception as error:  # whatever a driver says is what the operator has to know
        yield Finding("database", False, f"{type(error).__name__}: {error}")


def _tenant(host: Host, tenant: Tenant) -> Finding:
    from metadata.problems import PlatformError
    from runtime import encrypting, sealing
    from runtime.jobs import table
    from runtime.workspace import PlatformActor, open_workspace

    what = f"tenant {tenant.name}"
    if tenant.state != "active":
        return Finding(what, False, f"is {tenant.state}")
    try:
        with open_workspace(host, tenant, PlatformActor()) as ws:
            dead = len(table.listing(ws, "dead"))
            waiting = len(table.listing(ws, "queued"))
            old = encrypting.pending(ws) if sealing.has_key(host.settings.secret_key) else 0
            locked = not sealing.has_key(host.settings.secret_key) and any(
                each.type == "secret" or each.encrypted
                for entity in ws.model.all("entities")
                for each in entity.fields.values()
            )
    except PlatformError as error:
        return Finding(what, False, str(error))
    if old:
        said = f"keeps {old} records and events that are not encrypted with METALOOM_SECRET_KEY"
        return Finding(what, False, f"{said}: run `metaloom reencrypt {tenant.name}`")
    if locked:
        return Finding(what, False, "has fields of type secret, which cannot be written without METALOOM_SECRET_KEY")
    said = f"release {ws.release}, {waiting} jobs waiting, {dead} given up"
    return Finding(what, dead == 0, said if not dead else f"{said}: look with `metaloom jobs {tenant.name} list`")
