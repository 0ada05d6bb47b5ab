"""The sections of the description, in the order in which they are compiled.

They are imported when somebody asks for them: a process that serves compiled models never does, and starts sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metadata.section import Section

    SECTIONS: Mapping[str, Section]


def __getattr__(name: str) -> Any:
    if name != "SECTIONS":
        raise AttributeError(name)
    found = globals()["SECTIONS"] = _sections()
    return found


def _sections() -> Mapping[str, Section]:
    from metadata.sections.approvals.section import SECTION as APPROVALS
    from metadata.sections.assignments.section import SECTION as ASSIGNMENTS
    from metadata.sections.calendars.section import SECTION as CALENDARS
    from metadata.sections.dashboards.section import SECTION as DASHBOARDS
    from metadata.sections.demo.section import SECTION as DEMO
    from metadata.sections.entities.section import SECTION as ENTITIES
    from metadata.sections.imports.section import SECTION as IMPORTS
    from metadata.sections.layouts.section import SECTION as LAYOUTS
    from metadata.sections.options.section import SECTION as OPTIONS
    from metadata.sections.pools.section import SECTION as POOLS
    from metadata.sections.public_forms.section import SECTION as PUBLIC_FORMS
    from metadata.sections.roles.section import SECTION as ROLES
    from metadata.sections.scenarios.section import SECTION as SCENARIOS
    from metadata.sections.seeds.section import SECTION as SEEDS
    from metadata.sections.sla.section import SECTION as SLA
    from metadata.sections.views.section import SECTION as VIEWS
    from metadata.sections.workflows.section import SECTION as WORKFLOWS
    from metadata.sections.workspaces.section import SECTION as WORKSPACES

    ordered = (
        OPTIONS,
        CALENDARS,
        ENTITIES,
        ROLES,
        POOLS,
        ASSIGNMENTS,
        APPROVALS,
        WORKFLOWS,
        SLA,
        VIEWS,
        LAYOUTS,
        DASHBOARDS,
        WORKSPACES,
        IMPORTS,
        PUBLIC_FORMS,
        SEEDS,
        DEMO,
        SCENARIOS,
    )
    return MappingProxyType({section.name: section for section in ordered})
