"""What a database refuses, in our words: driver errors become a few classes that writers and doors can act on."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from metadata.problems import PlatformError, Unavailable, kind

BUSY = kind(
    "database.busy",
    en="Others are working on the same data right now. Try again in a moment.",
    zh="其他人正在处理相同的数据，请稍后重试。",
)
LOST = kind(
    "database.unreachable",
    en="The database did not answer. Nothing that was not confirmed has been kept; try again in a moment.",
    zh="数据库没有响应。未确认的操作均未保存，请稍后重试。",
)
FULL = kind(
    "database.full",
    en="The disk of the database is full. Nothing has been changed; ask the operator to make room.",
    zh="数据库磁盘已满，未做任何更改，请联系运维人员释放空间。",
)
SLOW = kind(
    "database.too_slow",
    en="This took longer than is allowed and was stopped; nothing has been changed. Ask for less at once.",
    zh="操作超过允许的时长，已被停止，未做任何更改。请缩小一次处理的范围。",
)


class DatabaseProblem(Exception):
    """A statement that the database refused. The transaction can only be rolled back, unless a savepoint was set."""


class UniqueViolation(DatabaseProblem):
    """Another row holds the same values. `index_name` is the index that says so (None when it cannot be known)."""

    def __init__(self, index_name: str | None, detail: str = "") -> None:
        super().__init__(f"unique index {index_name}: {detail}")
        self.index_name = index_name


class ForeignKeyViolation(DatabaseProblem):
    """A link to a row that is not there. SQLite does not say which one: then `constraint` is None."""

    def __init__(self, constraint: str | None, detail: str = "") -> None:
        super().__init__(f"foreign key {constraint}: {detail}")
        self.constraint = constraint


class OutOfRange(DatabaseProblem):
    """A value that its column cannot hold."""


class Refused(DatabaseProblem):
    """Any other refusal: a mistake of ours, or a wall that did its duty. `state` is the SQLSTATE, if there is one."""

    def __init__(self, state: str, detail: str) -> None:
        super().__init__(detail)
        self.state = state


class Waiting(DatabaseProblem, Unavailable):
    """Worth trying again as a whole: nothing of the transaction has been kept."""


class SerializationFailure(Waiting):
    """A deadlock, or two transactions that cannot both be right."""

    def __init__(self, *_: object) -> None:
        Unavailable.__init__(self, BUSY())


class LockTimeout(Waiting):
    """Somebody held a lock for too long."""

    def __init__(self, *_: object) -> None:
        Unavailable.__init__(self, BUSY())


class StatementTimeout(Waiting):
    """A statement ran longer than it may."""

    def __init__(self, *_: object) -> None:
        Unavailable.__init__(self, SLOW())


class ConnectionLost(Waiting):
    """The connection broke. When it broke while committing, nobody knows whether the work was kept."""

    def __init__(self, *_: object) -> None:
        Unavailable.__init__(self, LOST())


class DiskFull(Waiting):
    """No room left."""

    status = 507

    def __init__(self, *_: object) -> None:
        Unavailable.__init__(self, FULL())


def translate(error: BaseException, connection: Any = None) -> BaseException:
    """Our class for a driver's error (SQLAlchemy's wrapping included), or the error itself when there is none."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, DatabaseProblem | PlatformError):
        return original
    if isinstance(original, sqlite3.Error):
        return _sqlite(original, connection)
    if hasattr(original, "sqlstate"):
        return _postgres(original)
    return error


def _postgres(error: Any) -> BaseException:
    state = error.sqlstate
    if state is None:
        # Without a state the server said nothing: the connection is gone, unless it is a mistake of ours.
        import psycopg

        # A server that dies while it is written to leaves a result that is of no class at all.
        gone = (
            isinstance(error, psycopg.OperationalError)
            or type(error) is psycopg.DatabaseError
            or (isinstance(error, psycopg.InterfaceError) and "closed" in str(error))
        )
        return ConnectionLost() if gone else Refused("", str(error))
    detail = str(error)
    match state:
        case "23505":
            return UniqueViolation(error.diag.constraint_name, detail)
        case "23503":
            return ForeignKeyViolation(error.diag.constraint_name, detail)
        case "22003" | "22008" | "54000" | "22021" | "22P05":
            return OutOfRange(detail)
        case "40001" | "40P01":
            return SerializationFailure()
        case "55P03":
            return LockTimeout()
        case "57014":
            return StatementTimeout()
        case "53100":
            return DiskFull()
        case "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300":
            return ConnectionLost()
    return ConnectionLost() if state.startswith("08") else Refused(state, detail)


_UNIQUE = re.compile(r"UNIQUE constraint failed: (?:index '(?P<index>[^']+)'|(?P<columns>.+))")


def _sqlite(error: sqlite3.Error, connection: sqlite3.Connection | None) -> BaseException:
    text = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    if found := _UNIQUE.search(text):
        return UniqueViolation(found["index"] or _index_of(found["columns"], connection), text)
    if "FOREIGN KEY constraint failed" in text:
        return ForeignKeyViolation(None, text)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or "database is locked" in text:
        return LockTimeout()
    if name == "SQLITE_FULL":
        return DiskFull()
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
        return ConnectionLost()
    if name == "SQLITE_TOOBIG" or "too large" in text:
        return OutOfRange(text)
    return Refused("", text)


def _index_of(columns: str, connection: sqlite3.Connection | None) -> str | None:
    """SQLite names the columns of a violated index (`e_deal.f_name, e_deal.f_code`), we want the index."""
    if connection is None:
        return None
    pairs = [each.strip().partition(".") for each in columns.split(",")]
    table, names = pairs[0][0], [each[2] for each in pairs]
    indexes = connection.execute('SELECT name FROM pragma_index_list(?) WHERE "unique" = 1', (table,)).fetchall()
    for (index,) in indexes:
        held = connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)).fetchall()
        if [each for (each,) in held] == names:
            return str(index)
    return None
