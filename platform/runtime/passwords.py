"""Passwords: argon2id, a bounded number at once, the same work for an account that does not exist."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from metadata.problems import Invalid, Unavailable, kind

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 8, 200
_AT_ONCE = 4
_WAIT_SECONDS = 10.0
_slots = threading.BoundedSemaphore(_AT_ONCE)

WEAK = kind(
    "password_weak",
    en="The password has fewer than {least} or more than {most} characters, or is the sign-in name. Choose another.",
    zh="密码少于 {least} 个或多于 {most} 个字符，或与用户名相同。请更换密码。",
)
BUSY = kind(
    "sign_in_busy",
    en="Many people are signing in right now. Try again in a few seconds.",
    zh="当前登录人数较多，请稍后重试。",
)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # slow to import, and needed by sign-in alone

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no password matches in practice, checked for names that have no account."""
    import secrets

    return _hasher().hash(secrets.token_urlsafe(32))


def require_strong(password: object, login: str) -> str:
    """The password, when it may be one. Raises Invalid."""
    if not isinstance(password, str) or not SHORTEST <= len(password) <= LONGEST or password.lower() == login:
        raise Invalid(WEAK("password", least=SHORTEST, most=LONGEST))
    return password


def hashed(password: str) -> str:
    with _Slot():
        return _hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed; takes as long when there is no hash."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _Slot():
        try:
            return _hasher().verify(stored or _nobody(), password[:LONGEST]) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _hasher().check_needs_rehash(stored)


class _Slot:
    """One of a few places to hash at: each takes memory and a core for tens of milliseconds."""

    def __enter__(self) -> None:
        if not _slots.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable(BUSY())

    def __exit__(self, *_: object) -> None:
        _slots.release()
