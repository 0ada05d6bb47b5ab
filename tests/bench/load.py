"""Replays prepared requests over keep-alive connections for some seconds: by `wrk`, else by a client of our own."""

from __future__ import annotations

import json
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WRK = shutil.which("wrk")
MISSING = "wrk is not installed, a slower client in Python makes the load: apt-get install -y wrk"

_TIMEOUT = 20


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be replayed. The path begins with a slash and is quoted already."""

    path: str
    method: str = "GET"
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a site listens (always this machine) and what every request to it carries."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Load:
    """What one round gave. `errors` counts failed connections and answers other than 2xx."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p95: float
    longest: float
    """Milliseconds, as p50 and p95."""

    @property
    def rate(self) -> float:
        """Per second. A round too short for a single answer counts as one, which flatters the slow."""
        return max(self.requests, 1) / self.seconds


def send(address: Address, request: Request) -> tuple[int, bytes]:
    """One request on a connection of its own: status and body."""
    with _Connection(address) as connection:
        connection.send(_message(address, request))
        while (answer := connection.receive()) is None:
            pass
        return answer


def replay(address: Address, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    """Replay the requests in order, again and again, each as soon as its connection is free."""
    if WRK is not None and seconds >= 1:
        return _with_wrk(address, requests, connections, round(seconds))
    return _with_sockets(address, requests, connections, seconds)


def _message(address: Address, request: Request) -> bytes:
    body = request.body or b""
    headers = {"Host": f"{address.host}:{address.port}", "Accept": "application/json"}
    if request.body is not None:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers |= address.headers
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


# --- wrk -----------------------------------------------------------------------------------------------------------

_SCRIPT = """
local messages, at = {}, 0
function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local size = file:read("*l")
  while size do
    messages[#messages + 1] = file:read(tonumber(size))
    size = file:read("*l")
  end
  file:close()
end
function request()
  at = at % #messages + 1
  return messages[at]
end
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local form = '\\n{"requests": %d, "microseconds": %d, "errors": %d, "p50": %d, "p95": %d, "longest": %d}\\n'
  io.write(form:format(summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(95), latency.max))
end
"""


def _with_wrk(address: Address, requests: Sequence[Request], connections: int, seconds: int) -> Load:
    assert WRK is not None
    with tempfile.TemporaryDirectory(prefix="metaloom-bench-") as name:
        script, messages = Path(name, "replay.lua"), Path(name, "messages")
        script.write_text(_SCRIPT)
        with messages.open("wb") as file:
            for each in requests:
                message = _message(address, each)
                file.write(b"%d\n%b" % (len(message), message))
        command = [WRK, "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_TIMEOUT}s", "-s", str(script)]
        command += [f"http://{address.host}:{address.port}", "--", str(messages)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode or not done.stdout.strip():
        sys.exit(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Load(
        found["requests"],
        found["microseconds"] / 1e6,
        found["errors"],
        found["p50"] / 1e3,
        found["p95"] / 1e3,
        found["longest"] / 1e3,
    )


# --- without wrk ---------------------------------------------------------------------------------------------------


class _Connection:
    """A keep-alive connection with at most one request under way."""

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection((address.host, address.port), timeout=_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received = b""

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(message)

    def receive(self) -> tuple[int, bytes] | None:
        """Read what has come; the answer when it is complete."""
        received = self.socket.recv(1 << 20)
        if not received:
            raise ConnectionResetError("the site closed the connection before it had answered")
        self._received += received
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return None
        lines = head.split(b"\r\n")
        lengths = [int(line[15:]) for line in lines if line[:15].lower() == b"content-length:"]
        if len(body) < (lengths[0] if lengths else 0):
            return None
        self._received = b""
        return int(lines[0].split(b" ")[1]), body


def _with_sockets(address: Address, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    messages = [_message(address, each) for each in requests]
    latencies: list[float] = []
    at = errors = 0
    with selectors.DefaultSelector() as selector:
        opened = [_Connection(address) for _ in range(connections)]
        begin = time.perf_counter()
        try:
            for each in opened:
                selector.register(each, selectors.EVENT_READ, each)
                each.send(messages[at % len(messages)])
                at += 1
            while (now := time.perf_counter()) - begin < seconds or not latencies:
                if now - begin > seconds + _TIMEOUT:
                    raise TimeoutError("the site gave no answer in time")
                for key, _ in selector.select(timeout=0.1):
                    connection: _Connection = key.data
                    if (answer := connection.receive()) is None:
                        continue
                    latencies.append(time.perf_counter() - connection.sent_at)
                    errors += not 200 <= answer[0] < 300
                    connection.send(messages[at % len(messages)])
                    at += 1
            passed = time.perf_counter() - begin
        finally:
            for each in opened:
                each.socket.close()
    latencies.sort()
    p50, p95 = (latencies[int(len(latencies) * part)] * 1e3 for part in (0.5, 0.95))
    return Load(len(latencies), passed, errors, p50, p95, latencies[-1] * 1e3)
