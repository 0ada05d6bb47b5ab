"""The definition that a run follows: that of the release with which it began."""

from __future__ import annotations

from metadata.model import Model
from metadata.problems import Gone, kind
from metadata.workflows import Workflow
from runtime.workspace import Workspace

GONE = kind(
    "run.definition_gone",
    en="The workflow {workflow} of release {release} is no longer there. Cancel this run.",
    zh="版本 {release} 的工作流 {workflow} 已不存在，请取消此运行。",
)


def definition(ws: Workspace, workflow: str, release: int) -> Workflow:
    """A workflow (id) as a release has it. Raises Gone."""
    found: Workflow | None = model_of(ws, release).get("workflows", workflow)
    if found is None:
        raise Gone(GONE(workflow=workflow, release=release))
    return found


def model_of(ws: Workspace, release: int) -> Model:
    """The model of a release. Raises NotFound."""
    if release == ws.release:
        return ws.model
    return ws.host.models.of_release(ws.tenant, ws.db, ws.restore_epoch, release)
