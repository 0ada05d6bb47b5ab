"""`tenant`, `upgrade` and `doctor`: which organisations there are, and whether all is well with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blueprints.commands.output import console, json_option, opened_host, print_json, print_table

if TYPE_CHECKING:
    from runtime.system.migrate import Upgraded


def add_to(main: click.Group) -> None:
    for command in (tenant, upgrade, doctor, reencrypt):
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
@click.option("--recompute", "recomputed", metavar="TENANT", help="Prove that every computed value is right.")
@click.option("--write", is_flag=True, help="Put right what --recompute finds.")
@json_option
@click.pass_context
def doctor(context: click.Context, recomputed: str | None, write: bool, as_json: bool) -> None:
    """Look whether settings, database, Redis, tenants and jobs are well; with --recompute, whether values are."""
    from blueprints.commands.examination import examine

    if recomputed is not None:
        from blueprints.commands.recomputing import recompute

        if not recompute(recomputed, write=write, as_json=as_json):
            context.exit(1)
        return
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


@click.command()
@click.argument("names", metavar="[TENANT]...", nargs=-1)
@json_option
def reencrypt(names: tuple[str, ...], as_json: bool) -> None:
    """Encrypt what tenants (all, if none is named) keep secret with METALOOM_SECRET_KEY.

    METALOOM_OLD_SECRET_KEY opens what the former key has encrypted. May be stopped and started again.
    """
    from runtime import directory, encrypting, sealing
    from runtime.workspace import PlatformActor, open_workspace

    done: list[dict[str, Any]] = []
    with opened_host() as host:
        if sealing.current_key(host.settings) is None:
            raise click.UsageError("Set METALOOM_SECRET_KEY to at least 32 random characters.")
        for each in [directory.find(host, name) for name in names] or directory.all(host):

            def told(entity: str, number: int, name: str = each.name) -> None:
                if number and not as_json:
                    console().print(f"{name}: {entity}: {number} encrypted")

            number = encrypting.everything(host, each, told)
            with open_workspace(host, each, PlatformActor()) as ws:
                done.append({"tenant": each.name, "done": number, "left": encrypting.pending(ws)})
    if as_json:
        print_json(done)
    else:
        print_table(["tenant", "done", "left"], [tuple(each.values()) for each in done])
    if any(each["left"] for each in done):
        raise click.exceptions.Exit(1)
