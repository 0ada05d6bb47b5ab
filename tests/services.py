"""A private PostgreSQL and Redis for one test run: own folder, unix sockets only, gone when the run ends.

Used by `conftest.py` and by the benchmarks:

    with Services.start() as services:
        services.postgres   # SQLAlchemy URL of the superuser's maintenance database, or None
        services.redis      # redis URL, or None

Servers named by TEST_DATABASE_URL and TEST_REDIS_URL are used as they are. Programs that are missing are installed
only when METALOOM_INSTALL=1.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import redis

APT_LINE = "apt-get install -y postgresql postgresql-contrib redis-server"

POSTGRES_SETTINGS = {
    "listen_addresses": "''",
    "port": "5499",  # only part of the socket's name
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "fatal",
    "timezone": "'UTC'",
}

# The shell keeps the server alive until our end of its stdin closes, which also happens when we are killed; then it
# removes the server's folder. A line on its stdin: start the server again once it has ended.
_KEEPER = """
trap '' INT HUP
"$@" </dev/null &
server=$!
while read -r _; do
    wait $server
    "$@" </dev/null &
    server=$!
done
kill -INT $server 2>/dev/null
wait $server
rm -rf "$PWD"
"""


class ServiceMissing(Exception):
    """A server cannot be had; the message says what to do, in one line."""


class Services:
    """The servers of one test run. What could not be had is None, and `missing` says why."""

    def __init__(self) -> None:
        self.postgres: str | None = os.environ.get("TEST_DATABASE_URL")
        self.redis: str | None = os.environ.get("TEST_REDIS_URL")
        self.missing: dict[str, str] = {}
        self._folders: list[Path] = []
        self._keepers: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def start(cls) -> Self:
        """Start what is not given by the environment. Never raises because something is missing."""
        services = cls()
        try:
            _install_missing(services)
            if services.postgres is None:
                services._attempt("PostgreSQL", services._start_postgres)
            if services.redis is None:
                services._attempt("Redis", services._start_redis)
        except BaseException:
            services.stop()
            raise
        return services

    def stop(self) -> None:
        """Stop what was started here. May be called twice."""
        for keeper in self._keepers.values():
            assert keeper.stdin is not None
            keeper.stdin.close()
        for keeper in self._keepers.values():
            try:
                keeper.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(keeper.pid, signal.SIGKILL)
                keeper.wait()
        self._keepers.clear()
        while self._folders:
            shutil.rmtree(self._folders.pop(), ignore_errors=True)

    def start_again(self, name: str) -> None:
        """Have `PostgreSQL` or `Redis`, started here, begin again as soon as its process has ended: it was killed."""
        stdin = self._keepers[name].stdin
        assert stdin is not None
        stdin.write(b"\n")
        stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _attempt(self, name: str, start: Callable[[], None]) -> None:
        try:
            start()
        except ServiceMissing as problem:
            self.missing[name] = str(problem)

    def _start_postgres(self) -> None:
        initdb, server = _program("initdb"), _program("postgres")
        if initdb is None or server is None:
            raise ServiceMissing(f"PostgreSQL is not installed, its tests are skipped: {APT_LINE}")
        folder = self._new_folder()
        data = folder / "data"
        _run([initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(f"unix_socket_directories = '{folder}'\n")
            settings.writelines(f"{name} = {value}\n" for name, value in POSTGRES_SETTINGS.items())
        self._keep("PostgreSQL", [server, "-D", str(data)], folder / "postgres.log")
        port = POSTGRES_SETTINGS["port"]

        def answers() -> bool:
            try:
                with psycopg.connect(
                    host=str(folder), port=int(port), user="postgres", dbname="postgres"
                ) as connection:
                    row = connection.execute("SHOW data_directory").fetchone()
            except psycopg.OperationalError:
                return False
            if row != (str(data),):
                raise ServiceMissing(f"another PostgreSQL answers in {folder}: {row}")
            return True

        _wait(answers, "PostgreSQL", folder / "postgres.log")
        self.postgres = f"postgresql+psycopg:///postgres?host={folder}&port={port}&user=postgres"

    def _start_redis(self) -> None:
        server = _program("redis-server") or _program("valkey-server")
        if server is None:
            raise ServiceMissing(f"Redis is not installed, its tests are skipped: {APT_LINE}")
        folder = self._new_folder()
        socket = folder / "redis.sock"
        options = {"port": "0", "unixsocket": str(socket), "save": "", "appendonly": "no", "databases": "64"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._keep("Redis", [server, *arguments, "--dir", str(folder)], folder / "redis.log")

        def answers() -> bool:
            try:
                with redis.Redis(unix_socket_path=str(socket)) as client:
                    return bool(client.ping())
            except redis.exceptions.ConnectionError:
                return False

        _wait(answers, "Redis", folder / "redis.log")
        self.redis = f"unix://{socket}"

    def _new_folder(self) -> Path:
        # A socket's path is at most about 100 bytes long, and the server's user must reach it.
        folder = Path(tempfile.mkdtemp(prefix="metaloom-", dir="/tmp")).resolve()
        self._folders.append(folder)
        if (user := _server_user()) is not None:
            shutil.chown(folder, user)
        return folder

    def _keep(self, name: str, command: list[str], log: Path) -> None:
        with log.open("wb") as output:
            keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                user=_server_user(),
                start_new_session=True,
            )
        self._keepers[name] = keeper


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: somebody else does it then."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _program(name: str) -> str | None:
    """Find a server's program on the path, or where Debian keeps PostgreSQL's, newest version first."""
    if found := shutil.which(name):
        return found
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: _number(each.parent.name), reverse=True
    )
    return next((str(folder / name) for folder in folders if (folder / name).exists()), None)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _install_missing(services: Services) -> None:
    """Install the servers with apt when METALOOM_INSTALL=1; a failure is told, and the run goes on without them."""
    wanted = (services.postgres is None and _program("initdb") is None) or (
        services.redis is None and _program("redis-server") is None and _program("valkey-server") is None
    )
    if wanted:
        install(APT_LINE)


def install(line: str) -> None:
    """Run a line of apt-get when METALOOM_INSTALL=1; a failure is told, and whoever asked goes on without."""
    if os.environ.get("METALOOM_INSTALL") != "1" or shutil.which("apt-get") is None:
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    print(f"installing: {line}", file=sys.stderr)
    for command in (["apt-get", "update", "-q"], line.split()):
        try:
            subprocess.run([*prefix, *command], check=True, env=environment, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as problem:
            print(f"could not install: {problem}", file=sys.stderr)
            return


def _run(command: list[str]) -> None:
    done = subprocess.run(command, user=_server_user(), cwd="/tmp", capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise ServiceMissing(f"{Path(command[0]).name} failed, its tests are skipped: {last}")


def _wait(answers: Callable[[], bool], name: str, log: Path) -> None:
    until = time.monotonic() + 30
    while not answers():
        if time.monotonic() > until:
            last = (log.read_text(errors="replace").strip() or "no message").splitlines()[-1]
            raise ServiceMissing(f"{name} did not start, its tests are skipped: {last}")
        time.sleep(0.02)
