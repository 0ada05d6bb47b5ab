"""What a tenant notices of others: targets of theirs that hang, and a queue of theirs that is full."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Iterator

from metadata.documents.package import read_package
from metadata.ids import uuid7
from runtime import accounts, assignments, deliveries, tenants, tokens
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import table
from runtime.workspace import PlatformActor, open_workspace
from tests import kit, outside
from tests.bench import stand
from tests.bench.figures import RATIO, SECONDS
from tests.bench.load import Address, Request, send
from tests.bench.parts import Run
from tests.bench.sites import ROOT, Site
from tests.chaos.crew import workers

HANGING, CHANGE = 12, 1.2
JOBS, SMALL_JOBS, LONGEST = 5_000, 200, 10.0
_WRITES, _SMALL_WRITES = 150, 10
_LEFT = "SELECT 1 FROM _job WHERE kind = 'workflow' AND state IN ('queued', 'running') LIMIT 1"
_PACKAGE = """
package: {code: neighbours, version: 1.0.0, kind: industry, requires: {core: '>=0.1'}}
entities:
  order: {title: name, fields: {name: {type: text, max: 120, required: true}, count: {type: integer, default: 0}}}
workflows:
  counted:
    entity: order
    run_as: {role: admin}
    triggers: {made: {created: {}}}
    steps: {counted: {update: {values: {count: "count + 1"}}}}
"""


def measure(run: Run, place: stand.Place) -> None:
    if not run.options.wants("hanging", "fairness") or (run.options.small and not run.options.only):
        return  # a small run of everything has no time for workers to begin
    assert place.services is not None
    if place.services.redis is None:
        run.figures.tell("neighbours", skipped=place.services.missing.get("Redis"))
        return
    environment = {
        **place.environment,
        "METALOOM_REDIS_URL": _own_database(place.services.redis),
        "METALOOM_EGRESS_ALLOW": "127.0.0.0/8",
    }
    own = stand.Place(place.database, place.folder, environment, place.administrator)
    with (
        own.open_host() as host,
        stand.serve_ours(own) as site,
        workers(environment, place.folder / "workers.log"),
    ):
        one, other = (_tenant(host, name) for name in ("noisy", "quiet"))
        asked = _Client(host, other, site)
        asked.write("first")
        asked.done(60)
        if run.options.wants("hanging"):
            _hanging(run, host, one, asked)
        if run.options.wants("fairness"):
            _fairness(run, host, one, asked)


def _own_database(redis: str) -> str:
    """A database of Redis that no test uses."""
    return f"{redis}?db=63" if redis.startswith("unix://") and "?" not in redis else redis


def _tenant(host: Host, name: str) -> Tenant:
    return tenants.create(host, name, [read_package(ROOT / "configs" / "core"), kit.layer(_PACKAGE)])


class _Client:
    """Somebody of the quiet tenant, who writes by the API."""

    def __init__(self, host: Host, tenant: Tenant, site: Site) -> None:
        self.host, self.tenant = host, tenant
        with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
            user = accounts.create_user(ws, "bench", {"name": "Bench"}, "a password of some length")
            assignments.set_roles(ws, user, ["admin"])
            secret = tokens.create(ws, user, "bench", ["read", "write"]).secret
        headers = {"Authorization": f"Bearer {secret}"}
        self.address = Address(site.address.port, headers)
        self.path = f"/t/{tenant.name}/api/v1/order"
        site.wait(Request(f"{self.path}?limit=1"), headers)

    def write(self, name: str) -> float:
        """Seconds until one order is acknowledged."""
        begin = time.perf_counter()
        status, body = send(self.address, Request(self.path, "POST", json.dumps({"name": name}).encode()))
        assert status == 201, body
        return time.perf_counter() - begin

    def done(self, patience: float) -> float:
        """Seconds until all runs of the tenant are over."""
        begin = time.perf_counter()
        while time.perf_counter() - begin < patience:
            with open_workspace(self.host, self.tenant, PlatformActor()) as ws:
                if not ws.db.fetch(_LEFT):
                    break
            time.sleep(0.02)
        return time.perf_counter() - begin


def _hanging(run: Run, host: Host, noisy: Tenant, client: _Client) -> None:
    """By turns without and with targets that take a request and never answer it."""
    count = _SMALL_WRITES if run.options.small else _WRITES
    rounds = 1 if run.options.small else max(run.options.rounds, 3)
    writes: dict[bool, list[float]] = {False: [], True: []}
    arrivals: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for hangs in (False, True):
            with contextlib.ExitStack() as stack:
                if hangs:
                    stack.enter_context(_hung(host, noisy))
                taken, came = _round(host, client, count)
            writes[hangs].append(_p95(taken))
            arrivals[hangs].append(_p95(came))
    for name, found in (("hanging_writes", writes), ("hanging_deliveries", arrivals)):
        plain, hung = statistics.median(found[False]), statistics.median(found[True])
        given = {"targets": HANGING, "writes": count, "rounds": rounds}
        both = {"without": f"{plain * 1000:.0f}ms", "with": f"{hung * 1000:.0f}ms"}
        run.figures.at_most(name, hung / plain, CHANGE, RATIO, given, **both)


@contextlib.contextmanager
def _hung(host: Host, tenant: Tenant) -> Iterator[None]:
    """Requests of a tenant are on their way to targets that hang."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(outside.raw_server(lambda _: time.sleep(60))) for _ in range(HANGING)]
        with open_workspace(host, tenant, PlatformActor(), write=True) as ws:
            for port in ports:
                for _ in range(3):
                    deliveries.request(ws, f"hang:{uuid7()}", f"http://127.0.0.1:{port}/")
        time.sleep(1.5)  # a look at the database later they hang
        yield


def _round(host: Host, client: _Client, count: int) -> tuple[list[float], list[float]]:
    """Seconds of each write, and from each commit of a delivery until it has arrived."""
    taken: list[float] = []
    sent: dict[str, float] = {}
    came: dict[str, float] = {}
    with outside.web_server() as receiver:

        def heard(request: outside.Heard) -> tuple[int, dict[str, str], bytes]:
            came.setdefault(request.path, time.perf_counter())
            return 200, {}, b""

        receiver.answers = heard
        for _ in range(count):
            name = uuid7()
            taken.append(client.write(name))
            with open_workspace(host, client.tenant, PlatformActor(), write=True) as ws:
                deliveries.request(ws, name, receiver.url(f"/{name}"))
            sent[f"/{name}"] = time.perf_counter()
            time.sleep(0.03)
        until = time.perf_counter() + 60
        while len(came) < len(sent) and time.perf_counter() < until:
            time.sleep(0.02)
    assert came.keys() == sent.keys(), "not everything arrived"
    return taken, [came[name] - at for name, at in sent.items()]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _fairness(run: Run, host: Host, noisy: Tenant, client: _Client) -> None:
    """One job of the quiet tenant behind thousands of the noisy one."""
    jobs = SMALL_JOBS if run.options.small else JOBS
    with open_workspace(host, noisy, PlatformActor(), write=True) as ws:
        table.enqueue_many(ws, "tidy", [{}] * jobs)
    time.sleep(2)
    client.write("alone")
    waited = client.done(60)
    with open_workspace(host, noisy, PlatformActor()) as ws:
        left = int(ws.db.fetch("SELECT count(*) FROM _job WHERE kind = 'tidy' AND state = 'queued'")[0][0])
    run.figures.at_most("fairness", waited, LONGEST, SECONDS, {"queued": jobs}, left=left)
