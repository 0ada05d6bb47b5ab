"""The sections of the description, in the order in which they are compiled."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from metadata.section import Section
from metadata.sections.dashboards.section import SECTION as DASHBOARDS
from metadata.sections.demo.section import SECTION as DEMO
from metadata.sections.entities.section import SECTION as ENTITIES
from metadata.sections.imports.section import SECTION as IMPORTS
from metadata.sections.layouts.section import SECTION as LAYOUTS
from metadata.sections.options.section import SECTION as OPTIONS
from metadata.sections.public_forms.section import SECTION as PUBLIC_FORMS
from metadata.sections.roles.section import SECTION as ROLES
from metadata.sections.seeds.section import SECTION as SEEDS
from metadata.sections.views.section import SECTION as VIEWS
from metadata.sections.workspaces.section import SECTION as WORKSPACES

SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        section.name: section
        for section in (
            OPTIONS,
            ENTITIES,
            ROLES,
            VIEWS,
            LAYOUTS,
            DASHBOARDS,
            WORKSPACES,
            IMPORTS,
            PUBLIC_FORMS,
            SEEDS,
            DEMO,
        )
    }
)
