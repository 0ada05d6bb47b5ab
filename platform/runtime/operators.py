"""Operators: who runs the installation. Accounts of the directory, apart from those of every tenant."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from metadata.ids import uuid7
from metadata.problems import Conflict, Invalid, NotFound, TooMany, Unauthenticated, kind
from runtime import passwords, throttle
from runtime.accounts import WRONG, digest, folded
from runtime.codecs import datetime_text, datetime_value
from runtime.database.errors import DatabaseProblem

if TYPE_CHECKING:
    from runtime.database.db import Db
    from runtime.database.postgres import PostgresServer
    from runtime.host import Host

SESSION_HOURS = 4
_LONGEST_LOGIN = 200
_FREE_ATTEMPTS, _FREE_OF_ADDRESS = 5, 100
_LONGEST_LOCK = dt.timedelta(minutes=15)
_FORGOTTEN = dt.timedelta(hours=1)

UNKNOWN = kind(
    "operator.unknown",
    en="There is no operator {login}. `metaloom operator list` shows those there are.",
    zh="没有运维账户 {login}。可用 `metaloom operator list` 查看现有账户。",
)
TAKEN = kind(
    "operator.taken",
    en="There is an operator {login} already. Choose another name.",
    zh="运维账户 {login} 已存在，请更换名称。",
)
BAD_LOGIN = kind(
    "operator.bad_login",
    en="An operator's name has 1 to {most} characters. Choose another.",
    zh="运维账户名应为 1 至 {most} 个字符。",
)
SIGNED_OUT = kind(
    "operator.signed_out",
    en="Your session is over. Sign in again.",
    zh="会话已结束，请重新登录。",
)


@dataclass(frozen=True, slots=True)
class Operator:
    id: str
    login: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """An operator's session. `secret` is known only when it has just been opened."""

    operator: str
    login: str
    csrf: str
    expires_at: dt.datetime
    secret: str = ""


# -- accounts: made and removed from the command line alone


def add(host: Host, login: str, password: str) -> Operator:
    """A new operator. Raises Invalid, Conflict."""
    name = folded(login)
    if not 0 < len(name) <= _LONGEST_LOGIN or "\0" in name:
        raise Invalid(BAD_LOGIN("login", most=_LONGEST_LOGIN))
    passwords.require_strong(password, name)
    host.server.prepare()
    if any(each.login == name for each in listing(host)):
        raise Conflict(TAKEN("login", login=login))
    made = Operator(uuid7(), name, dt.datetime.now(dt.UTC))
    _administer(
        host,
        "INSERT INTO {operator} (id, login, password, created_at) VALUES (:id, :login, :password, :at)",
        {"id": made.id, "login": name, "password": passwords.hashed(password), "at": made.created_at},
    )
    return made


def remove(host: Host, login: str) -> None:
    """Take an operator's account away; his sessions end. Raises NotFound."""
    found = _known(host, login)
    _administer(host, "DELETE FROM {operator_session} WHERE operator = :id", {"id": found.id})
    _administer(host, "DELETE FROM {operator} WHERE id = :id", {"id": found.id})


def set_password(host: Host, login: str, password: str) -> None:
    """Raises NotFound, Invalid. Every session of the operator ends."""
    found = _known(host, login)
    passwords.require_strong(password, found.login)
    values = {"id": found.id, "password": passwords.hashed(password)}
    _administer(host, "UPDATE {operator} SET password = :password WHERE id = :id", values)
    _administer(host, "DELETE FROM {operator_session} WHERE operator = :id", {"id": found.id})


def _known(host: Host, login: str) -> Operator:
    found = next((each for each in listing(host) if each.login == folded(login)), None)
    if found is None:
        raise NotFound(UNKNOWN("login", login=login))
    return found


def listing(host: Host) -> list[Operator]:
    """Every operator, oldest first; none where the shared tables are of a version before there were any."""
    try:
        with host.server.shared() as db:
            rows = _fetch(db, "SELECT id, login, created_at FROM {operator} ORDER BY created_at, id", {})
    except DatabaseProblem:
        return []
    return [Operator(str(id), login, _moment(at)) for id, login, at in rows]


# -- sessions


def sign_in(host: Host, login: object, password: object, *, address: str, agent: str = "") -> Visit:
    """Open a session. Raises Unauthenticated, TooMany. The attempt is counted before the password is looked at."""
    if not isinstance(login, str) or not isinstance(password, str) or "\0" in login:
        raise Unauthenticated(WRONG())
    name, now = folded(login)[:_LONGEST_LOGIN], dt.datetime.now(dt.UTC)
    network = throttle.network_of(address)
    key = digest(f"operator\0{name}\0{network}")
    # Of one address as well: who tries one password with many names is as slow.
    for each, free in ((key, _FREE_ATTEMPTS), (digest(f"operator\0\0{network}"), _FREE_OF_ADDRESS)):
        locked = _count(host, each, free, now)
        if locked is not None:
            raise TooMany(throttle.TOO_MANY(seconds=locked), retry_after=locked)
    with host.server.shared() as db:
        rows = _fetch(db, "SELECT id, password FROM {operator} WHERE login = :login", {"login": name})
    stored = rows[0][1] if rows else None
    if not passwords.matches(stored, password):
        raise Unauthenticated(WRONG())
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires_at = now + dt.timedelta(hours=SESSION_HOURS)
    with host.server.shared(writing=True) as db:
        _run(db, "DELETE FROM {operator_attempt} WHERE key = :key", {"key": key})
        _run(db, "DELETE FROM {operator_attempt} WHERE until < :old", {"old": now - _FORGOTTEN})
        _run(db, "DELETE FROM {operator_session} WHERE expires_at < :now", {"now": now})
        _run(
            db,
            "INSERT INTO {operator_session} (hash, operator, csrf, agent, created_at, expires_at) "
            "VALUES (:hash, :operator, :csrf, :agent, :now, :expires)",
            {
                "hash": digest(secret),
                "operator": str(rows[0][0]),
                "csrf": csrf,
                "agent": agent[:200],
                "now": now,
                "expires": expires_at,
            },
        )
    return Visit(str(rows[0][0]), name, csrf, expires_at, secret)


def visit(host: Host, secret: str) -> Visit:
    """The session of a cookie, checked against its row. Raises Unauthenticated."""
    rows = []
    if secret:
        with host.server.shared() as db:
            rows = _fetch(
                db,
                "SELECT o.id, o.login, s.csrf, s.expires_at FROM {operator_session} s "
                "JOIN {operator} o ON o.id = s.operator WHERE s.hash = :hash",
                {"hash": digest(secret)},
            )
    if not rows or _moment(rows[0][3]) <= dt.datetime.now(dt.UTC):
        raise Unauthenticated(SIGNED_OUT())
    id, login, csrf, expires_at = rows[0]
    return Visit(str(id), login, csrf, _moment(expires_at))


def sign_out(host: Host, secret: str) -> None:
    with host.server.shared(writing=True) as db:
        _run(db, "DELETE FROM {operator_session} WHERE hash = :hash", {"hash": digest(secret)})


def _count(host: Host, key: str, free: int, now: dt.datetime) -> int | None:
    """Count one attempt, in one transaction; the seconds to wait while the key is locked out."""
    with host.server.shared(writing=True) as db:
        found = _fetch(
            db,
            "INSERT INTO {operator_attempt} AS a (key, count, until) VALUES (:key, 1, :now) "
            "ON CONFLICT (key) DO UPDATE SET count = CASE WHEN a.until < :old THEN 1 ELSE a.count + 1 END "
            "RETURNING count, until",
            {"key": key, "now": now, "old": now - _FORGOTTEN},
        )
        count, until = int(found[0][0]), _moment(found[0][1])
        if until > now:
            return max(1, int((until - now).total_seconds()) + 1)
        if count >= free:
            wait = min(dt.timedelta(seconds=2 ** min(count - free, 20)), _LONGEST_LOCK)
            _run(db, "UPDATE {operator_attempt} SET until = :until WHERE key = :key", {"key": key, "until": now + wait})
    return None


# -- both databases


def _text(statement: str, postgres: bool) -> str:
    """The statement as the driver takes it. Table names are ours; every value is a parameter."""
    names = ("operator", "operator_session", "operator_attempt")
    found = statement.format(**{each: f"platform.{each}" if postgres else each for each in names})
    parts = found.split(":")
    if not postgres or len(parts) == 1:
        return found
    text = parts[0]
    for part in parts[1:]:
        size = next((at for at, letter in enumerate(part) if not letter.isalpha()), len(part))
        text += f"%({part[:size]})s{part[size:]}"
    return text


def _values(values: Mapping[str, Any], postgres: bool) -> Any:
    if postgres:
        return dict(values)
    return {name: datetime_text(each) if isinstance(each, dt.datetime) else each for name, each in values.items()}


def _fetch(db: Db, statement: str, values: Mapping[str, Any]) -> list[Any]:
    postgres = db.dialect == "postgresql"
    return list(db.fetch(_text(statement, postgres), _values(values, postgres)))


def _run(db: Db, statement: str, values: Mapping[str, Any]) -> None:
    postgres = db.dialect == "postgresql"
    db.run(_text(statement, postgres), _values(values, postgres))


def _administer(host: Host, statement: str, values: Mapping[str, Any]) -> None:
    """What the login of the application has no right to: only who holds the administrator's URL makes operators."""
    if host.server.dialect == "sqlite":
        with host.server.shared(writing=True) as db:
            _run(db, statement, values)
        return
    with _administering(host) as run:
        run(_text(statement, True), _values(values, True))


@contextmanager
def _administering(host: Host) -> Iterator[Any]:
    with cast("PostgresServer", host.server).administer() as run:
        yield run


def _moment(value: Any) -> dt.datetime:
    found: dt.datetime = datetime_value(value) if isinstance(value, str) else value
    return found
