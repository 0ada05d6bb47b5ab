"""Events, the feed's positions, idempotency keys, and what a killed process leaves."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from metadata.problems import BadRequest, Invalid
from runtime import events, feed, idempotency
from runtime.host import Host
from runtime.records import create, update, write_many
from runtime.system.tables import table
from runtime.workspace import Workspace
from tests.selling import Place, place, refused

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def rows(ws: Workspace) -> list[sa.Row[tuple[object, ...]]]:
    return list(ws.db.execute(sa.select(table("_event", ws.dialect)).order_by(table("_event", ws.dialect).c.id)))


def positions(here: Place) -> list[int | None]:
    """Of what happened since the tenant was made."""
    with here.platform(write=False) as ws:
        return [row.position for row in rows(ws) if row.kind == "created"]


def settled(here: Place) -> int:
    """Give positions to what making the tenant has told; the last of them."""
    with here.platform() as ws:
        return feed.assign(ws)


# -- events


def test_an_event_says_who_did_what_how_and_when(here: Place) -> None:
    with here.as_user(channel="form") as ws:
        made = create(ws, "account", {"name": "A", "size": 3})
        release, now = ws.release, ws.now
    with here.platform(write=False) as ws:
        [row] = [each for each in rows(ws) if str(each.record) == made.id]
        changes = row.changes if isinstance(row.changes, dict) else orjson.loads(row.changes)
        at = str(row.at)
    assert (row.kind, row.entity, row.channel, row.actor_name, row.release) == (
        "created",
        "account",
        "form",
        "Boss",
        release,
    )
    assert (str(row.actor), row.position, row.depth, row.cause) == (here.boss, None, 0, None)
    assert changes["name"] == [None, "A"] and changes["size"] == [None, 3] and "code" not in changes
    assert row.digest == hashlib.sha256(orjson.dumps(changes, option=orjson.OPT_SORT_KEYS)).hexdigest()
    assert at[:19].replace("T", " ") == str(now)[:19]


def test_what_follows_from_a_deletion_names_its_cause(here: Place) -> None:
    from runtime.records import delete

    account = here.add("account", name="A").id
    order = here.add("order", name="O", account=account, lines=[{"name": "l"}]).id
    with here.as_user() as ws:
        delete(ws, "order", order)
    with here.platform(write=False) as ws:
        root, follower = [each for each in rows(ws) if each.kind == "deleted"]
    assert (root.cause, str(follower.cause), follower.depth) == (None, str(root.id), 1)


def test_many_events_are_as_complete_as_single_ones(here: Place) -> None:
    with here.as_user() as ws:
        events.append_many(ws, [events.Fact("noted", "account", None, {"name": [None, str(at)]}) for at in range(50)])
        events.append(ws, "noted", "account", None, {"name": [None, "50"]})
        found = [each for each in rows(ws) if each.kind == "noted"]
    assert len(found) == 51
    assert len({(each.actor, each.channel, each.release, each.at) for each in found}) == 1
    assert [str(each.id) for each in found] == sorted(str(each.id) for each in found)


def test_a_write_rings_after_commit_and_a_refusal_does_not(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(here.host, "bell", rung.append)
    here.add("account", name="A")
    assert rung == [here.tenant.id]
    with pytest.raises(Invalid), here.as_user() as ws:
        create(ws, "account", {})
    with here.as_user(write=False):
        pass
    assert rung == [here.tenant.id]


# -- the feed


def test_positions_follow_each_other_in_the_order_of_giving(here: Place) -> None:
    last = settled(here)
    for name in "abc":
        here.add("account", name=name)
    assert positions(here) == [None] * 3
    with here.platform() as ws:
        assert feed.assign(ws, limit=2) == 2
    with here.platform() as ws:
        assert feed.assign(ws) == 1
        assert feed.assign(ws) == 0
    assert positions(here) == [last + 1, last + 2, last + 3]


def test_an_event_that_commits_late_gets_a_later_position(here: Place) -> None:
    if here.tenant.server.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time, so nothing commits late")
    last = settled(here)
    with here.as_user() as slow:
        late = create(slow, "account", {"name": "slow"}).id
        early = here.add("account", name="fast").id
        with here.platform() as ws:
            assert feed.assign(ws) == 1
    with here.platform() as ws:
        assert feed.assign(ws) == 1
        found = {str(each.record): each.position for each in rows(ws)}
    assert (found[early], found[late]) == (last + 1, last + 2)


def test_assigners_side_by_side_leave_no_gap_and_no_double(here: Place) -> None:
    last = settled(here)
    stop = threading.Event()
    failures: list[BaseException] = []

    def assign() -> None:
        try:
            while not stop.is_set():
                with here.platform() as ws:
                    feed.assign(ws, limit=7)
        except BaseException as error:
            failures.append(error)

    assigners = [threading.Thread(target=assign) for _ in range(3)]
    for each in assigners:
        each.start()

    def write(name: str) -> None:
        for at in range(10):
            with here.as_user() as ws:
                write_many(ws, "account", "insert", [{"name": f"{name} {at} {row}"} for row in range(5)])

    writers = [threading.Thread(target=write, args=(str(number),)) for number in range(3)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    stop.set()
    for each in assigners:
        each.join()
    with here.platform() as ws:
        feed.assign(ws)
    found = positions(here)
    assert not failures
    assert sorted(each or 0 for each in found) == list(range(last + 1, last + 151))


# -- idempotency


def test_a_repeated_request_gets_the_first_answer_and_does_nothing(here: Place) -> None:
    request = idempotency.digest("POST", "/api/v1/account", b'{"name": "A"}')
    with here.as_user() as ws:
        assert idempotency.begin(ws, "key-1", request) is None
        made = create(ws, "account", {"name": "A"})
        idempotency.finish(ws, "key-1", 201, made.id)
    before = here.state()
    with here.as_user() as ws:
        assert idempotency.begin(ws, "key-1", request) == idempotency.Answer(201, made.id)
    assert here.state() == before


def test_another_request_with_the_same_key_is_refused(here: Place) -> None:
    with here.as_user() as ws:
        idempotency.begin(ws, "key", idempotency.digest("POST", "/x", b"1"))
        idempotency.finish(ws, "key", 201, "")
    for other in (("POST", "/x", b"2"), ("PATCH", "/x", b"1"), ("POST", "/y", b"1")):
        digest = idempotency.digest(*other)
        error = refused(here, Invalid, partial(idempotency.begin, key="key", request=digest))
        assert error.problems[0].code == "idempotency.other_request"
    for key in ("", "x" * 256, "a\nb"):
        refused(here, BadRequest, partial(idempotency.begin, key=key, request="d"))


def test_keys_are_each_actors_own_and_forgotten_after_a_day(here: Place) -> None:
    import datetime as dt

    seller = here.person("seller", unit=here.unit)
    with here.as_user() as ws:
        idempotency.begin(ws, "key", "d")
    with here.as_user(seller) as ws:
        assert idempotency.begin(ws, "key", "e") is None
    with here.platform() as ws:
        assert idempotency.forget(ws) == 0
    with here.platform(now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)) as ws:
        assert idempotency.forget(ws) == 2


def test_an_undone_request_may_be_repeated(here: Place) -> None:
    with pytest.raises(Invalid), here.as_user() as ws:
        idempotency.begin(ws, "key", "d")
        create(ws, "account", {})
    with here.as_user() as ws:
        assert idempotency.begin(ws, "key", "d") is None


def test_the_same_request_at_once_is_done_once(here: Place) -> None:
    made: list[str] = []
    answers: list[str] = []
    start = threading.Barrier(6)

    def run() -> None:
        start.wait()
        with here.as_user() as ws:
            held = idempotency.begin(ws, "key", "d")
            if held is None:
                record = create(ws, "account", {"name": "once"})
                idempotency.finish(ws, "key", 201, record.id)
                made.append(record.id)
            else:
                answers.append(held.body)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1
    assert answers == made * 5


# -- kill -9

_CHILD = """
import os, sys
from runtime.database.db import Db
from runtime.directory import find
from runtime.host import Host
from runtime.records import create, update, write_many
from runtime.settings import Settings
from runtime.workspace import AsUser, open_workspace

url, admin, files, name, boss, account, at = sys.argv[1:]
host = Host.open(Settings(database_url=url, admin_database_url=admin or None, files_url=files, secret_key="x" * 32))
with open_workspace(host, find(host, name), AsUser(boss), write=True) as ws:
    order = create(ws, "order", {"name": "O", "account": account, "lines": [{"name": "l"}]})
    update(ws, "order", order.id, {"name": "P", "lines": []})
    update(ws, "account", account, {"size": 77, "name": "changed"})
    write_many(ws, "account", "insert", [{"name": str(n)} for n in range(50)])
    print("ready", flush=True)
    sys.stdin.readline()
    if at == "after":
        pass
print("committed", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_killed_process_has_done_all_or_nothing(here: Place, at: str) -> None:
    account = here.add("account", name="A").id
    before = here.state()
    settings = here.host.settings
    arguments = [settings.database_url, settings.admin_database_url or "", settings.files_url]
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, *arguments, here.tenant.name, here.boss, account, at],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}"},
    )
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    if at == "after":
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "committed\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    if at == "before":
        assert here.state() == before
    else:
        with here.as_user() as ws:
            assert update(ws, "account", account, {"code": "x"}).values["name"] == "changed"
