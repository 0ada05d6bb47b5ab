"""Addresses of our own pages as they stand in mail, out of METALOOM_BASE_URL."""

from __future__ import annotations

from runtime.workspace import Workspace


def page_of(ws: Workspace, path: str) -> str:
    """The whole address of a path (`/app/deal/...`) of the tenant; empty when nobody has said where the site is."""
    base = ws.host.settings.base_url.rstrip("/")
    if not base:
        return ""
    if "{tenant}" in base:
        return base.replace("{tenant}", ws.tenant.name) + path
    return f"{base}/t/{ws.tenant.name}{path}"
