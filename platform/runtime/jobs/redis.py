"""Redis and RQ: the doorbell and the muscle. What is to be done stands in the database; here are only rings.

The one module that knows them. Redis may be away, flushed or restarted at any time: a ring that is lost is rung again
by the next look at `platform.wake`, so nothing is lost but a second.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from metadata.expressions import parser
from metadata.problems import NotFound
from runtime import directory
from runtime.deliveries.pool import Pool
from runtime.host import Host
from runtime.jobs import calls
from runtime.jobs.drain import drain
from runtime.jobs.kinds import KINDS, handler
from runtime.jobs.runner import SWEEP, first_sweep, sweep
from runtime.settings import Settings

log = logging.getLogger(__name__)

QUEUE = "metaloom"
_OUTSIDE = "metaloom:outside"
"""The list of targets that something is due for; whoever keeps the workers running sends, too."""
SLICE = 5.0
"""Seconds of one tenant's work before others have a turn."""
_RUNG = "metaloom:rung:{}"
_RING_LASTS = 30
_LONGEST = 3_900
POLL = 1.0


def connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=2, health_check_interval=30)


class Doorbell:
    """Rings for a tenant from a thread of its own, so that no request waits for Redis."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._changed = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._closed = False
        self._process = 0

    def ring(self, tenant_id: str) -> None:
        """There is work for a tenant. Never waits, never raises."""
        with self._changed:
            self._waiting[tenant_id] = None
            if self._process != os.getpid():
                # Begun with the first ring in each process: threads do not live on in a forked worker.
                self._process = os.getpid()
                threading.Thread(target=self._send, name="doorbell", daemon=True).start()
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                waiting, self._waiting = list(self._waiting), {}
            try:
                for tenant_id in waiting:
                    ring(self._connection, tenant_id)
            except redis.RedisError as problem:
                log.warning("Redis did not take a ring (%s); a look at the database will find the work", problem)
                time.sleep(0.5)


def ring(connection: redis.Redis, tenant_id: str) -> None:
    """Queue one drain of a tenant, unless one is queued already."""
    if connection.set(_RUNG.format(tenant_id), b"1", nx=True, ex=_RING_LASTS):
        _queue(connection).enqueue_call(
            answer, args=(tenant_id,), timeout=_LONGEST, result_ttl=0, failure_ttl=60, ttl=_RING_LASTS * 20
        )


def _queue(connection: redis.Redis) -> Queue:
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def answer(tenant_id: str) -> None:
    """What an RQ worker does for a ring: drain the tenant for a while, and ring again when more is due."""
    host = _host()
    connection = connect(str(host.settings.redis_url))
    connection.delete(_RUNG.format(tenant_id))
    try:
        tenant = directory.by_id(host, tenant_id)
    except NotFound:
        return  # dropped since
    due = drain(host, tenant, SLICE)
    if due is not None and due <= 0:
        ring(connection, tenant_id)


_open: dict[int, Host] = {}


def _host() -> Host:
    """The host of this process; RQ forks one for each ring."""
    if os.getpid() not in _open:
        host = Host.open(Settings.from_environment())
        host.bell = Doorbell(str(host.settings.redis_url)).ring
        host.sender = hand_over
        _open[os.getpid()] = host
    return _open[os.getpid()]


def hand_over(tenant_id: str, target: str) -> None:
    """Have the process that sends look after a target. Should Redis be away, a job in the database has it look."""
    try:
        with connect(str(_host().settings.redis_url)) as connection:
            connection.rpush(_OUTSIDE, json.dumps([tenant_id, target]))
    except redis.RedisError as problem:
        log.warning("Redis did not take a call (%s); it is made again in a minute", problem)


def _send(url: str, pool: Pool, stopped: threading.Event) -> None:
    """Hand the targets that are called for to the pool, until it is time to stop."""
    connection = connect(url)
    while not stopped.is_set():
        try:
            found: Any = connection.blpop([_OUTSIDE], timeout=1)
            if found is not None:
                tenant_id, target = json.loads(found[1])
                pool.call(tenant_id, target)
        except redis.RedisError:
            stopped.wait(1)


WORK = (sys.executable, "-m", "runtime.jobs.redis")
"""The program of one worker process."""


def serve(settings: Settings, processes: int = 1, poll: float = POLL, work: Sequence[str] = WORK) -> None:
    """The command `worker`: keep workers running for all tenants, and ring for what the database says is due.

    Workers take their settings from the environment. Returns on SIGTERM or SIGINT when they have finished what they
    were doing.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    host = Host.open(settings)
    pool = Pool(host)
    sending = threading.Thread(target=_send, args=(str(settings.redis_url), pool, stopped), name="outside", daemon=True)
    sending.start()
    crew = [_Member(work) for _ in range(processes)]
    swept = first_sweep()
    try:
        while not stopped.wait(poll):
            for member in crew:
                member.keep_running()
            try:
                swept = _look(host, connect(str(settings.redis_url)), swept)
            except Exception as problem:
                log.warning("looking for work that is due failed (%s); it is tried again", problem)
    finally:
        for member in crew:
            member.stop()
        for member in crew:
            member.wait()
        sending.join(timeout=5)
        pool.stop()
        host.close()


def _look(host: Host, connection: redis.Redis, swept: float) -> float:
    """Ring for each tenant with a due call; every hour for each tenant at all, which is tidied then."""
    with connection:
        if time.monotonic() - swept >= SWEEP:
            for tenant_id in sweep(host):
                ring(connection, tenant_id)
            return time.monotonic()
        for tenant_id in calls.due_tenants(host):
            ring(connection, tenant_id)
    return swept


class _Member:
    """One RQ worker in a process of its own, begun again when it ends. It ends by itself when its starter is gone."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def work(url: str) -> None:
    """Run one RQ worker until it is told to stop, or whoever holds the other end of stdin is gone."""
    threading.Thread(target=_watch_starter, name="starter", daemon=True).start()
    _load()
    while True:
        try:
            kind: Any = Worker if hasattr(os, "fork") else SimpleWorker
            worker = kind([_queue(connect(url))], connection=connect(url), serializer=JSONSerializer)
            worker.work(logging_level="WARNING")
            return
        except redis.RedisError as problem:
            log.warning("Redis is away (%s); the worker tries again", problem)
            time.sleep(1)


def _load() -> None:
    """Load what every work-horse needs before it is forked off: alone it takes longer than most of what it does."""
    parser.prepare()
    Host.open(Settings.from_environment()).close()
    for kind in KINDS.values():
        handler(kind.handler)
    gc.collect()
    gc.freeze()


def _watch_starter() -> None:
    # A blocking read holds no lock that a forked child could inherit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    work(str(Settings.from_environment().redis_url))
