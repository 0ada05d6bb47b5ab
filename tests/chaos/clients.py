"""Clients that write through the API, and a log of all that was acknowledged, so that what must come of it is known."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench.load import Address, Request, send
from tests.chaos.world import BIG, FULL, World

ROWS = 8
"""Of each import."""
_BOUNDARY = "chaos-boundary"
_GIVEN_UP = 90.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write that was answered with 2xx: what was asked, and the answer."""

    kind: str
    name: str
    key: str
    request: Request
    status: int
    body: bytes

    @property
    def id(self) -> str:
        return str(json.loads(self.body)["id"])


@dataclass
class Log:
    """What clients know. `tried` are the names of writes that were begun, whatever became of them."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Answers that no client should get: anything but 2xx, 429 and 5xx."""
    repeated: int = 0
    different: list[str] = field(default_factory=list)
    """Requests whose repetition was answered differently."""
    broken: int = 0
    """Requests without an answer, or with 5xx: the client tried again."""
    unkind: int = 0
    """Answers of 500: a failure that nobody foresaw."""
    gaps: list[float] = field(default_factory=list)
    """Seconds from a request's first failure until it was acknowledged."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, kind: str) -> list[Acknowledged]:
        with self.lock:
            return [each for each in self.acknowledged if each.kind == kind]


@dataclass
class Clients:
    """Several people at once, each writing one thing after the other until enough is acknowledged."""

    port: int
    world: World
    log: Log
    seed: int
    wanted: int
    prefix: str
    imports: float = 0.02
    outside: float = 0.1
    stopped: threading.Event = field(default_factory=threading.Event)
    """Nobody writes, and nobody agrees, any more."""
    late: bool = False
    """Nobody begins to write any more."""
    pace: Callable[[], None] = lambda: None
    """Called before each write: may wait."""

    def run(self, number: int) -> list[threading.Thread]:
        jobs = [threading.Thread(target=self._write, args=(each,), daemon=True) for each in range(number)]
        jobs.append(threading.Thread(target=self._approve, daemon=True))
        for each in jobs:
            each.start()
        return jobs[:-1]

    @property
    def enough(self) -> bool:
        return self.late or self.stopped.is_set() or len(self.log.acknowledged) >= self.wanted

    def _write(self, client: int) -> None:
        chance, at = random.Random(f"{self.seed}:{client}"), 0
        mine: list[Acknowledged] = []
        noted: set[str] = set()
        while not self.enough:
            self.pace()
            at += 1
            name = f"{self.prefix}-{client}-{at}"
            drawn = chance.random()
            # A note is told to a run that reads it later: each order gets one, so that no run reads another's.
            small = [each for each in mine if each.kind == "order" and each.name not in noted]
            if drawn < self.imports:
                request = self._import(name)
                kind = "import"
            elif drawn < self.imports + 0.15 and small:
                about = chance.choice(small)
                noted.add(about.name)
                request, kind = self._json(f"/order/{about.id}", {"note": name}, "PATCH"), "note"
            else:
                lot = chance.random()
                amount = (BIG if lot < 0.03 else FULL if lot < self.outside else 0) + at % 300
                request = self._json("/order", {"name": name, "amount": amount})
                kind = "big" if amount >= BIG else "order"
            found = self.send(kind, name, request, twice=chance.random() < 0.15)
            if found is not None:
                mine.append(found)
                if chance.random() < 0.08:
                    self.repeat(chance.choice(mine))

    def _json(self, path: str, body: Any, method: str = "POST") -> Request:
        return Request(f"{self.world.path}{path}", method, json.dumps(body).encode())

    def _import(self, name: str) -> Request:
        rows = "\n".join(["name", *(f"{name}-{row}" for row in range(ROWS))])
        parts = ['name="background"\r\n\r\ntrue', f'name="file"; filename="parts.csv"\r\n\r\n{rows}\n']
        body = "".join(f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {each}\r\n" for each in parts)
        return Request(f"{self.world.path}/part/import", "POST", f"{body}--{_BOUNDARY}--\r\n".encode())

    def _address(self, key: str, request: Request, secret: str) -> Address:
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        if request.path.endswith("/import"):
            headers["Content-Type"] = f"multipart/form-data; boundary={_BOUNDARY}"
        return Address(self.port, headers)

    def send(
        self, kind: str, name: str, request: Request, secret: str = "", twice: bool = False
    ) -> Acknowledged | None:
        """Write until it is acknowledged, always under the same key. `twice`: at first two at the same time."""
        key, begun = f"key-{name}", 0.0
        address = self._address(key, request, secret or self.world.clerk)
        with self.log.lock:
            self.log.tried[name] = kind
        if twice:
            threading.Thread(target=self._quietly, args=(address, request), daemon=True).start()
        until = time.monotonic() + _GIVEN_UP
        while time.monotonic() < until:
            status, body = self._once(address, request)
            if 200 <= status < 300:
                return self._noted(Acknowledged(kind, name, key, request, status, body), begun)
            if status and status < 500 and status != 429:
                with self.log.lock:
                    self.log.refused.append(f"{status} {body[:300].decode(errors='replace')}")
                return None
            begun = begun or time.monotonic()
            time.sleep(0.2)
        return None

    def _noted(self, found: Acknowledged, begun: float) -> Acknowledged:
        with self.log.lock:
            self.log.acknowledged.append(found)
            if begun:
                self.log.gaps.append(time.monotonic() - begun)
        return found

    def _quietly(self, address: Address, request: Request) -> None:
        self._once(address, request)

    def _once(self, address: Address, request: Request) -> tuple[int, bytes]:
        """Status and body; status 0 when there was no answer."""
        try:
            status, body = send(address, request)
        except (OSError, ValueError, IndexError):
            status, body = 0, b""
        if not 200 <= status < 500:
            with self.log.lock:
                self.log.broken += 1
                self.log.unkind += status == 500
        return status, body

    def repeat(self, about: Acknowledged) -> None:
        """Send an acknowledged request again: the same answer must come."""
        address = self._address(about.key, about.request, self.world.clerk)
        until = time.monotonic() + _GIVEN_UP
        while time.monotonic() < until:
            status, body = self._once(address, about.request)
            if status and status < 500 and status != 429:
                with self.log.lock:
                    self.log.repeated += 1
                    if (status, body) != (about.status, about.body):
                        self.log.different.append(f"{about.name}: {about.status} and then {status}")
                return
            time.sleep(0.2)

    def _approve(self) -> None:
        """The boss agrees to whatever waits for him."""
        address = Address(self.port, {"Authorization": f"Bearer {self.world.boss}"})
        agreed: set[str] = set()
        while not self.stopped.wait(0.5):
            status, body = self._once(address, Request(f"{self.world.path}/approvals?box=waiting&limit=50"))
            for each in json.loads(body)["data"] if status == 200 else ():
                request, task = each["request"], each["task"]
                if task in agreed:
                    continue
                asked = self._json(f"/approvals/{request}/approve", {"task": task})
                if self.send("approval", f"{self.prefix}-agree-{task}", asked, self.world.boss) is not None:
                    agreed.add(task)
