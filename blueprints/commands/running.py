"""`runs`: what workflows did and do: looking, ending, taking up again, moving to another release, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blueprints.commands.output import console, json_option, language, opened_host, print_json, print_table

if TYPE_CHECKING:
    from runtime.processes.migrating import Planned
    from runtime.processes.reading import Shown
    from runtime.processes.why import Why
    from runtime.workspace import Workspace

_STATES = ("running", "waiting", "done", "failed", "cancelled", "stopped")
_language = click.option("--language", "lang", type=click.Choice(["en", "zh"]), help="The terminal's if not given.")


def add_to(main: click.Group) -> None:
    main.add_command(runs)


@click.group()
def runs() -> None:
    """Runs of workflows."""


@runs.command("list")
@click.argument("tenant")
@click.option("--workflow", help="Only runs of this one.")
@click.option("--state", type=click.Choice(_STATES), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@_language
@json_option
def list_(tenant: str, workflow: str | None, state: str | None, limit: int, lang: str | None, as_json: bool) -> None:
    """The newest runs of TENANT."""
    from runtime.processes import reading

    with _opened(tenant) as ws:
        shown, _ = reading.listing(ws, workflow, state, None, limit)
        found = [_described(ws, each, lang or language()) for each in shown]
    if as_json:
        print_json(found)
        return
    columns = ["id", "workflow", "release", "record", "state", "step", "error", "started_at"]
    print_table(columns, [tuple(each[name] for name in columns) for each in found])


@runs.command("show")
@click.argument("tenant")
@click.argument("run")
@_language
@json_option
def show(tenant: str, run: str, lang: str | None, as_json: bool) -> None:
    """What a RUN of TENANT did, line by line."""
    from runtime.processes import reading

    with _opened(tenant) as ws:
        shown = _one(ws, run)
        told = _described(ws, shown, lang or language())
        lines = [
            {"at": each.at.isoformat(), "step": each.step, "kind": each.kind, "detail": dict(each.detail)}
            for each in reading.lines_of(ws, shown)
        ]
    if as_json:
        print_json({**told, "lines": lines})
        return
    for name, value in told.items():
        console().print(f"{name}: {'' if value is None else value}", markup=False)
    print_table(["at", "step", "kind", "detail"], [tuple(each.values()) for each in lines])


@runs.command("resume")
@click.argument("tenant")
@click.argument("run", required=False)
@click.option("--workflow", help="Every run of this workflow that failed in a step.")
def resume(tenant: str, run: str | None, workflow: str | None) -> None:
    """Have the step tried again in which a RUN of TENANT failed, or all runs of a workflow."""
    from runtime.processes import reading

    if (run is None) == (workflow is None):
        raise click.UsageError("Name either one run or a workflow.")
    with _opened(tenant, write=True) as ws:
        if run is not None:
            stuck = [_one(ws, run)]
        else:
            stuck = [each for each in reading.listing(ws, workflow, "failed", None, 10_000)[0] if not each.run.is_over]
        for each in stuck:
            reading.resume(ws, each)
    console().print(f"{len(stuck)} to be taken up again.")


@runs.command("end")
@click.argument("tenant")
@click.argument("run")
def end(tenant: str, run: str) -> None:
    """End a RUN of TENANT where it stands; what it did stays."""
    from runtime.processes import reading

    with _opened(tenant, write=True) as ws:
        reading.cancel(ws, _one(ws, run))
    console().print("It is being ended.")


@runs.command("why")
@click.argument("tenant")
@click.argument("workflow")
@click.argument("entity")
@click.argument("record")
@_language
@json_option
def why(tenant: str, workflow: str, entity: str, record: str, lang: str | None, as_json: bool) -> None:
    """Why a WORKFLOW does not start for the RECORD of ENTITY in TENANT: the first condition that fails."""
    from runtime.processes import why as explaining
    from runtime.records.policies import entity_of

    spoken = lang or language()
    with _opened(tenant) as ws:
        answer = explaining.why(ws, entity_of(ws, entity), record, workflow)
    if as_json:
        from blueprints.api.processes import why_told

        print_json(why_told(answer, spoken))
        return
    for line in _why_lines(answer, spoken):
        console().print(line, markup=False)


def _why_lines(answer: Why, lang: str) -> Iterator[str]:
    from metadata.expressions.explaining import lines
    from metadata.problems import say
    from metadata.sections.workflows.drawing import STARTS

    yield from (f"- {each.message(lang)}" for each in answer.against)
    for each in answer.triggers:
        yield f"{'+' if each.holds else '-'} {each.trigger.id}: {say(STARTS[each.trigger.kind], lang)}"
        if each.explanation is not None:
            yield from (f"    {line}" for line in lines(each.explanation.failed or each.explanation.root, lang))
    if answer.latest is not None:
        yield f"= {answer.latest.id} {answer.latest.state}"


@runs.command("move")
@click.argument("tenant")
@click.argument("workflow")
@click.option("--map", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML: `old: new`.")
@click.option("--from", "release", type=click.IntRange(min=1), help="Only runs of this release.")
@click.option("--yes", is_flag=True, help="Move them; without it only what would be is told.")
@click.option("--skip", is_flag=True, help="Leave those that cannot be moved where they are.")
@_language
@json_option
def move(
    tenant: str,
    workflow: str,
    path: Path | None,
    release: int | None,
    yes: bool,
    skip: bool,
    lang: str | None,
    as_json: bool,
) -> None:
    """Move the open runs of WORKFLOW in TENANT to today's release: tells of each where it stands and lands.

    The map names every step that differs: `old_step: new_step`, or `old_step: end`.
    """
    from runtime.processes import migrating

    steps = _map(path)
    with _opened(tenant, write=yes) as ws:
        planned = migrating.plan(ws, workflow, steps, release)
        refused = sum(bool(each.problems) for each in planned)
        moved = migrating.ask(ws, planned, steps, skip=skip) if yes and (skip or not refused) else 0
    told = [_landing(each, lang or language()) for each in planned]
    if as_json:
        print_json({"runs": told, "refused": refused, "moving": moved})
    else:
        columns = ["run", "release", "stands", "lands", "begins", "refused"]
        print_table(columns, [tuple(each[name] for name in columns) for each in told])
        console().print(f"{len(told)} runs, {refused} cannot be moved, {moved} are being moved.")
    if refused and not (yes and skip):
        raise SystemExit(1)


def _map(path: Path | None) -> Any:
    from metadata.documents import yaml
    from metadata.documents.marked import Source, plain
    from metadata.problems import MetadataInvalid

    if path is None:
        return {}
    found, problems = yaml.read(path.read_text("utf-8"), Source("map", "tenant", str(path)))
    if problems:
        raise MetadataInvalid(list(problems))
    return plain(found)


def _landing(planned: Planned, lang: str) -> dict[str, Any]:
    return {
        "run": planned.run.id,
        "release": planned.run.release,
        "stands": ", ".join(each.step for each in planned.landings),
        "lands": ", ".join(each.to if each.kept else f"{each.to} (anew)" for each in planned.landings),
        "begins": ", ".join(planned.begins),
        "refused": "; ".join(each.message(lang) for each in planned.problems),
    }


@contextmanager
def _opened(tenant: str, write: bool = False) -> Iterator[Workspace]:
    from runtime import directory
    from runtime.workspace import PlatformActor, open_workspace

    with (
        opened_host() as host,
        open_workspace(host, directory.find(host, tenant), PlatformActor(), write=write, channel="command") as ws,
    ):
        yield ws


def _one(ws: Workspace, id: str) -> Shown:
    from metadata.problems import NotFound
    from runtime.processes import reading

    found = reading.any_run(ws, id)
    if found is None:
        raise NotFound(reading.NO_RUN())
    return found


def _described(ws: Workspace, shown: Shown, lang: str) -> dict[str, Any]:
    from metadata.problems import say
    from runtime.processes import reading

    run, error = shown.run, reading.error_of(ws, shown)
    return {
        "id": run.id,
        "workflow": run.workflow if shown.workflow is None else shown.workflow.key,
        "release": run.release,
        "entity": run.entity,
        "record": run.record,
        "trigger": run.trigger,
        "state": run.state,
        "step": None if error is None else error.get("step"),
        "error": None if error is None else say(error.get("texts") or {"*": str(error.get("code"))}, lang),
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(timespec="seconds"),
    }
