"""How many bytes of files a tenant may keep (`METALOOM_FILES_QUOTA`), and how many it keeps."""

from __future__ import annotations

import time

import sqlalchemy as sa

from metadata.problems import Problem, kind
from runtime.system.tables import table
from runtime.workspace import Workspace

QUOTA_FULL = kind(
    "files.quota",
    en="There is no room for this file: files may take {quota} MB here, and {used} MB are taken. Delete files that "
    "are no longer needed, or ask your operator for more.",
    zh="空间不足，无法保存该文件：文件配额为 {quota} MB，已用 {used} MB。请删除不再需要的文件，或联系运营人员扩容。",
)

MEGABYTE = 1024 * 1024
_TRUSTED_FOR = 60.0
_NEAR = 4 * 1024**3
"""With less room than this the bytes are counted anew each time: other processes take some of it, too."""


def room(ws: Workspace) -> int | None:
    """How many bytes may still come; None: as many as you like."""
    quota = ws.host.settings.files_quota * MEGABYTE
    if quota <= 0:
        return None
    known = ws.host.file_bytes.get(ws.tenant.id)
    if known is not None and known[0] > time.monotonic() and quota - known[1] > _NEAR:
        return quota - known[1]
    used = _counted(ws)
    ws.host.file_bytes[ws.tenant.id] = (time.monotonic() + _TRUSTED_FOR, used)
    return max(0, quota - used)


def take(ws: Workspace, size: int) -> None:
    """Remember that so many bytes have come."""
    known = ws.host.file_bytes.get(ws.tenant.id)
    if known is not None:
        ws.host.file_bytes[ws.tenant.id] = (known[0], known[1] + size)


def full(ws: Workspace) -> Problem:
    """What to say when the room is not enough."""
    quota = ws.host.settings.files_quota
    return QUOTA_FULL(quota=quota, used=-(-_counted(ws) // MEGABYTE))


def _counted(ws: Workspace) -> int:
    """All that lies in the store for the tenant: a replaced file, too, for the history of its record names it."""
    files = table("_file", ws.db.dialect)
    return int(ws.db.execute(sa.select(sa.func.coalesce(sa.func.sum(files.c.size), 0))).scalar_one())
