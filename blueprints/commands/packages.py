"""`check`, `schema`, `plan`, `apply`, `releases`: descriptions and how they reach a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blueprints.commands.output import (
    console,
    json_option,
    language,
    opened_host,
    print_json,
    print_table,
    problem_json,
    show_problems,
)

if TYPE_CHECKING:
    from metadata.changes import Change
    from metadata.documents.package import Layer
    from metadata.plan import ChangePlan
    from runtime.directory import Tenant
    from runtime.host import Host

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_RISKS = {"safe": "dim", "access": "magenta", "tightens": "yellow", "rewrites": "yellow", "destroys": "red"}


def add_to(main: click.Group) -> None:
    for command in (check, schema, plan, apply, releases):
        main.add_command(command)


@click.command()
@click.argument("path", default=".")
@json_option
@click.pass_context
def check(context: click.Context, path: str, as_json: bool) -> None:
    """Find everything that is wrong with the package at PATH (a folder, a file or a code)."""
    from blueprints.serving import layers_of
    from metadata.compiler import compile_layers
    from metadata.problems import MetadataInvalid

    try:
        compiled = compile_layers(layers_of([path]))
    except MetadataInvalid as error:
        show_problems(error.problems, as_json)
        if not as_json:
            console(errors=True).print("1 problem." if len(error.problems) == 1 else f"{len(error.problems)} problems.")
        context.exit(1)
    if as_json:
        warnings = [problem_json(each) for each in compiled.warnings]
        print_json({"problems": [], "warnings": warnings, "fingerprint": compiled.fingerprint})
        return
    show_problems(compiled.warnings)
    sections = {name: len(entries) for name, entries in compiled.model.index.items() if name != "package" and entries}
    said = ", ".join(f"{count} {name}" for name, count in sections.items())
    console().print(f"No problems: {said}.")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def schema(folder: Path) -> None:
    """Write the JSON Schemas of all sections into FOLDER, for editors that complete and check."""
    from metadata.schemas import write_schemas

    for path in write_schemas(folder):
        console().print(str(path), markup=False)


@click.command()
@click.argument("tenant")
@click.argument("path", required=False)
@click.option("--no-scenarios", is_flag=True, help="Do not play the scenarios of what is planned.")
@json_option
@click.pass_context
def plan(context: click.Context, tenant: str, path: str | None, no_scenarios: bool, as_json: bool) -> None:
    """Show what the package at PATH would change for TENANT, and store that as a plan.

    The package replaces the tenant's layer with the same code; the other layers stay. Without PATH the tenant's own
    packages are planned as they are on disk now. The scenarios of what is planned are played, and those that fail told.
    """
    from blueprints.commands.testing import of_plan, results_json
    from runtime import directory
    from runtime import schema as storage
    from runtime.workspace import PlatformActor, open_workspace

    with opened_host() as host:
        found = directory.find(host, tenant)
        layers = _layers(host, found, path)
        made = storage.plan(host, found, layers)
        with open_workspace(host, found, PlatformActor()) as ws:
            target = storage.replaced(storage.current_layers(ws), layers)
    if not as_json:
        _show(made)
    played = not (no_scenarios or made.empty or made.refused)
    results, compiled = of_plan(target, show_failed=not as_json) if played else ([], None)
    if as_json:
        scenarios = {"scenarios": results_json(results, compiled)} if played else {}
        print_json({**_plan_json(made), **scenarios})
    if made.refused or not all(each.passed for each in results):
        context.exit(1)


def _planned(host: Host, tenant: Tenant, path: str | None) -> ChangePlan:
    from runtime import schema as storage

    return storage.plan(host, tenant, _layers(host, tenant, path))


def _layers(host: Host, tenant: Tenant, path: str | None) -> list[Layer]:
    """What is planned anew: the package at a path, or all of the tenant's as they are on disk now."""
    from blueprints.serving import layer_at, layers_of
    from runtime import releases as stored
    from runtime.workspace import PlatformActor, open_workspace

    if path is not None:
        return [layer_at(path)]
    with open_workspace(host, tenant, PlatformActor()) as ws:
        codes = [code for release in stored.history(ws.db, 1) for code in release.packages]
    return layers_of(codes)


def _plan_json(made: ChangePlan) -> dict[str, Any]:
    from metadata.plan import dump

    return {"id": made.id, **dump(made), "refused": [problem_json(each) for each in made.refused]}


def _show(made: ChangePlan) -> None:
    """The plan as a coloured difference."""
    from rich.text import Text

    out = console()
    if made.empty:
        out.print("Nothing to change.")
        return
    for change in made.changes:
        sign, color = _SIGNS[change.kind]
        line = Text(f"{sign} {change.path}", color).append(_values(change), "dim")
        if change.risk != "safe":
            line.append(f"  [{change.risk}]", _RISKS[change.risk])
        if change.rows is not None:
            what = "running requests end" if change.section == "approvals" else "records computed"
            line.append(f"  {change.rows} {what}")
        out.print(line)
        if change.refused is not None:
            out.print(Text(f"    {change.refused.message(language())}", "red"))
    counts = {risk: sum(each.risk == risk for each in made.changes) for risk in _RISKS}
    out.print(", ".join(f"{count} {risk}" for risk, count in counts.items() if count))
    out.print(f"Plan {made.id}", markup=False)


def _values(change: Change) -> str:
    if change.kind != "changed":
        return ""
    before, after = _short(change.before), _short(change.after)
    return f"  {before} -> {after}" if before != after else ""


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


@click.command()
@click.argument("tenant")
@click.argument("plan_or_path")
@click.option("--yes", is_flag=True, help="With a path: do not ask.")
@json_option
@click.pass_context
def apply(context: click.Context, tenant: str, plan_or_path: str, yes: bool, as_json: bool) -> None:
    """Carry out a reviewed plan by its id; or plan the package at a path, show it, ask, and carry it out."""
    from metadata.ids import is_uuid
    from runtime import directory
    from runtime import schema as storage

    with opened_host() as host:
        found = directory.find(host, tenant)
        id: str | None = plan_or_path
        if not is_uuid(plan_or_path):
            made = _planned(host, found, plan_or_path)
            id = made.id
            if not as_json:
                _show(made)
            if made.refused:
                context.exit(1)
            if made.empty:
                if as_json:
                    print_json({"release": None, "empty": True})
                return
            if not yes:
                click.confirm("Apply it?", abort=True)
        assert id is not None
        release = storage.apply(host, found, id)
    if as_json:
        print_json({"release": release})
    else:
        console().print(f"Release {release} is in force.")


@click.command()
@click.argument("tenant")
@json_option
def releases(tenant: str, as_json: bool) -> None:
    """The releases of TENANT, the newest first."""
    from runtime import directory
    from runtime import releases as stored
    from runtime.workspace import PlatformActor, open_workspace

    with opened_host() as host, open_workspace(host, directory.find(host, tenant), PlatformActor()) as ws:
        found = stored.history(ws.db)
    if as_json:
        print_json([_release_json(each) for each in found])
        return
    rows: Sequence[Sequence[object]] = [
        (each.number, f"{each.created_at:%Y-%m-%d %H:%M}", each.actor_name, _packages(each), each.fingerprint[:12])
        for each in found
    ]
    print_table(["release", "made", "by", "packages", "fingerprint"], rows)


def _packages(release: Any) -> str:
    return ", ".join(f"{code} {version}" for code, version in release.packages.items())


def _release_json(release: Any) -> dict[str, Any]:
    return {
        "number": release.number,
        "fingerprint": release.fingerprint,
        "parent": release.parent,
        "created_at": release.created_at.isoformat(),
        "actor": release.actor_name,
        "packages": dict(release.packages),
        "summary": dict(release.summary),
    }
