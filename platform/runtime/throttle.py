"""Slows down guessing: attempts per account and address, and per address alone, with a lockout that grows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.problems import TooMany, kind
from runtime.account_tables import THROTTLE
from runtime.workspace import Workspace

_PER_ACCOUNT, _PER_ADDRESS = 5, 100
_LONGEST = dt.timedelta(minutes=15)
_FORGOTTEN = dt.timedelta(hours=1)

TOO_MANY = kind(
    "too_many_attempts",
    en="Too many attempts. Wait {seconds} seconds and try again.",
    zh="尝试次数过多，请在 {seconds} 秒后重试。",
)


def count_attempt(ws: Workspace, account: str, address: str) -> None:
    """Count one attempt. Raises TooMany while the pair, or the address, is locked out."""
    for key, free in zip(_keys(account, address), (_PER_ACCOUNT, _PER_ADDRESS), strict=True):
        count = _counted(ws, key)
        if count >= free:
            wait = min(dt.timedelta(seconds=2 ** min(count - free, 20)), _LONGEST)
            ws.db.execute(sa.update(THROTTLE).where(THROTTLE.c.key == key).values(until=ws.now + wait))


def count_visit(ws: Workspace, what: str, most: int, window: dt.timedelta) -> None:
    """Count one more of something that anybody may do, at most so many in a stretch of time. Raises TooMany."""
    insert: Callable[..., Any] = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    over = THROTTLE.c.until <= ws.now
    statement = (
        insert(THROTTLE)
        .values(key=_key("visit", what), count=1, until=ws.now + window)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": sa.case((over, 1), else_=THROTTLE.c.count + 1),
                "until": sa.case((over, ws.now + window), else_=THROTTLE.c.until),
            },
        )
        .returning(THROTTLE.c.count, THROTTLE.c.until)
    )
    counted: Any = ws.db.execute(statement).one()
    count, until = counted
    if count > most:
        seconds = max(1, int((until - ws.now).total_seconds()) + 1)
        raise TooMany(TOO_MANY(seconds=seconds), retry_after=seconds)


def network_of(address: str) -> str:
    """An address as it counts: a network of IPv6 addresses is one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else str(found)


def forget(ws: Workspace, account: str, address: str) -> None:
    """The right password was given: the pair starts afresh. The address does not: it may own one account."""
    ws.db.execute(sa.delete(THROTTLE).where(THROTTLE.c.key == _keys(account, address)[0]))


def _counted(ws: Workspace, key: str) -> int:
    """One more attempt, in one statement, so that attempts side by side all count. Raises TooMany when locked."""
    insert: Callable[..., Any] = postgresql.insert if ws.db.dialect == "postgresql" else sqlite.insert
    again = sa.case((THROTTLE.c.until < ws.now - _FORGOTTEN, 1), else_=THROTTLE.c.count + 1)
    statement = (
        insert(THROTTLE)
        .values(key=key, count=1, until=ws.now)
        .on_conflict_do_update(
            index_elements=["key"], set_={"count": again, "until": ws.now}, where=THROTTLE.c.until <= ws.now
        )
        .returning(THROTTLE.c.count)
    )
    counted = ws.db.execute(statement).first()
    if counted is not None:
        return int(counted[0])
    until = ws.db.execute(sa.select(THROTTLE.c.until).where(THROTTLE.c.key == key)).scalar_one()
    seconds = max(1, int((until - ws.now).total_seconds()) + 1)
    raise TooMany(TOO_MANY(seconds=seconds), retry_after=seconds)


def _keys(account: str, address: str) -> tuple[str, str]:
    """Computed from what the server knows."""
    network = network_of(address)
    return _key("account", account, network), _key("address", network)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
