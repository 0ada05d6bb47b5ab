"""Numbers that count up: unique among threads and processes, never given twice, anew with each period."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from metadata.problems import Invalid
from runtime import numbers
from runtime.host import Host
from runtime.numbers import Blocks
from runtime.records import create, update, write_many
from tests.selling import Place, paths, place, refused


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def test_a_number_is_given_once_however_many_ask(here: Place) -> None:
    account = here.add("account", name="A").id
    found: list[str] = []
    start = threading.Barrier(8)

    def run(name: str) -> None:
        start.wait()
        for at in range(12):
            found.append(here.add("order", name=f"{name} {at}", account=account).values["number"])

    threads = [threading.Thread(target=run, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == 96


def test_each_period_counts_anew_in_the_tenants_zone(here: Place) -> None:
    account = here.add("account", name="A").id

    def number(at: dt.datetime) -> str:
        with here.as_user(now=at) as ws:
            return str(create(ws, "order", {"name": str(at), "account": account}).values["number"])

    assert number(dt.datetime(2027, 1, 31, 15, 59, tzinfo=dt.UTC)) == "O-202701-0001"
    assert number(dt.datetime(2027, 1, 31, 16, 0, tzinfo=dt.UTC)) == "O-202702-0001"
    assert number(dt.datetime(2027, 1, 31, 15, 59, 59, tzinfo=dt.UTC)) == "O-202701-0002"


def test_a_number_that_was_undone_on_postgresql_is_left_out_and_never_doubled(here: Place) -> None:
    account = here.add("account", name="A").id
    first = here.add("order", name="1", account=account).values["number"]
    with pytest.raises(RuntimeError), here.as_user() as ws:
        create(ws, "order", {"name": "2", "account": account})
        raise RuntimeError
    third = here.add("order", name="3", account=account).values["number"]
    assert int(third[-4:]) - int(first[-4:]) == (2 if here.tenant.server.dialect == "postgresql" else 1)


def test_a_refused_record_takes_no_number(here: Place) -> None:
    account = here.add("account", name="A").id
    first = here.add("order", name="1", account=account).values["number"]
    refused(here, Invalid, lambda ws: create(ws, "order", {"name": "2", "account": account, "stage": "nowhere"}))
    second = here.add("order", name="3", account=account).values["number"]
    assert int(second[-4:]) == int(first[-4:]) + 1


def test_nobody_writes_a_number_but_an_import_may_bring_them(here: Place) -> None:
    account = here.add("account", name="A").id
    values = {"name": "x", "account": account, "number": "OLD-7"}
    error = refused(here, Invalid, lambda ws: create(ws, "order", values))
    assert paths(error) == {"number": "records.kept_by_platform"}
    with here.as_user(channel="import") as ws:
        made = create(ws, "order", values)
        assert made.values["number"] == "OLD-7"
        [verdict] = write_many(ws, "order", "upsert", [{"number": "OLD-7", "note": "again"}], ["number"])
        assert (verdict.action, verdict.id) == ("updated", made.id)
    error = refused(here, Invalid, lambda ws: update(ws, "order", made.id, {"number": "OLD-8"}))
    assert paths(error) == {"number": "records.kept_by_platform"}


def test_a_block_grows_with_the_need_and_is_used_up_first() -> None:
    asked: list[int] = []

    def reserve(size: int) -> int:
        asked.append(size)
        return sum(asked[:-1]) + 1

    blocks, key = Blocks(), ("t", 0, "order", "number", "")
    taken = [number for _ in range(40) for number in blocks.take(key, 1, reserve)]
    assert taken == list(range(1, 41))
    assert asked == [1, 2, 4, 8, 16, 32]
    assert blocks.take(key, 30, reserve) == list(range(41, 71))
    assert max(asked) <= 64
    # Another period, another tenant, or the time after a restore begins on its own.
    assert blocks.take(("t", 1, "order", "number", ""), 1, reserve) == [sum(asked[:-1]) + 1]


def test_a_restored_tenant_gives_no_number_of_the_block_before(here: Place) -> None:
    account = here.add("account", name="A").id
    for name in "abc":
        here.add("order", name=name, account=account)
    with here.platform() as ws:
        ws.db.run("UPDATE _state SET restore_epoch = restore_epoch + 1")
    after = here.add("order", name="d", account=account).values["number"]
    with here.platform(write=False) as ws:
        [(next_,)] = ws.db.fetch("SELECT next FROM _sequence")
    assert int(after[-4:]) == next_ - 1
    assert numbers.Blocks is Blocks
