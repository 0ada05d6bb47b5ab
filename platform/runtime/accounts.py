"""Who may come in: accounts, sign-in with throttling, sessions. Secrets are stored as hashes only."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.problems import Conflict, Invalid, NotFound, Unauthenticated, kind
from runtime import passwords, throttle
from runtime.account_tables import ACCOUNT, SESSION, TOKEN
from runtime.directory import Tenant
from runtime.host import Host
from runtime.workspace import PlatformActor, Workspace, bump_access, open_workspace

TOKEN_PREFIX = "ml_"
SESSION_HOURS = 12
_LOGIN_MOST = 200

WRONG = kind(
    "sign_in_wrong",
    en="The name and the password do not belong together. Check both.",
    zh="用户名或密码不正确，请检查后重试。",
)
LOGIN_TAKEN = kind(
    "login_taken",
    en="Somebody else signs in as {login} already. Choose another name.",
    zh="用户名 {login} 已被使用，请更换。",
)
LOGIN_BAD = kind(
    "login_bad",
    en="A sign-in name has 1 to {most} characters without spaces at its ends. Choose another.",
    zh="用户名应为 1 至 {most} 个字符，首尾不能有空格。",
)
NO_ACCOUNT = kind(
    "account_unknown",
    en="Nobody signs in as {login}. Check the name, or add the user first.",
    zh="没有用户名为 {login} 的账户。请检查名称，或先添加用户。",
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has just been opened. `secret` goes into the cookie and is nowhere else."""

    user: str
    secret: str
    csrf: str
    expires_at: dt.datetime


def digest(secret: str) -> str:
    """What is stored of a session's or token's secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def folded(login: str) -> str:
    """Sign-in names are told apart without case and width."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def create_user(ws: Workspace, login: str, values: Mapping[str, Any], password: str) -> str:
    """A person with an account: the record of entity `user` and the account share their id. Raises Invalid."""
    from runtime import records  # records call rules and search; accounts are read by everything

    name = folded(login)
    if not 0 < len(name) <= _LOGIN_MOST or "\0" in name:
        raise Invalid(LOGIN_BAD("login", most=_LOGIN_MOST))
    passwords.require_strong(password, name)
    if ws.db.execute(sa.select(ACCOUNT.c.id).where(ACCOUNT.c.login == name)).first():
        raise Conflict(LOGIN_TAKEN("login", login=login))
    user = ws.model.entity("user")
    if user is None:
        raise NotFound(NO_ACCOUNT("login", login=login))
    record = records.create(ws, user, values)
    ws.db.execute(
        sa.insert(ACCOUNT).values(
            id=record.id,
            login=name,
            password=passwords.hashed(password),
            created_at=ws.now,
            password_changed_at=ws.now,
        )
    )
    bump_access(ws)
    return record.id


def ids_of(ws: Workspace, logins: Sequence[str]) -> dict[str, str]:
    """Who signs in by some names, as they were given; those that nobody signs in by are left out."""
    wanted = {each: folded(each) for each in logins}
    if not wanted:
        return {}
    found = ws.db.execute(sa.select(ACCOUNT.c.login, ACCOUNT.c.id).where(ACCOUNT.c.login.in_(set(wanted.values()))))
    ids = {row.login: str(row.id) for row in found}
    return {given: ids[name] for given, name in wanted.items() if name in ids}


def signing_in_like(ws: Workspace, text: str, limit: int) -> list[str]:
    """Ids of people whose sign-in name begins with a text, in the order of the names."""
    begun = ACCOUNT.c.login.startswith(folded(text), autoescape=True)
    query = sa.select(ACCOUNT.c.id).where(begun, ACCOUNT.c.disabled_at.is_(None)).order_by(ACCOUNT.c.login).limit(limit)
    return [str(row.id) for row in ws.db.execute(query)] if text.strip() else []


def logins_of(ws: Workspace, ids: Sequence[str]) -> dict[str, str]:
    """The names by which some people sign in, by id; of those who have none nothing."""
    if not ids:
        return {}
    found = ws.db.execute(sa.select(ACCOUNT.c.id, ACCOUNT.c.login).where(ACCOUNT.c.id.in_(list(ids))))
    return {str(row.id): row.login for row in found}


def find(ws: Workspace, login: str) -> str:
    """The user id of a sign-in name. Raises NotFound."""
    found = ws.db.execute(sa.select(ACCOUNT.c.id).where(ACCOUNT.c.login == folded(login))).first()
    if found is None:
        raise NotFound(NO_ACCOUNT("login", login=login))
    return str(found.id)


def sign_in(
    host: Host, tenant: Tenant, login: object, password: object, *, address: str, agent: str = "", replaces: str = ""
) -> SignedIn:
    """Open a session; `replaces` is the hash of the one that the browser held. Raises Unauthenticated or TooMany.

    The attempt is counted before the password is looked at, so that guesses side by side are all counted. The costly
    hash is computed outside any transaction, and as well for a name that has no account.
    """
    if not isinstance(login, str) or not isinstance(password, str) or "\0" in login:
        raise Unauthenticated(WRONG())
    name = folded(login)[:_LOGIN_MOST]
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        throttle.count_attempt(ws, name, address)
        account = _account(ws, name)
    right = passwords.matches(account.password if account else None, password)
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        fresh = _account(ws, name)
        if not right or fresh is None or account is None or fresh.password != account.password or fresh.disabled_at:
            raise Unauthenticated(WRONG())
        throttle.forget(ws, name, address)
        if passwords.is_outdated(fresh.password):
            renewed = passwords.hashed(password)
            ws.db.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == fresh.id).values(password=renewed))
        return _open_session(ws, str(fresh.id), agent, replaces)


def _account(ws: Workspace, name: str) -> Any:
    return ws.db.execute(sa.select(ACCOUNT).where(ACCOUNT.c.login == name)).first()


def _open_session(ws: Workspace, user: str, agent: str, replaces: str) -> SignedIn:
    """A new id at every sign-in, so that one which was planted or seen before is worth nothing."""
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires_at = ws.now + dt.timedelta(hours=SESSION_HOURS)
    over = (SESSION.c.expires_at < ws.now) | (SESSION.c.hash == replaces)
    ws.db.execute(sa.delete(SESSION).where(over))
    ws.db.execute(
        sa.insert(SESSION).values(
            hash=digest(secret),
            account=user,
            created_at=ws.now,
            expires_at=expires_at,
            seen_at=ws.now,
            csrf=csrf,
            agent=agent[:200],
        )
    )
    return SignedIn(user, secret, csrf, expires_at)


def sign_out(ws: Workspace, secret: str) -> None:
    ws.db.execute(sa.delete(SESSION).where(SESSION.c.hash == digest(secret)))


def end_sessions(ws: Workspace, users: Iterable[str]) -> None:
    """Sign people out everywhere: what they may do, or how they prove who they are, has changed."""
    ws.db.execute(sa.delete(SESSION).where(SESSION.c.account.in_(list(users))))


@dataclass(frozen=True, slots=True)
class Open:
    """A session that somebody has open, by the hash of its secret."""

    hash: str
    login: str
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    agent: str


def sessions(ws: Workspace, offset: int = 0, limit: int = 50) -> list[Open]:
    """The open sessions of a tenant, newest first."""
    c = SESSION.c
    query = sa.select(c.hash, ACCOUNT.c.login, c.created_at, c.seen_at, c.expires_at, c.agent)
    query = query.join_from(SESSION, ACCOUNT, ACCOUNT.c.id == c.account).where(c.expires_at > ws.now)
    rows: Any = ws.db.execute(query.order_by(c.created_at.desc(), c.hash).offset(offset).limit(limit))
    return [Open(hash, login, created, seen, over, agent or "") for hash, login, created, seen, over, agent in rows]


def end_session(ws: Workspace, hash: str) -> None:
    ws.db.execute(sa.delete(SESSION).where(SESSION.c.hash == hash))


def change_password(host: Host, tenant: Tenant, user: str, current: object, new: object, *, address: str) -> None:
    """A person changes their own password; every session ends. Raises Unauthenticated, Invalid or TooMany."""
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        account = ws.db.execute(sa.select(ACCOUNT).where(ACCOUNT.c.id == user)).first()
        if account is None:
            raise Unauthenticated(WRONG("current"))
        throttle.count_attempt(ws, account.login, address)
    chosen = passwords.require_strong(new, account.login)
    if not isinstance(current, str) or not passwords.matches(account.password, current):
        raise Invalid(WRONG("current"))
    stored = passwords.hashed(chosen)
    with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
        throttle.forget(ws, account.login, address)
        _store_password(ws, user, stored)


def set_password(ws: Workspace, user: str, password: str) -> None:
    """An operator sets somebody's password: sessions end and tokens are revoked, for it may have been stolen."""
    account = ws.db.execute(sa.select(ACCOUNT).where(ACCOUNT.c.id == user)).first()
    if account is None:
        raise NotFound(NO_ACCOUNT("login", login=user))
    _store_password(ws, user, passwords.hashed(passwords.require_strong(password, account.login)))
    _revoke_tokens(ws, user)


def _store_password(ws: Workspace, user: str, stored: str) -> None:
    changed = sa.update(ACCOUNT).where(ACCOUNT.c.id == user)
    ws.db.execute(changed.values(password=stored, password_changed_at=ws.now))
    end_sessions(ws, [user])


def disable(ws: Workspace, user: str) -> None:
    """Lock a person out at once: sessions end, tokens are revoked."""
    ws.db.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == user).values(disabled_at=ws.now))
    end_sessions(ws, [user])
    _revoke_tokens(ws, user)
    bump_access(ws)


def enable(ws: Workspace, user: str) -> None:
    ws.db.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == user).values(disabled_at=None))
    bump_access(ws)


def _revoke_tokens(ws: Workspace, user: str) -> None:
    living = (TOKEN.c.account == user) & TOKEN.c.revoked_at.is_(None)
    ws.db.execute(sa.update(TOKEN).where(living).values(revoked_at=ws.now))
