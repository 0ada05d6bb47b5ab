"""Many writers of the rows of a few records at the same time, and whether every sum is exact afterwards."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from runtime import queries, records
from runtime.database.errors import Waiting
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query
from runtime.records.computing import rebuilding
from tests import kit
from tests.computing import WORLD

_TRIES = 50


@dataclass(frozen=True, slots=True)
class Writers:
    writers: int
    writes: int
    """Of each."""
    parents: int
    seed: int


@dataclass(slots=True)
class Contended:
    writes: int = 0
    again: int = 0
    """Writes that were tried again, since two had waited for each other."""
    records: int = 0
    wrong: int = 0
    failed: list[str] = field(default_factory=list)


def contended(host: Host, what: Writers) -> Contended:
    """Create, change, move and delete lines of a few deals of one account from several threads."""
    tenant = kit.tenant(host, WORLD)
    with kit.workspace(host, tenant) as ws:
        account = records.create(ws, "account", {"name": "A"}).id
        deals = [records.create(ws, "deal", {"name": f"D{at}", "account": account}).id for at in range(what.parents)]
    found, lock = Contended(), threading.Lock()
    threads = [
        threading.Thread(target=_work, args=(host, tenant, what, at, deals, found, lock)) for at in range(what.writers)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for checked in rebuilding.check(host, tenant):
        found.records += checked.records
        found.wrong += checked.wrong
    with kit.workspace(host, tenant, write=False) as ws:
        assert len(queries.find(ws, Query("deal", limit=200)).rows) == what.parents
    assert not found.failed, found.failed
    return found


def _work(
    host: Host, tenant: Tenant, what: Writers, number: int, deals: list[str], found: Contended, lock: threading.Lock
) -> None:
    choose = random.Random(what.seed * 1_000 + number)
    mine: list[str] = []
    for _ in range(what.writes):
        action = choose.choice(("create", "create", "change", "move", "delete")) if mine else "create"
        deal, price = choose.choice(deals), str(choose.randint(1, 300))
        line = choose.choice(mine) if mine else ""
        for _try in range(_TRIES):
            try:
                with kit.workspace(host, tenant) as ws:
                    if action == "create":
                        made = records.create(ws, "line", {"deal": deal, "quantity": "1.5", "price": price}).id
                    elif action == "change":
                        records.update(ws, "line", line, {"price": price})
                    elif action == "move":
                        records.update(ws, "line", line, {"deal": deal})
                    else:
                        records.delete(ws, "line", line)
            except Waiting:
                with lock:
                    found.again += 1
                continue
            except Exception as error:  # told by the test, which waits for the thread
                with lock:
                    found.failed.append(repr(error))
                return
            if action == "create":
                mine.append(made)
            elif action == "delete":
                mine.remove(line)
            with lock:
                found.writes += 1
            break
        else:
            with lock:
                found.failed.append(f"{action} was tried {_TRIES} times")
