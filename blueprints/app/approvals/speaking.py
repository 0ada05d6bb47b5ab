"""The language of a page: the browser's choice, which may differ from the one that the person is written to."""

from __future__ import annotations

from dataclasses import replace

from blueprints import context
from runtime.workspace import Workspace


def speaking(ws: Workspace) -> Workspace:
    """For reading: what `runtime.approvals` names is named in the language of the page."""
    return replace(ws, actor=replace(ws.actor, language=context.language()))
