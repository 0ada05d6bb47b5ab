"""The command line `metaloom`. Slow libraries are imported inside the commands, so that help appears at once."""

from __future__ import annotations

import click

from blueprints.commands import (
    data,
    delivering,
    explaining,
    packages,
    people,
    running,
    serving,
    simulating,
    tenants,
    testing,
)
from blueprints.commands.output import Group


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="metaloom")
def main() -> None:
    """Metaloom: a description becomes a running CRM.

    Settings come from the environment (METALOOM_DATABASE_URL, METALOOM_REDIS_URL, ...). Exit codes: 0 all is well,
    1 there are problems, 2 the command was not understood.
    """


for part in (serving, packages, tenants, people, data, delivering, running, explaining, simulating, testing):
    part.add_to(main)
