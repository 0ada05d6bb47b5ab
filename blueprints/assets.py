"""The built files of the pages: which there are, what they are called now, and Tabler's icons set into a page."""

from __future__ import annotations

import hashlib
import mimetypes
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, url_for
from markupsafe import Markup, escape

from metadata.problems import NotFound, Unavailable, kind

STATIC = Path(__file__).resolve().parent / "static"
DIST = STATIC / "dist"
_LOOK_AGAIN_SECONDS = 1.0
_UNKNOWN_ICON = "circle-dotted"

NOT_BUILT = kind(
    "assets_not_built",
    en="The pages' styles and scripts are not built. Run `make assets` (it finds or fetches Node by itself).",
    zh="页面的样式和脚本尚未构建。请运行 `make assets`（会自动查找或获取 Node）。",
)


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent: `zipped` is the same content for callers that take gzip, or None."""

    content: bytes
    zipped: bytes | None
    media_type: str
    tag: str
    hashed: bool
    """Whether the name changes with the content, so that a browser may keep it for good."""


@dataclass(slots=True)
class Build:
    """One build as a process knows it. `stamp` is the manifest's time of change in nanoseconds."""

    stamp: int
    names: dict[str, str]
    preload: dict[str, list[str]]
    icon_file: str
    files: dict[str, File | None] = field(default_factory=dict)
    icons: dict[str, str] | None = None


class Shelf:
    """The newest build in a folder; looks for a newer one at most once a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._build: Build | None = None
        self._looked = 0.0
        self._lock = threading.Lock()

    def build(self) -> Build:
        """Raises Unavailable when nothing is built."""
        now = time.monotonic()
        if self._build is not None and now - self._looked < _LOOK_AGAIN_SECONDS:
            return self._build
        with self._lock:
            path = self._folder / "manifest.json"
            try:
                stamp = path.stat().st_mtime_ns
                if self._build is None or self._build.stamp != stamp:
                    self._build = _read(path, stamp)
            except OSError:
                raise Unavailable(NOT_BUILT()) from None
            self._looked = now
            return self._build

    def name(self, logical: str) -> str:
        """The hashed name of `main.js` and the like. Raises KeyError for a file that the build does not make."""
        return self.build().names[logical]

    def file(self, name: str) -> File:
        """A built file by its hashed name, or one that is committed. Raises NotFound."""
        build = self.build()
        if name not in build.files:
            build.files[name] = self._open(name) if _is_plain(name) else None
        found = build.files[name]
        if found is None:
            raise NotFound()
        return found

    def icon(self, name: str) -> str:
        """The shapes of an icon by its name at tabler.io, e.g. `target`; a small dotted circle for an unknown one."""
        build = self.build()
        if build.icons is None:
            build.icons = orjson.loads((self._folder / build.icon_file).read_bytes())
        return build.icons.get(name) or build.icons[_UNKNOWN_ICON]

    def _open(self, name: str) -> File | None:
        for path in (self._folder / name, STATIC / name):
            if path.is_file() and path.suffix not in (".json", ".gz"):
                zipped = path.with_name(f"{name}.gz")
                media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
                content = path.read_bytes()
                return File(
                    content,
                    zipped.read_bytes() if zipped.is_file() else None,
                    "text/javascript" if name.endswith(".js") else media_type,
                    hashlib.sha256(content).hexdigest()[:20],
                    path.parent == self._folder and not name.endswith(".test.js"),
                )
        return None


def _read(path: Path, stamp: int) -> Build:
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    _icon.cache_clear()
    return Build(stamp, found["files"], found["preload"], found["icons"])


def _is_plain(name: str) -> bool:
    return "/" not in name and "\\" not in name and not name.startswith(".")


SHELF = Shelf(DIST)


def asset(logical: str) -> str:
    """The address of a built file: `asset("main.js")`."""
    return url_for("public.asset", name=SHELF.name(logical))


def preloads(logical: str) -> list[str]:
    """Addresses of what a script is sure to import."""
    return [url_for("public.asset", name=each) for each in SHELF.build().preload.get(logical, ())]


def icon(name: str | None, label: str | None = None) -> Markup:
    """An icon as SVG. Without a label it is decoration, which a screen reader passes over."""
    return _icon(name or "", label or "")


@lru_cache(maxsize=2_000)
def _icon(name: str, label: str) -> Markup:
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
        f'stroke-linecap="round" stroke-linejoin="round" {said}>{SHELF.icon(name)}</svg>'
    )


def require() -> None:
    """Raises Unavailable with the remedy when nothing is built."""
    SHELF.build()


def install(app: Flask) -> None:
    """Give templates `asset`, `preloads` and `icon`. Raises Unavailable with the remedy when nothing is built."""
    require()
    app.jinja_env.globals.update(asset=asset, preloads=preloads, icon=icon)
