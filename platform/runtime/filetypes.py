"""What kind of file some bytes are, by their beginning, against what was declared."""

from __future__ import annotations

import re

OCTETS = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
"""A media type as RFC 6838 has it; what a header says may be anything."""
_ZIPPED = "application/zip"
_OLE = "application/x-ole-storage"

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftyp", "video/mp4"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (0, b"PK\x03\x04", _ZIPPED),
    (0, b"PK\x05\x06", _ZIPPED),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"MZ", "application/x-msdownload"),
    (0, b"\x7fELF", "application/x-executable"),
)

_FAMILIES: dict[str, tuple[str, ...]] = {
    # Office files are archives; other formats are, too.
    _ZIPPED: (
        "application/vnd.openxmlformats-officedocument.",
        "application/vnd.ms-",
        "application/vnd.oasis.opendocument.",
        "application/epub+zip",
        "application/zip",
        "application/x-zip-compressed",
        "application/java-archive",
        "application/vnd.android.package-archive",
    ),
    _OLE: ("application/msword", "application/vnd.ms-", "application/x-ole-storage", "application/vnd.visio"),
    "video/mp4": ("video/", "audio/", "image/heic", "image/heif", "image/avif"),
    "audio/ogg": ("audio/", "video/", "application/ogg"),
    "application/x-msdownload": ("application/x-msdownload", "application/vnd.microsoft.portable-executable"),
    "application/gzip": ("application/gzip", "application/x-gzip", "application/x-tar"),
    "image/jpeg": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "image/bmp": ("image/bmp", "image/x-ms-bmp", "text/"),
    "audio/wav": ("audio/",),
    "audio/mpeg": ("audio/", "text/"),
    "text/plain": (
        "text/",
        "application/json",
        "application/xml",
        "application/x-ndjson",
        "application/sql",
        "application/yaml",
        "application/x-yaml",
        "application/rtf",
        "application/javascript",
        "image/svg+xml",
        "message/",
        "application/csv",
        "application/vnd.ms-excel",
    ),
}


def found_type(head: bytes) -> str:
    """The type that the first bytes show; OCTETS when they show none."""
    for at, mark, name in _MAGIC:
        if head[at : at + len(mark)] == mark:
            return name
    return "text/plain" if _is_text(head) else OCTETS


def accepted_type(declared: str | None, head: bytes) -> tuple[str | None, str]:
    """The media type to keep (None: what was declared and what is there contradict each other), and the one found."""
    found = found_type(head)
    said = (declared or "").partition(";")[0].strip().lower()
    if said in (OCTETS, "application/x-unknown") or len(said) > 100 or not _TYPE.fullmatch(said):
        return found, found
    if not head or any(said.startswith(each) for each in _FAMILIES.get(found, (found,))):
        return said, found
    if found == OCTETS and not _is_known(said):
        return said, found
    return None, found


def _is_known(said: str) -> bool:
    """Whether files of this type would have shown themselves."""
    known = {name for _, _, name in _MAGIC} | {"image/svg+xml", "application/json", "application/xml"}
    return said in known or said.startswith(("text/", "application/vnd.openxmlformats-"))


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return head.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16 with its mark
    return True if not head else sum(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head) * 50 < len(head)
