"""What whoever performs an effect works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.workflows import Create, Workflow
from runtime.processes.instances import Run
from runtime.processes.world import Records
from runtime.workspace import Workspace
from workflow.engine import Instance


@dataclass(frozen=True, slots=True)
class Moving:
    """A run on its way. `ws` is the platform's, `acts` the same transaction with the rights that the run has."""

    ws: Workspace
    acts: Workspace
    workflow: Workflow
    run: Run
    world: Records
    instance: Instance | None = None
    told: dict[str, Any] = field(default_factory=dict)
    """What the trace keeps of what was done, as JSON data: whoever performs fills it."""
    source: str = "workflow"
    """What its tasks come from."""
    notice: str = "message"
    """What kind of notification it sends."""

    @property
    def made(self) -> Mapping[str, str]:
        """Id of a `create` step -> the record that it made."""
        return {} if self.instance is None else self.instance.made

    def entity_made(self, record: Any) -> str | None:
        """The entity of a record that one of the run's steps made; None for any other."""
        for step in self.workflow.every():
            if isinstance(step, Create) and self.made.get(step.id) == record:
                return step.entity
        return None
