"""`load`, `export` and `jobs`: data in and out, and the work that goes on behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blueprints.commands.output import console, json_option, language, opened_host, print_json, print_table

if TYPE_CHECKING:
    from runtime.directory import Tenant
    from runtime.host import Host
    from runtime.jobs.work import Job
    from runtime.transfer.options import Options
    from runtime.transfer.reports import Report
    from runtime.workspace import Workspace

_ENDED = frozenset({"done", "failed", "cancelled", "dead"})


def add_to(main: click.Group) -> None:
    for command in (load, export, jobs):
        main.add_command(command)


@click.command()
@click.argument("tenant")
@click.argument("entity")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--mode", type=click.Choice(["insert", "update", "upsert"]), help="What to do with the rows.")
@click.option("--by", multiple=True, help="A field by which records are found again; may be given several times.")
@click.option("--import", "mapping", help="An import mapping of the description.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--keep-good/--all-or-nothing", default=True, help="What happens when rows are refused.")
@click.option("--ignore-unknown", is_flag=True, help="Pass over columns that mean no field.")
@click.option("--accept-warnings", is_flag=True, help="Write rows of which rules only warn.")
@click.option("--as-user", help="Load as this person; else as the platform itself.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the refused rows to this CSV file."
)
@click.option("--resume", "job_id", help="Go on with the job of an import that stopped.")
@json_option
@click.pass_context
def load(
    context: click.Context,
    tenant: str,
    entity: str,
    file: Path | None,
    mode: Any,
    by: tuple[str, ...],
    mapping: str | None,
    dry_run: bool,
    keep_good: bool,
    ignore_unknown: bool,
    accept_warnings: bool,
    as_user: str | None,
    report: Path | None,
    job_id: str | None,
    as_json: bool,
) -> None:
    """Load FILE (CSV or XLSX) into ENTITY of TENANT. Exit code 1 when rows were refused."""
    from runtime import directory
    from runtime.transfer.options import Options

    if file is None and job_id is None:
        raise click.UsageError("Name a file, or go on with --resume JOB.")
    options = Options(
        mode=mode,
        by=by,
        mapping=mapping,
        dry_run=dry_run,
        all_or_nothing=not keep_good,
        ignore_unknown=ignore_unknown,
        accept_warnings=accept_warnings,
        language=language(),
    )
    with opened_host() as host:
        found = directory.find(host, tenant)
        if job_id is not None:
            _take_up(host, found, job_id)
            made = _finished(host, found, job_id, as_json)
        else:
            assert file is not None
            made = _loaded(host, found, entity, file, options, as_user, as_json)
        if report is not None:
            _write_report(host, found, made, report)
    _tell(made, as_json)
    if made.state != "done" or made.totals.failed or (not made.written and not dry_run):
        context.exit(1)


def _loaded(
    host: Host, tenant: Tenant, entity: str, file: Path, options: Options, login: str | None, as_json: bool
) -> Report:
    from runtime import accounts
    from runtime.transfer import importing
    from runtime.workspace import AsUser, PlatformActor

    identify: AsUser | PlatformActor = PlatformActor()
    if login is not None:
        with _workspace(host, tenant) as ws:
            identify = AsUser(accounts.find(ws, login))
    made = importing.load(host, tenant, identify, entity, file, options)
    return _finished(host, tenant, made.job, as_json) if made.job else made


def _take_up(host: Host, tenant: Tenant, job_id: str) -> None:
    from runtime.jobs import table

    with _workspace(host, tenant, write=True) as ws:
        if table.get(ws, job_id).state in ("failed", "dead", "cancelled"):
            table.retry(ws, job_id)


def _finished(host: Host, tenant: Tenant, job_id: str, as_json: bool) -> Report:
    """Do a job here and now, unless a worker does it, and show how far it is."""
    from runtime.jobs import table
    from runtime.jobs.drain import drain
    from runtime.transfer import reports

    with _progress(as_json) as show:
        while True:
            drain(host, tenant, 1.0)
            with _workspace(host, tenant) as ws:
                job = table.get(ws, job_id)
                show(job)
                if job.state in _ENDED:
                    return reports.of_job(ws, job)
            if job.state == "queued":
                time.sleep(0.2)


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """A bar on the terminal; nothing where a machine or a file reads."""
    if quiet or not sys.stderr.isatty():
        yield lambda job: None
        return
    from rich.progress import Progress

    with Progress(console=console(errors=True)) as bar:
        task = bar.add_task("Loading", total=None)

        def show(job: Job) -> None:
            bar.update(task, completed=job.progress.get("done", 0), total=job.progress.get("total"))

        yield show


def _write_report(host: Host, tenant: Tenant, made: Report, path: Path) -> None:
    from runtime.jobs import table
    from runtime.transfer import reports

    with _workspace(host, tenant) as ws:
        refused = reports.refused_of_job(ws, table.get(ws, made.job)) if made.job else iter(made.refused)
        reports.write_refused(path, made.headers, refused, language())


def _tell(made: Report, as_json: bool) -> None:
    if as_json:
        print_json(made.as_json(language()))
        return
    totals = made.totals
    console().print(
        f"{totals.rows} rows: {totals.created} created, {totals.updated} updated, {totals.unchanged} unchanged, "
        f"{totals.skipped} skipped, {totals.failed} refused."
    )
    if made.state != "done":
        console(errors=True).print(f"The job {made.job} {made.state}.", markup=False)
    elif not made.written:
        console().print("Nothing was written.")
    for each in made.refused[:20]:
        console(errors=True).print(f"  line {each.line}: {each.reasons(language())}", markup=False)


@contextmanager
def _workspace(host: Host, tenant: Tenant, *, write: bool = False) -> Iterator[Workspace]:
    from runtime.workspace import PlatformActor, open_workspace

    with open_workspace(host, tenant, PlatformActor(), write=write, channel="command") as ws:
        yield ws


@click.command()
@click.argument("tenant")
@click.argument("entity")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--where", help="Only records that meet this condition.")
@click.option("--fields", help="Names separated by commas; everything if not given.")
@click.option("--headers", type=click.Choice(["key", "label"]), default="key", show_default=True)
@json_option
def export(
    tenant: str, entity: str, file: Path, where: str | None, fields: str | None, headers: Any, as_json: bool
) -> None:
    """Write the records of ENTITY to FILE (CSV, or XLSX by its ending)."""
    from runtime import directory
    from runtime.queries import Query
    from runtime.transfer import exporting

    kind: Any = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    names = tuple(each.strip() for each in fields.split(",")) if fields else None
    with opened_host() as host, _workspace(host, directory.find(host, tenant)) as ws:
        count = exporting.write(ws, Query(entity, where=where, fields=names), file, exporting.Sheet(kind, headers))
    if as_json:
        print_json({"rows": count, "file": str(file)})
    else:
        console().print(f"{count} records in {file}", markup=False)


@click.group(invoke_without_command=True)
@click.argument("tenant")
@click.pass_context
def jobs(context: click.Context, tenant: str) -> None:
    """The work of TENANT: list, show, cancel, retry."""
    context.obj = tenant
    if context.invoked_subcommand is None:
        context.invoke(jobs_list)


@jobs.command("list")
@click.option("--state", type=click.Choice(["queued", "running", *sorted(_ENDED)]))
@json_option
@click.pass_obj
def jobs_list(tenant: str, state: str | None = None, as_json: bool = False) -> None:
    """The newest jobs."""
    from runtime.jobs import table

    with _found(tenant) as ws:
        found = table.listing(ws, state)
    if as_json:
        print_json([_job_json(each) for each in found])
    else:
        rows = [(each.id, each.kind, each.state, each.attempt, f"{each.created_at:%Y-%m-%d %H:%M}") for each in found]
        print_table(["id", "kind", "state", "attempts", "made"], rows)


@jobs.command("show")
@click.argument("id")
@click.pass_obj
def jobs_show(tenant: str, id: str) -> None:
    """Everything about one job, as JSON."""
    from runtime.jobs import table

    with _found(tenant) as ws:
        print_json(_job_json(table.get(ws, id)))


@jobs.command("cancel")
@click.argument("id")
@click.pass_obj
def jobs_cancel(tenant: str, id: str) -> None:
    """Stop a job: at once when it waits, after its step when it runs."""
    from runtime.jobs import table

    with _found(tenant, write=True) as ws:
        table.cancel(ws, id)


@jobs.command("retry")
@click.argument("id")
@click.pass_obj
def jobs_retry(tenant: str, id: str) -> None:
    """Take up a job again from where it stood."""
    from runtime.jobs import table

    with _found(tenant, write=True) as ws:
        table.retry(ws, id)


@contextmanager
def _found(tenant: str, *, write: bool = False) -> Iterator[Workspace]:
    from runtime import directory

    with opened_host() as host, _workspace(host, directory.find(host, tenant), write=write) as ws:
        yield ws


def _job_json(job: Job) -> dict[str, Any]:
    from blueprints.api.jobs import described

    return {**described(job), "key": job.key, "payload": dict(job.payload)}
