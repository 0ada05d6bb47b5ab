"""`serve`, `worker` and `demo`: processes that stay."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from blueprints.commands.output import console, opened_host

if TYPE_CHECKING:
    from runtime.directory import Tenant
    from runtime.host import Host

_FEW = click.IntRange(1, 64)
_DEMO = "demo"
_SEED = 20270101
_PEOPLE = (
    ("rep", "sales_rep", "sales"),
    ("manager", "sales_manager", "sales"),
    ("admin", "admin", "hq"),
)
"""Who signs in first: login, role, unit. Further roles of the package have a person each, named as the role."""
_NOBODY = ("member",)
_COLLEAGUES = 5
"""Further representatives, who own records and do not sign in."""
_PASSWORD = "metaloom-demo"


def add_to(main: click.Group) -> None:
    for command in (serve, worker, demo):
        main.add_command(command)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes; more than one uses gunicorn.",
)
@click.option("--threads", default=8, show_default=True, type=_FEW, help="Threads of each process.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the site and its API. Without Redis the same process also does the jobs."""
    if workers > 1:
        _serve_by_gunicorn(host, port, workers, threads)
    with opened_host() as opened:
        _serve(opened, host, port, threads)


def _serve_by_gunicorn(host: str, port: int, workers: int, threads: int) -> None:
    """This process becomes gunicorn's."""
    arguments = ["-m", "gunicorn", "--bind", f"{host}:{port}", "--workers", str(workers)]
    arguments += [
        "--worker-class",
        "gthread",
        "--threads",
        str(threads),
        "--access-logfile",
        "-",
        "blueprints.wsgi:app",
    ]
    os.execv(sys.executable, [sys.executable, *arguments])


def _serve(host: Host, address: str, port: int, threads: int) -> None:
    import waitress  # type: ignore[import-untyped]

    from blueprints import create_app
    from blueprints.serving import working

    server = waitress.create_server(
        create_app(host),
        host=address,
        port=port,
        threads=threads,
        ident=None,
        max_request_body_size=110 * 1024 * 1024,
        clear_untrusted_proxy_headers=True,
        trusted_proxy="127.0.0.1",
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
    )
    shown = "localhost" if address in ("127.0.0.1", "0.0.0.0") else address
    console().print(f"Serving on http://{shown}:{server.effective_port}/  (stop with Ctrl-C)")
    sys.stdout.flush()
    with working(host):
        try:
            server.run()
        except KeyboardInterrupt:
            pass
        finally:
            server.close()


@click.command()
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
def worker(processes: int) -> None:
    """Do the jobs of all tenants: imports, exports, everything that was left for later."""
    from runtime.settings import Settings

    settings = Settings.from_environment()
    if settings.redis_url:
        from runtime.jobs import redis

        redis.serve(settings, processes)
        return
    _work_in_process()


def _work_in_process() -> None:
    import signal
    import threading

    from blueprints.serving import working

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with opened_host() as host, working(host):
        console().print("Working. Stop with Ctrl-C.")
        stopped.wait()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535))
@click.option("--no-serve", is_flag=True, help="Prepare the demo and end.")
@click.option("--package", default="sales", show_default=True, help="The business: a package of configs, over sales.")
def demo(host: str, port: int, no_serve: bool, package: str) -> None:
    """A running site with a business in it, and people to sign in as. Each package has a tenant of its own."""
    _make_key()
    with opened_host() as opened:
        name = _DEMO if package == "sales" else f"{_DEMO}-{package}"
        tenant = _prepare_demo(opened, name, package)
        out = console()
        out.print("People to sign in as:")
        for login, role, _ in _people(opened, tenant):
            out.print(f"  {login:<11} {_PASSWORD}   ({role})")
        if not no_serve:
            out.print(f"The demo is at http://localhost:{port}/t/{name}/" if port else "")
            _serve(opened, host, port, 8)


def _make_key() -> None:
    """A demo keeps secrets with a key of its own unless one is configured."""
    import os

    from runtime import files, vault
    from runtime.settings import Settings

    settings = Settings.from_environment()
    if not settings.secret_key:
        os.environ["METALOOM_SECRET_KEY"] = vault.key_beside(files.folder(settings).parent)


def _people(host: Host, tenant: Tenant) -> list[tuple[str, str, str]]:
    """Login, role and unit of everybody who can sign in."""
    from runtime.workspace import PlatformActor, open_workspace

    with open_workspace(host, tenant, PlatformActor()) as ws:
        roles = [each.key for each in ws.model.all("roles")]
    known = (*_NOBODY, *(role for _, role, _ in _PEOPLE))
    return [*_PEOPLE, *((role, role, "hq") for role in roles if role not in known)]


def _prepare_demo(host: Host, name: str, package: str) -> Tenant:
    """The tenant with its people and its data, made unless it is there. What fails half-way is taken away again."""
    from metadata.problems import NotFound
    from runtime import directory, tenants

    try:
        return directory.find(host, name)
    except NotFound:
        pass
    from blueprints.serving import layers_of

    console().print(f"Making the demo: {package} with invented data. This takes a moment.")
    tenant = tenants.create(host, name, layers_of([package]))
    try:
        _fill(host, tenant)
    except BaseException:
        tenants.drop(host, name)
        raise
    return tenant


def _fill(host: Host, tenant: Tenant) -> None:
    import random

    from blueprints.commands.people import add_user
    from runtime import demo as generator
    from runtime import records
    from runtime.demo_names import names
    from runtime.workspace import PlatformActor, open_workspace

    chinese, foreign = (names(kind, random.Random(_SEED)) for kind in ("person_zh", "person_en"))
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        company = records.create(ws, "unit", {"name": "总公司", "code": "hq"})
        sales = records.create(ws, "unit", {"name": "销售部", "code": "sales", "parent": company.id})
    units = {"hq": company.id, "sales": sales.id}
    people = {}
    for login, role, unit in _people(host, tenant):
        more = {"unit": units[unit], "email": f"{login}@example.com"}
        people[login] = add_user(host, tenant, login, next(chinese), [role], _PASSWORD, more)
    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        records.update(ws, "unit", sales.id, {"manager": people["manager"]})
        records.update(ws, "user", people["rep"], {"manager": people["manager"]})
        for at in range(_COLLEAGUES):
            name = next(foreign if at % 2 else chinese)
            colleague = {"name": name, "email": f"rep{at + 2}@example.com", "unit": sales.id}
            records.create(ws, "user", {**colleague, "manager": people["manager"]})
    generator.make(host, tenant)
