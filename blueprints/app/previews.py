"""Uploaded files looked at in place: images and PDF as they are, text escaped, everything else only to be saved.

What people uploaded is never run: images and PDF by their checked type alone, and in no page of ours but the viewer,
which is the one page that may hold a frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flask import Response, render_template, request, send_file, url_for

from blueprints import context, security
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from metadata.problems import NotFound
from runtime import files
from runtime.files import StoredFile
from runtime.workspace import Workspace

Kind = Literal["image", "pdf", "text", "other"]

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Formats that hold no program; SVG does, and is shown as text."""
_TEXTS = ("text/", "application/json", "application/xml", "application/yaml", "application/sql", "image/svg+xml")
_MOST_TEXT = 200_000
_MOST_THUMBNAIL = 4 * 1024 * 1024
_ENDINGS = {"zip": "file-zip", "pdf": "file-type-pdf", "doc": "file-type-doc", "docx": "file-type-docx"}
_INLINE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_FRAMED = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@dataclass(frozen=True, slots=True)
class Preview:
    """A file as a page shows it. `image_url` is there when it is small enough to be a thumbnail."""

    id: str
    name: str
    size: str
    kind: Kind
    icon: str
    view_url: str
    download_url: str
    image_url: str | None = None


def previews(ws: Workspace, ids: Iterable[str]) -> dict[str, Preview]:
    """By id, of the files that still are there."""
    return {id: preview(found) for id, found in files.about(ws, ids).items()}


def preview(file: StoredFile) -> Preview:
    kind = kind_of(file.media_type)
    small = kind == "image" and file.size <= _MOST_THUMBNAIL
    return Preview(
        file.id,
        file.name,
        size_text(file.size),
        kind,
        _icon(kind, file.name),
        url_for("app.view_file", id=file.id),
        url_for("api.download", id=file.id),
        url_for("app.file_content", id=file.id) if small else None,
    )


def kind_of(media_type: str) -> Kind:
    if media_type in _IMAGES:
        return "image"
    if media_type == "application/pdf":
        return "pdf"
    return "text" if media_type.startswith(_TEXTS) else "other"


def _icon(kind: Kind, name: str) -> str:
    if kind == "image":
        return "photo"
    if kind == "text":
        return "file-text"
    return _ENDINGS.get(name.rpartition(".")[2].lower(), "file")


def size_text(size: int) -> str:
    """Bytes in the unit that leaves few digits."""
    amount = float(size)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"


def view_file(id: str) -> Response:
    """The file in a page of its own; `?part=1`: only what a dialog shows of it."""
    return context.perform(lambda ws: _view(ws, id))


def _view(ws: Workspace, id: str) -> Response:
    file = files.find(ws, id)
    shown = preview(file)
    text = _text(ws, id) if shown.kind == "text" else ""
    values: dict[str, Any] = {
        "file": shown,
        "text": text,
        "cut": file.size > _MOST_TEXT,
        "content": url_for("app.file_content", id=id),
    }
    if request.args.get("part"):
        return Response(render_template("record_file_part.html", **values))
    response = page(ws, "record_file.html", **values)
    if shown.kind == "pdf":
        response.headers["Content-Security-Policy"] = f"{security.PAGE_POLICY}; frame-src 'self'"
    return response


def _text(ws: Workspace, id: str) -> str:
    path, _ = files.open_file(ws, id)
    with path.open("rb") as stream:
        data = stream.read(_MOST_TEXT)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start > len(data) - 4:  # cut in the middle of a letter
                return data[: error.start].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def file_content(id: str) -> Response:
    """The bytes of an image or a PDF, to be shown. Raises NotFound for any other type."""

    def opened(ws: Workspace) -> tuple[Path, StoredFile]:
        return files.open_file(ws, id)[0], files.find(ws, id)

    path, file = context.perform(opened)
    kind = kind_of(file.media_type)
    if kind not in ("image", "pdf"):
        raise NotFound(files.NO_FILE())
    response = send_file(path, mimetype=file.media_type, conditional=True, etag=False)
    response.headers["Content-Security-Policy"] = _INLINE if kind == "image" else _FRAMED
    if kind == "pdf":
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "private, max-age=600"
    response.headers["Vary"] = "Cookie"
    return response


ROUTES = (
    Route("/app/-/file/<id>", "GET", view_file, PAGE),
    Route("/app/-/file/<id>/content", "GET", file_content, PAGE),
)
