"""`tenant`, `upgrade` and `doctor`: which organisations there are, and whether all is well with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from blueprints.commands.output import console, json_option, opened_host, print_json, print_table

if TYPE_CHECKING:
    from runtime.system.migrate import Upgraded


def add_to(main: click.Group) -> None:
    for command in (tenant, upgrade, doctor):
        main.add_command(command)


@click.group()
def tenant() -> None:
    """Organisations, each with its own data."""


@tenant.command("create")
@click.argument("name")
@click.option(
    "--package", "packages", multiple=True, required=True, help="A folder, file or code; what it requires comes along."
)
@click.option("--label", default="", help="The organisation's name for people.")
@json_option
def tenant_create(name: str, packages: tuple[str, ...], label: str, as_json: bool) -> None:
    """Make the tenant NAME from packages."""
    from blueprints.serving import layers_of
    from runtime import tenants

    layers = layers_of(list(packages))
    with opened_host() as host:
        made = tenants.create(host, name, layers, label or None)
    if as_json:
        print_json({"id": made.id, "name": made.name, "packages": [each.code for each in layers]})
    else:
        console().print(f"Tenant {made.name} is there. Next: metaloom user add {made.name} LOGIN --role ROLE")


@tenant.command("list")
@json_option
def tenant_list(as_json: bool) -> None:
    """Every tenant."""
    from runtime import directory

    with opened_host() as host:
        found = directory.all(host)
    if as_json:
        print_json([{"id": each.id, "name": each.name, "label": each.label, "state": each.state} for each in found])
    else:
        print_table(["name", "label", "state", "id"], [(each.name, each.label, each.state, each.id) for each in found])


@tenant.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def tenant_drop(name: str, yes: bool) -> None:
    """Delete the tenant NAME with all its data."""
    from runtime import directory, tenants

    with opened_host() as host:
        directory.find(host, name)
        if not yes and click.prompt(f"All data of {name} will be lost. Type its name to go on") != name:
            raise click.Abort
        tenants.drop(host, name)
    console().print(f"Tenant {name} is gone.")


@click.command()
@json_option
@click.pass_context
def upgrade(context: click.Context, as_json: bool) -> None:
    """Bring the platform's own tables of every tenant up to this version. May be repeated."""
    from runtime.system.migrate import upgrade_all

    with opened_host() as host:
        verdicts = upgrade_all(host)
    if as_json:
        print_json(
            [
                {"tenant": each.tenant, "before": each.before, "after": each.after, "verdict": each.verdict}
                for each in verdicts
            ]
        )
    else:
        print_table(
            ["tenant", "before", "after", "verdict"], [(e.tenant, e.before, e.after, e.verdict) for e in verdicts]
        )
    if any(each.verdict == "busy" for each in verdicts):
        context.exit(1)


_VERDICT = ("tenant", "before", "after", "verdict")


def _row(verdict: Upgraded) -> tuple[str, int, int, str]:
    return verdict.tenant, verdict.before, verdict.after, verdict.verdict


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look whether settings, database, Redis, tenants and jobs are well."""
    from blueprints.commands.examination import examine

    findings = examine()
    if as_json:
        print_json([{"what": each.what, "ok": each.ok, "said": each.said} for each in findings])
    else:
        from rich.text import Text

        for each in findings:
            mark = Text("ok    ", "green") if each.ok else Text("wrong ", "red")
            console().print(mark.append(each.what, "bold").append(f": {each.said}"))
    if not all(each.ok for each in findings):
        context.exit(1)
