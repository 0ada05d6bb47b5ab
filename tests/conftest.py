"""Fixtures for every test.

`postgres`        superuser URL of the private cluster's maintenance database
`make_database`   a function: an empty database in that cluster; returns its URL; dropped at the end of the run
`fresh_database`  the URL of an empty database for this test alone, dropped afterwards
`redis_url`       URL of the private Redis, a database of its own per worker, emptied when the worker begins
`shared_data`     the folder of sample data beside the checkout
`host`            a Host on SQLite, then one on PostgreSQL: a test that asks for it runs twice; see `kit`

A test that asks for something this machine does not have is skipped; the reason is printed once.
Roles of PostgreSQL belong to the cluster, not to a database: tests that run side by side see each other's.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.services import Services

if TYPE_CHECKING:
    from runtime.host import Host

ROOT = Path(__file__).resolve().parents[1]
_POSTGRES, _REDIS, _MISSING = "TEST_DATABASE_URL", "TEST_REDIS_URL", "METALOOM_TEST_MISSING"
_started = pytest.StashKey[Services]()


def pytest_configure(config: pytest.Config) -> None:
    """With xdist the controller starts the servers before the workers; without it the first test that asks does."""
    if hasattr(config, "workerinput"):
        return
    for name in [each for each in os.environ if each.startswith("METALOOM_") and each != "METALOOM_INSTALL"]:
        del os.environ[name]  # nobody's real database is a test's business
    if config.getoption("numprocesses", None) and not config.option.collectonly:
        _start(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    if (services := config.stash.get(_started, None)) is not None:
        services.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per reason why tests were skipped, however many there are."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped"))
    for reason, number in reasons.items():
        terminalreporter.write_line(f"SKIPPED [{number}] {reason}", yellow=True)


def _start(config: pytest.Config) -> None:
    """Start the servers once and tell this process and its workers where they are."""
    if hasattr(config, "workerinput") or _started in config.stash:
        return
    services = config.stash[_started] = Services.start()
    for name, url in ((_POSTGRES, services.postgres), (_REDIS, services.redis)):
        if url is not None:
            os.environ[name] = url
    os.environ[_MISSING] = "\n".join(services.missing.values())


def _url(config: pytest.Config, variable: str, name: str) -> str:
    _start(config)
    if (url := os.environ.get(variable)) is not None:
        return url
    reasons = os.environ.get(_MISSING, "").splitlines()
    pytest.skip(next((reason for reason in reasons if name in reason), f"{name} is not available"))


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> str:
    """The superuser's SQLAlchemy URL of the cluster's maintenance database."""
    return _url(pytestconfig, _POSTGRES, "PostgreSQL")


@pytest.fixture(scope="session")
def make_database(postgres: str) -> Iterator[Callable[[], str]]:
    """Create an empty database and give its URL; all are dropped when the worker ends."""
    with contextlib.ExitStack() as made:
        yield lambda: made.enter_context(_database(postgres))


@pytest.fixture
def fresh_database(postgres: str) -> Iterator[str]:
    """An empty database for one test."""
    with _database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """A Redis database of this worker's own, empty at first."""
    url = _url(pytestconfig, _REDIS, "Redis")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if url.startswith("unix://") and "?" not in url:
        url += f"?db={worker.removeprefix('gw') or 0}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The sample data beside the checkout; it is only read."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("there is no sample data in ../shared/data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def sqlite_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host on SQLite that serves the whole test process."""
    from tests import kit  # tests that need no database do not load the runtime

    with kit.sqlite_host(tmp_path_factory.mktemp("sqlite")) as host:
        yield host


@pytest.fixture(scope="session")
def postgres_host(make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host on PostgreSQL that serves the whole test process, signed in as a login without rights."""
    from tests import kit

    with kit.postgres_host(make_database(), tmp_path_factory.mktemp("files")) as host:
        yield host


@pytest.fixture(params=["sqlite", "postgresql"])
def host(request: pytest.FixtureRequest) -> Host:
    """A host of each kind in turn."""
    found: Host = request.getfixturevalue("sqlite_host" if request.param == "sqlite" else "postgres_host")
    return found


@contextlib.contextmanager
def _database(server: str) -> Iterator[str]:
    url = make_url(server)
    name = f"t_{uuid.uuid4().hex}"
    _create_database(url, name)
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with _administer(url) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _create_database(url: URL, name: str) -> None:
    """Its texts sort linguistically, as on many real servers, so that a forgotten collation shows in a test."""
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    linguistic = sql.SQL(" ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    with _administer(url) as connection:
        try:
            connection.execute(create + linguistic)
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.SyntaxError, psycopg.errors.InvalidParameterValue):
            connection.execute(create)


def _administer(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
