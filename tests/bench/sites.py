"""Runs an application under gunicorn as it would be served, and reads what its processes use from /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.load import Address, Request, send

ROOT = Path(__file__).resolve().parents[2]
WORKERS, THREADS = 2, 8
_OPEN = ("01", "08")
"""Established, or closed by the client alone, as /proc/net/tcp numbers the states of a connection."""
_TICK = os.sysconf("SC_CLK_TCK")


class Site:
    """One application with two workers of eight threads on a port of this machine."""

    def __init__(self, application: str, environment: Mapping[str, str], log: Path) -> None:
        self.address = Address(_free_port())
        self._log = log
        self._begin = time.perf_counter()
        command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{self.address.port}"]
        command += ["--workers", str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS)]
        command += ["--keep-alive", "75", "--timeout", "120", "--log-level", "warning"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, request: Request, headers: Mapping[str, str]) -> float:
        """Wait for the first good answer; the seconds since the start."""
        address = Address(self.address.port, dict(headers))
        while True:
            status = 0
            with contextlib.suppress(OSError):
                status, _ = send(address, request)
            if status == 200:
                return time.perf_counter() - self._begin
            if self._process.poll() is not None or time.perf_counter() - self._begin > 60:
                sys.exit(f"the site did not start (last status {status}):\n{self._log.read_text('utf-8')[-4000:]}")
            time.sleep(0.005)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def settle(self) -> None:
        """Wait until requests that nobody waits for any more are done: until every connection is closed."""
        until = time.perf_counter() + 30
        while self._connections() and time.perf_counter() < until:
            time.sleep(0.01)

    def _connections(self) -> int:
        local = f":{self.address.port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(each[1].endswith(local) and each[3] in _OPEN for each in lines)

    def cpu_seconds(self) -> float:
        """Processor time that all processes of the site have used so far."""
        total = 0
        for each in self._processes():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / _TICK

    def memory(self) -> float:
        """Proportional share of memory of all processes of the site, in MiB."""
        kilobytes = 0
        for each in self._processes():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        kilobytes += int(line.split()[1])
        return kilobytes / 1024

    def _processes(self) -> list[int]:
        return family(self._process.pid)

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        return self._processes()[1:]


def family(pid: int) -> list[int]:
    """A process and everything below it, parents before children."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found.extend(children.get(each, ()))
    return found


@contextlib.contextmanager
def serve(application: str, environment: Mapping[str, str], log: Path) -> Iterator[Site]:
    site = Site(application, environment, log)
    try:
        yield site
    finally:
        site.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
