"""Files over REST: an upload gets an id, which a record's file field then names; a download is never shown in place."""

from __future__ import annotations

import hashlib
import tempfile
from typing import IO, cast

from flask import Response, request, send_file, url_for

from blueprints import context
from blueprints.api import arguments
from blueprints.api.writing import Written, asked, write
from metadata.problems import BadRequest, kind
from runtime import files
from runtime.workspace import Workspace

_IN_MEMORY = 1024 * 1024

NO_PART = kind(
    "upload_missing",
    en="The request brings no file. Send multipart/form-data with a part called file, or the bytes with ?name=.",
    zh="请求中没有文件。请以 multipart/form-data 发送名为 file 的部分，或直接发送字节并用 ?name= 指定文件名。",
)


def upload() -> Response:
    """Keep a file for a day, until a record names it: `{"id", "name", "media_type", "size", "sha256"}`."""
    given = arguments.read(request, "name")
    # The bytes are here before the transaction opens: nobody waits for a slow sender.
    stream, name, declared = _part() if request.mimetype == "multipart/form-data" else _body(given.get("name"))

    def command(ws: Workspace) -> Written:
        stream.seek(0)
        found = files.find(ws, files.store(ws, stream, name, declared))
        told = {
            "id": found.id,
            "name": found.name,
            "media_type": found.media_type,
            "size": found.size,
            "sha256": found.sha256,
        }
        return Written(told, 201, url_for("api.download", id=found.id))

    said = b""
    if "Idempotency-Key" in request.headers:
        stream.seek(0)
        digest = hashlib.sha256()
        while chunk := stream.read(1 << 16):
            digest.update(chunk)
        said = asked(digest.digest(), name, declared)
    return write(command, said)


def _part() -> tuple[IO[bytes], str, str | None]:
    found = request.files.get("file")
    if found is None:
        raise BadRequest(NO_PART("file"))
    return found.stream, found.filename or "", found.mimetype or None


def _body(name: str | None) -> tuple[IO[bytes], str, str | None]:
    if not name:
        raise BadRequest(NO_PART("file"))
    spooled = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  closed when the request is forgotten
    while chunk := request.stream.read(1 << 16):
        spooled.write(chunk)
    return cast(IO[bytes], spooled), name, request.mimetype or None


def download(id: str) -> Response:
    """The bytes, as an attachment that no browser runs."""
    arguments.read(request)
    path, headers = context.perform(lambda ws: files.open_file(ws, id))
    response = send_file(path, mimetype="application/octet-stream", conditional=True, etag=False)
    for header, value in headers.items():
        if header != "Content-Length":
            response.headers[header] = value
    return response
