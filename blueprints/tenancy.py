"""Whose data a request is about: the host name, else the prefix `/t/<tenant>/`, else the only tenant."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from metadata.problems import NotFound, Unavailable, kind
from runtime import directory
from runtime.directory import Tenant
from runtime.host import Host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "metaloom.tenant"
_PATH = re.compile(r"^/t/([a-z0-9][a-z0-9_-]{0,62})(?=/|$)")
_LABEL = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
_KEPT_SECONDS = 5.0
_KEPT_MOST = 1_000

UNKNOWN = kind(
    "tenant_unknown",
    en="There is no organisation at this address. Check the address, or ask the person who gave it to you.",
    zh="此地址没有对应的组织。请检查地址，或向提供地址的人确认。",
)
NOT_CHOSEN = kind(
    "tenant_not_chosen",
    en="This address serves several organisations. Put /t/<name>/ in front of the path.",
    zh="此地址服务于多个组织。请在路径前加上 /t/<名称>/。",
)
NOT_ACTIVE = kind(
    "tenant_not_active",
    en="This organisation is not open right now. Try again later, or ask its administrator.",
    zh="该组织当前不可用。请稍后重试，或联系管理员。",
)


class PathPrefix:
    """Moves `/t/<tenant>` from the path to the script's name, so that every address made from it keeps it."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = _PATH.match(environ.get("PATH_INFO", ""))
        if found:
            environ[PREFIX] = found[1]
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + found[0]
            environ["PATH_INFO"] = environ["PATH_INFO"][len(found[0]) :] or "/"
        return self._app(environ, start_response)


class Tenants:
    """The directory as one process remembers it, for a few seconds: who is where, and who is alone."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._found: dict[str, tuple[float, Tenant | None]] = {}
        self._only: tuple[float, Tenant | None] = (0.0, None)

    def of(self, host_name: str, prefix: str | None) -> Tenant:
        """The tenant of a request. Raises NotFound, Unavailable while it is being made or dropped."""
        found = self._of(host_name, prefix)
        if found.state != "active":
            raise Unavailable(NOT_ACTIVE())
        return found

    def _of(self, host_name: str, prefix: str | None) -> Tenant:
        label = host_label(host_name)
        by_host = self._find(label) if label else None
        if by_host is not None and prefix in (None, by_host.name):
            return by_host
        if by_host is None and prefix is not None and (by_prefix := self._find(prefix)):
            return by_prefix
        if by_host is None and prefix is None:
            if (only := self._alone()) is not None:
                return only
            raise NotFound(NOT_CHOSEN())
        raise NotFound(UNKNOWN())

    def _find(self, name: str) -> Tenant | None:
        now = time.monotonic()
        kept = self._found.get(name)
        if kept and now - kept[0] < _KEPT_SECONDS:
            return kept[1]
        try:
            found: Tenant | None = directory.find(self._host, name)
        except NotFound:
            found = None
        if len(self._found) >= _KEPT_MOST:  # somebody is guessing
            self._found.clear()
        self._found[name] = (now, found)
        return found

    def _alone(self) -> Tenant | None:
        now = time.monotonic()
        if not self._only[0] or now - self._only[0] >= _KEPT_SECONDS:
            found = directory.all(self._host)
            self._only = (now, found[0] if len(found) == 1 else None)
        return self._only[1]


@lru_cache(maxsize=1_000)
def host_label(host_name: str) -> str | None:
    """The first label of a host name with several, which may name a tenant: `acme` of `acme.example.com:8000`."""
    name = host_name.rsplit(":", 1)[0] if not host_name.endswith("]") else host_name
    try:
        ip_address(name.strip("[]"))
        return None
    except ValueError:
        label, _, rest = name.lower().partition(".")
        return label if rest and _LABEL.match(label) else None


def is_name(text: str) -> bool:
    """Whether a text can be a tenant's name."""
    return bool(_LABEL.match(text))
