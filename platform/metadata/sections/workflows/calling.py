"""Addresses of requests, checked when they are described: what the door to the outside would never let through."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from metadata.sections.workflows import refusals as r
from metadata.sections.workflows.reading import Reader

USUAL = frozenset({80, 443, 8080, 8443})
"""Ports that need nobody's leave."""
_RESERVED = 1024
"""Ports below it belong to services that are not HTTP."""
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_DOTTED = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")


def check_url(reader: Reader, url: Any, *path: str) -> None:
    """Refuse what is no address, and ports that are never called; warn of ports that the operator must allow."""
    if not isinstance(url, str):
        return
    try:
        port = port_of(url)
    except ValueError:
        reader.refuse(r.BAD_URL, *path, url=url[:100])
        return
    if port in USUAL:
        return
    if port < _RESERVED:
        reader.refuse(r.CLOSED_PORT, *path, port=port)
    else:
        reader.compilation.warn(r.ODD_PORT, reader.element, *path, port=port)


def port_of(url: str) -> int:
    """The port that a URL leads to. Raises ValueError for one that cannot be called, or might be read as another."""
    plain = url.isprintable() and not set(url) & set(' \\"<>^`{|}')
    parts = urlsplit(url) if plain else None
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise ValueError(url)
    _check_host(parts.hostname or "", "[" in parts.netloc)
    if not f"{parts.path}{parts.query}".isascii():
        raise ValueError(url)
    return parts.port if parts.port is not None else (443 if parts.scheme == "https" else 80)


def _check_host(host: str, bracketed: bool) -> None:
    if bracketed:
        ip_address(host)
        return
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    if not _HOST.fullmatch(name):
        raise ValueError(host)
    if _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
        if not _DOTTED.fullmatch(name.rstrip(".")):
            raise ValueError(host)
        ip_address(name.rstrip("."))
