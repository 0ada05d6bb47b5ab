"""A site to walk through: the demo's company, served by a process of its own, and a program's way in beside it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TENANT, PASSWORD = "demo", "metaloom-demo"
REP, MANAGER, ADMIN = "rep", "manager", "admin"
_START = 60


@dataclass(frozen=True, slots=True)
class Site:
    """A served tenant: where it is, and the secret of an administrator's token."""

    base: str
    secret: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """In which commands of ours are about this installation."""

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of one call of the API. Raises AssertionError when it is refused."""
        request = urllib.request.Request(
            f"{self.base}/api/v1{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path} answered {error.code}: {error.read()[:500]!r}") from None
        return json.loads(text) if text else None


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[Site]:
    """The demo on SQLite, made in the folder unless it is there, and served until the block ends."""
    environment = {
        **os.environ,
        "METALOOM_DATABASE_URL": f"sqlite:///{folder / 'var'}",
        "METALOOM_FILES_URL": f"file:{folder / 'files'}",
        "METALOOM_SECRET_KEY": secrets.token_hex(32),
    }
    for unwanted in ("METALOOM_REDIS_URL", "METALOOM_ADMIN_DATABASE_URL"):
        environment.pop(unwanted, None)
    metaloom(environment, "demo", "--no-serve")
    issued = metaloom(environment, "token", "create", TENANT, ADMIN, "--scope", "read", "--scope", "write", "--json")
    with serve(environment, folder / "serve.log") as base:
        yield Site(f"{base}/t/{TENANT}", json.loads(issued)["token"], environment)


def metaloom(environment: Mapping[str, str], *arguments: str, given: str = "") -> str:
    """What a command of ours printed, which reads `given`. Raises AssertionError when it failed."""
    command = [str(Path(sys.executable).with_name("metaloom")), *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, input=given, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"metaloom {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@contextlib.contextmanager
def serve(environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """The address of a serving process that ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("metaloom")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, "serve", "--port", str(port)], env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    raise AssertionError(f"the site did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
