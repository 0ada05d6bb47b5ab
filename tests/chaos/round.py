"""One round: a tenant, all that serves it, clients that write while it is under fire, then quiet and a verdict."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from metadata.problems import Unavailable
from runtime import tenants
from runtime.host import Host
from tests import outside
from tests.bench.load import Request
from tests.bench.stand import Place
from tests.chaos import verdict, world
from tests.chaos.clients import Clients, Log
from tests.chaos.crew import Crew
from tests.chaos.storm import Storm, Wanted
from tests.chaos.trouble import Trouble
from tests.chaos.verdict import Verdict
from tests.outside import Heard


@dataclass(frozen=True, slots=True)
class Plan:
    """What one round is to be like."""

    name: str
    seed: int
    writes: int
    storm: Wanted = field(default_factory=Wanted)
    trouble: Trouble = field(default_factory=Trouble)
    clients: int = 6
    imports: float = 0.02
    outside: float = 0.1
    """How many of the writes are imports, and how many of the orders are told outside."""
    seconds: float = 900.0
    """Clients stop then, however much is acknowledged."""
    patience: float = 180.0
    """Seconds without any change after which what is left is taken for stuck."""
    hiccups: float = 0.01
    """How often a receiver takes a message and answers 500."""


@dataclass
class Outcome:
    """What a round gave."""

    log: Log
    verdict: Verdict
    done: Counter[str] = field(default_factory=Counter)
    """How often each thing was killed; `at_commit ...` are deaths that processes had in them."""
    seconds: float = 0.0
    quiet: float = 0.0
    left: Mapping[str, int] = field(default_factory=dict)
    """What was not done when patience ended."""
    drained: float = 0.0
    """Seconds that the workers took to end in peace."""


def play(place: Place, plan: Plan) -> Outcome:
    assert place.services is not None and place.services.redis is not None
    chance = random.Random(f"{plan.seed}:{plan.name}")
    folder = place.folder / plan.name
    folder.mkdir()
    secure, _ = outside.certificate(folder, "127.0.0.1")
    with outside.web_server(secure) as receiver, outside.smtp_server() as box:
        receiver.answers = _answers(chance, plan.hiccups)
        environment = _environment(place, plan, folder, receiver.port, box.port)
        own = replace(place, folder=folder, environment=environment)
        with own.open_host() as host:
            business = world.create(host, plan.name, receiver.url("", scheme="https"))
            with Crew.at_work(own, place.services.redis, environment, chance) as crew:
                outcome = _under_fire(crew, plan, business, host, folder)
                outcome.drained = crew.workers.stop()
            outcome.verdict = verdict.judge(host, business, outcome.log, receiver, box, outcome.left)
            tenants.drop(host, business.tenant.name)  # the next round's workers would do what is left of it
    return outcome


def _environment(place: Place, plan: Plan, folder: Path, port: int, smtp: int) -> Mapping[str, str]:
    assert place.services is not None
    trouble = replace(plan.trouble, seed=plan.seed, folder=str(folder))
    return {
        **place.environment,
        **trouble.environment(),
        "METALOOM_REDIS_URL": str(place.services.redis),
        "METALOOM_EGRESS_ALLOW": f"127.0.0.1:{port}",
        "METALOOM_SMTP_URL": f"smtp://127.0.0.1:{smtp}?tls=never",
        "METALOOM_MAIL_FROM": world.SENDER,
        "SSL_CERT_FILE": str(folder / "server.pem"),
    }


def _answers(chance: random.Random, hiccups: float) -> Callable[[Heard], tuple[int, Mapping[str, str], bytes]]:
    return lambda heard: (500 if chance.random() < hiccups else 200, {}, b"")


def _under_fire(crew: Crew, plan: Plan, business: world.World, host: Host, folder: Path) -> Outcome:
    secret = {"Authorization": f"Bearer {business.clerk}"}
    crew.site.wait(Request(f"{business.path}/order?limit=1"), secret)
    log, begun = Log(), time.monotonic()
    over, behind = threading.Event(), _Behind(host, business)
    clients = Clients(crew.site.address.port, business, log, plan.seed, plan.writes, plan.name)
    clients.imports, clients.outside, clients.pace = plan.imports, plan.outside, behind.wait
    behind.begin(over)
    storm = Storm(crew, plan.storm.drawn(crew.chance), lambda: len(log.acknowledged) / plan.writes, over)
    striking, writing = storm.begin(), clients.run(plan.clients)
    for each in writing:
        each.join(max(0.0, begun + plan.seconds - time.monotonic()))
    clients.late = True
    for each in writing:
        each.join(100)
    striking.join(30)
    behind.through(60)  # what is left is under fire as well
    worked = time.monotonic() - begun
    (folder / "quiet").touch()
    left = _quiet(crew, plan, business, host)
    clients.stopped.set()
    over.set()
    for known in random.Random(plan.seed).sample(log.acknowledged, min(20, len(log.acknowledged))):
        if known.kind != "approval":
            clients.repeat(known)
    outcome = Outcome(log, Verdict(), Counter(crew.done), worked, time.monotonic() - begun - worked, left)
    deaths = folder / "deaths"
    outcome.done.update(f"at_commit_{each}" for each in (deaths.read_text().split() if deaths.exists() else ()))
    return outcome


_MOST_BEHIND = 200


class _Behind:
    """Holds clients back while much is left to do: so writes and what follows from them are under fire together."""

    def __init__(self, host: Host, business: world.World) -> None:
        self._host, self._business, self._jobs = host, business, 0

    def begin(self, over: threading.Event) -> None:
        threading.Thread(target=self._look, args=(over,), daemon=True).start()

    def _look(self, over: threading.Event) -> None:
        while not over.wait(0.5):
            with contextlib.suppress(Unavailable):
                self._jobs = verdict.work_left(self._host, self._business).get("jobs", 0)

    def through(self, patience: float) -> None:
        """Wait until nothing is left to do, or long enough."""
        until = time.monotonic() + patience
        time.sleep(0.6)
        while self._jobs and time.monotonic() < until:
            time.sleep(0.1)

    def wait(self) -> None:
        until = time.monotonic() + 30
        while self._jobs > _MOST_BEHIND and time.monotonic() < until:
            time.sleep(0.1)


def _quiet(crew: Crew, plan: Plan, business: world.World, host: Host) -> Mapping[str, int]:
    """Wait until nothing is left to do; what is left when it does not get less any more."""
    left, changed = {"everything": 1}, time.monotonic()
    while left and time.monotonic() - changed < plan.patience:
        crew.workers.keep_running()
        with contextlib.suppress(Unavailable):
            found = dict(verdict.work_left(host, business))
            if found != left:
                left, changed = found, time.monotonic()
        if left:
            time.sleep(0.3)
    return left
