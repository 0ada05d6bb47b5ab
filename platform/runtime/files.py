"""Files of records: bytes in a folder under opaque keys, a row for each, bound by the save that names it."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, urlsplit

import sqlalchemy as sa

from metadata.access import rights
from metadata.fieldtypes.files import Image
from metadata.folding import plain
from metadata.ids import is_uuid, uuid7
from metadata.model import Field
from metadata.problems import Invalid, NotFound, TooLarge, kind
from runtime import images, queries, quota
from runtime.codecs import datetime_text
from runtime.filetypes import accepted_type
from runtime.settings import Settings
from runtime.system.tables import table
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

MOST_BYTES = 50 * 1024 * 1024
UNBOUND_FOR = dt.timedelta(hours=24)
_CHUNK = 1 << 16
_LONGEST_NAME = 200

TOO_LARGE = kind(
    "files.too_large",
    en="The file is larger than {most} MB. Send a smaller one.",
    zh="文件超过 {most} MB，请上传较小的文件。",
)
OTHER_CONTENT = kind(
    "files.other_content",
    en="The file says it is {declared}, but its content is {found}. Save it in the format that it says.",
    zh="文件声明的类型为 {declared}，但内容为 {found}。请按声明的格式保存后再上传。",
)
NO_FILE = kind(
    "files.not_found",
    en="There is no such file, or you may not see it. Upload it again.",
    zh="文件不存在或您无权查看，请重新上传。",
)
NOT_FREE = kind(
    "files.not_free",
    en="{label}: there is no such upload of yours, or another record has it. Upload the file again.",
    zh="{label}：找不到您上传的该文件，或它已属于另一条记录。请重新上传。",
)
NO_PICTURE = kind(
    "files.no_picture",
    en="{label} takes a picture as {forms}; the content of this file is something else. Choose a picture.",
    zh="{label} 需要 {forms} 格式的图片，该文件的内容并非如此，请选择图片。",
)
LARGE_PICTURE = kind(
    "files.large_picture",
    en="{label}: the picture is {width} × {height}. Make it smaller than {most} million pixels.",
    zh="{label}：图片尺寸为 {width} × {height}，请缩小到 {most} 百万像素以内。",
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file without opening it."""

    id: str
    key: str
    name: str
    media_type: str
    size: int
    sha256: str


def folder(settings: Settings) -> Path:
    """Where the bytes lie: `file:PATH`, `file:///PATH`, or a plain path."""
    url = urlsplit(settings.files_url)
    return Path(url.path if url.scheme == "file" else settings.files_url).absolute()


def store(
    ws: Workspace, stream: IO[bytes], name: str | None, declared: str | None = None, most: int = MOST_BYTES
) -> str:
    """Keep the bytes of an upload; the id to put into a file field within a day.

    Raises TooLarge (also when the tenant's quota is used up) and Invalid. Of a file that is refused nothing stays.
    """
    id = uuid7()
    room = quota.room(ws)
    key = f"{ws.tenant.id}/{id[-2:]}/{id}"
    path = folder(ws.host.settings) / key
    with _written(path) as (temporary, out):
        size, digest, head = _receive(stream, out, most if room is None else min(most, room))
        if size < 0:
            raise TooLarge(TOO_LARGE(most=most // (1024 * 1024)) if room is None or room >= most else quota.full(ws))
        media_type, found = accepted_type(declared, head)
        if media_type is None:
            raise Invalid(OTHER_CONTENT(declared=declared, found=found))
        out.flush()
        os.fsync(out.fileno())
        os.replace(temporary, path)
    files = table("_file", ws.db.dialect)
    row = {
        "id": id,
        "key": key,
        "name": _clean_name(name),
        "media_type": media_type,
        "size": size,
        "sha256": digest,
        "created_by": ws.actor.user,
        "created_at": _moment(ws, ws.now),
    }
    ws.db.execute(sa.insert(files).values(row))
    quota.take(ws, size)
    return id


@contextmanager
def _written(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file beside the place where it will be; gone again when something goes wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    try:
        with open(temporary, "xb") as out:
            yield temporary, out
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _receive(stream: IO[bytes], out: IO[bytes], most: int) -> tuple[int, str, bytes]:
    """Size, digest and beginning of what was written; a size of -1 as soon as it is too much."""
    size, digest, head = 0, hashlib.sha256(), b""
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > most:
            return -1, "", b""
        digest.update(chunk)
        head = head or chunk
        out.write(chunk)
    return size, digest.hexdigest(), head


def _clean_name(name: str | None) -> str:
    """The last part of the name, without what would steer a terminal, a header or a path."""
    last = plain(name or "").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(each for each in last if each.isprintable() and each not in '"<>|:*?')
    return kept[-_LONGEST_NAME:].strip(". ") or "file"


def _moment(ws: Workspace, at: dt.datetime) -> object:
    return at if ws.db.dialect == "postgresql" else datetime_text(at)


def find(ws: Workspace, id: str) -> StoredFile:
    """A file that the actor may see: that of a record and field he may read, or his own upload. Raises NotFound."""
    files = table("_file", ws.db.dialect)
    c = files.c
    wanted = sa.select(
        c.id, c.key, c.name, c.media_type, c.size, c.sha256, c.entity, c.record, c.field, c.created_by, c.deleted_at
    )
    row = ws.db.execute(wanted.where(c.id == id.lower())).first() if is_uuid(id) else None
    if row is None or row.deleted_at is not None or not _may_see(ws, row):
        raise NotFound(NO_FILE())
    return StoredFile(str(row.id), row.key, row.name, row.media_type, row.size, row.sha256)


def _may_see(ws: Workspace, row: sa.Row[tuple[object, ...]]) -> bool:
    if ws.actor.platform:
        return True
    if row.record is None:
        return row.created_by is not None and str(row.created_by) == ws.actor.user
    entity = ws.model.entity(row.entity)
    if entity is None or not rights(ws.model, ws.actor, entity).may_read(row.field):
        return False
    return queries.sees(ws, entity, "read", str(row.record), deleted=False)


def about(ws: Workspace, ids: Iterable[str]) -> dict[str, StoredFile]:
    """Those of some files that belong to a record, by id: for ids out of fields that the actor has just read."""
    wanted = [id.lower() for id in dict.fromkeys(ids) if is_uuid(id)]
    if not wanted:
        return {}
    c = table("_file", ws.db.dialect).c
    known = sa.select(c.id, c.key, c.name, c.media_type, c.size, c.sha256)
    bound = known.where(c.id.in_(wanted), c.record.is_not(None), c.deleted_at.is_(None))
    return {
        str(row.id): StoredFile(str(row.id), row.key, row.name, row.media_type, row.size, row.sha256)
        for row in ws.db.execute(bound)
    }


def open_file(ws: Workspace, id: str) -> tuple[Path, Mapping[str, str]]:
    """Where the bytes of a file are and the headers to send them with. Raises NotFound."""
    found = find(ws, id)
    path = folder(ws.host.settings) / found.key
    if not path.is_file():
        raise NotFound(NO_FILE())
    return path, headers(found)


def headers(file: StoredFile) -> Mapping[str, str]:
    """A browser saves what people uploaded; it never runs or guesses at it."""
    return {
        "Content-Type": file.media_type,
        "Content-Length": str(file.size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


def is_own_upload(ws: Workspace, id: str) -> bool:
    """Whether the actor has uploaded a file that no record has yet."""
    c = table("_file", ws.db.dialect).c
    mine = (c.id == id, c.bound_at.is_(None), c.deleted_at.is_(None), c.created_by == ws.actor.user)
    return is_uuid(id) and ws.db.execute(sa.select(c.id).where(*mine)).first() is not None


def check(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell each draft whose newly named file is not free for it, or not the actor's own upload."""
    uses = list(_named(plan, drafts))
    if not uses:
        return
    c = table("_file", ws.db.dialect).c
    free = sa.select(c.id, c.key).where(
        c.id.in_({id for _, _, id in uses}), c.bound_at.is_(None), c.deleted_at.is_(None)
    )
    if not ws.actor.platform:
        free = free.where(c.created_by == ws.actor.user)
    if ws.db.dialect == "postgresql":
        free = free.with_for_update()
    found = {str(row.id): row.key for row in ws.db.execute(free)}
    for draft, field, id in uses:
        key = found.pop(id, None)  # one record has it, and one field
        if key is None:
            if id not in draft.handed:
                draft.wrong(NOT_FREE(field.key, label=field.label))
        elif isinstance(picture := plan.types[field.id], Image):
            _check_picture(folder(ws.host.settings) / key, picture, draft, field)


def _check_picture(path: Path, type_: Image, draft: Draft, field: Field) -> None:
    try:
        with path.open("rb") as stream:
            found = images.look(stream)
    except OSError:
        found = None
    if found is None or found.media_type not in type_.media:
        names = ", ".join(each.removeprefix("image/").upper() for each in type_.media)
        draft.wrong(NO_PICTURE(field.key, label=field.label, forms=names))
    elif found.too_large:
        most = images.MOST_PIXELS // 1_000_000
        draft.wrong(LARGE_PICTURE(field.key, label=field.label, width=found.width, height=found.height, most=most))


def _named(plan: WritePlan, drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Field, str]]:
    for draft in drafts:
        for field in plan.files:
            held = plan.types[field.id].files
            before = held((draft.before or {}).get(field.id))
            for id in held(draft.values.get(field.id)):
                if id not in before:
                    yield draft, field, id


def bind(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Give the named files to their records, and take away those that they replace."""
    files = table("_file", ws.db.dialect)
    now = _moment(ws, ws.now)
    for draft, field, id in _named(plan, drafts):
        bound = {"entity": plan.entity.id, "record": draft.id, "field": field.id, "bound_at": now}
        ws.db.execute(sa.update(files).where(files.c.id == id).values(bound))
    replaced = {
        id
        for draft in drafts
        if (before := draft.before) is not None
        for field in plan.files
        for id in plan.types[field.id].files(before.get(field.id))
        if id not in plan.types[field.id].files(draft.values.get(field.id))
    }
    if replaced:
        ws.db.execute(sa.update(files).where(files.c.id.in_(replaced)).values(deleted_at=now))


def collect(ws: Workspace, limit: int = 1_000) -> int:
    """Remove uploads that no record has named within a day; how many. Replaced files stay: history names them."""
    files = table("_file", ws.db.dialect)
    c = files.c
    old = sa.select(c.id, c.key).where(c.bound_at.is_(None), c.created_at < _moment(ws, ws.now - UNBOUND_FOR))
    rows = ws.db.execute(old.limit(limit)).all()
    if rows:
        ws.db.execute(sa.delete(files).where(c.id.in_([row.id for row in rows]), c.bound_at.is_(None)))
    return len(rows)


def sweep(ws: Workspace) -> int:
    """Remove bytes that no row knows (of uploads undone or collected) once they are a day old; how many."""
    root = folder(ws.host.settings) / ws.tenant.id
    oldest = (ws.now - UNBOUND_FOR).timestamp()
    old = [path for path in root.glob("??/*") if path.stat().st_mtime < oldest] if root.is_dir() else []
    if not old:
        return 0
    c = table("_file", ws.db.dialect).c
    known: set[str] = set()
    names = [path.stem for path in old if is_uuid(path.stem)]
    for at in range(0, len(names), 500):
        known |= {str(id) for (id,) in ws.db.execute(sa.select(c.id).where(c.id.in_(names[at : at + 500])))}
    gone = [path for path in old if path.stem not in known]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)
