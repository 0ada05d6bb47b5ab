"""What must be true when all is quiet again: each acknowledged write and all that follows from it, once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from channels import mail
from runtime import feed
from runtime.deliveries.sending import message_key
from runtime.host import Host
from runtime.tables import table_of
from runtime.workspace import PlatformActor, Workspace, open_workspace
from tests.chaos.clients import ROWS, Log
from tests.chaos.world import FULL, SENDER, World
from tests.outside import Elsewhere, Mailbox

_DUE = "run_at <= clock_timestamp() OR state = 'running' OR kind = 'workflow'"
_BUSY = f"SELECT count(*) FROM _job WHERE state IN ('queued', 'running') AND ({_DUE})"
_UNSENT = "SELECT count(*) FROM _delivery WHERE state IN ('queued', 'sending')"
_OPEN = "SELECT count(*) FROM _workflow_instance WHERE finished_at IS NULL"
_WAITING = "SELECT count(*) FROM _approval WHERE state = 'running'"


@dataclass
class Verdict:
    """What was found, by what is wrong; empty where all is well."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, found: Iterable[str]) -> None:
        held = list(found)
        self.counted[what] += len(held)
        if held:
            shown = self.wrong.setdefault(what, [])
            shown.extend(held[: 5 - len(shown)])


def work_left(host: Host, world: World) -> dict[str, int]:
    """What is not done yet: empty when all is quiet."""
    with open_workspace(host, world.tenant, PlatformActor()) as ws:
        found = {
            "jobs": _BUSY,
            "deliveries": _UNSENT,
            "runs": _OPEN,
            "approvals": _WAITING,
        }
        counts = {name: int(ws.db.fetch(text)[0][0]) for name, text in found.items()}
        counts["events"] = int(feed.is_behind(ws))
    return {name: number for name, number in counts.items() if number}


def judge(host: Host, world: World, log: Log, receiver: Elsewhere, box: Mailbox, left: Mapping[str, int]) -> Verdict:
    """Look at everything from a connection of its own."""
    verdict = Verdict()
    with open_workspace(host, world.tenant, PlatformActor()) as ws:
        orders = _rows(ws, "order", "id", "name", "note", "count", "amount")
        marks = Counter(str(row[0]) for row in _rows(ws, "mark", "name"))
        parts = Counter(str(row[0]) for row in _rows(ws, "part", "name"))
        _writes(verdict, log, orders, parts)
        _effects(verdict, log, orders, marks)
        _events(verdict, ws, {str(row[0]) for row in orders})
        _approvals(verdict, ws)
        _outside(verdict, ws, world, orders, receiver, box)
        dead = ws.db.fetch("SELECT kind, error FROM _job WHERE state IN ('dead', 'failed')")
        verdict.add("stuck", [f"{kind}: {error}" for kind, error in dead])
        verdict.add("stuck", [f"{number} {name} not done" for name, number in left.items()])
        verdict.counted["jobs"] = int(ws.db.fetch("SELECT count(*) FROM _job")[0][0])
    verdict.add("refused", log.refused)
    verdict.add("answered differently", log.different)
    return verdict


def _rows(ws: Workspace, entity: str, *fields: str) -> list[Any]:
    found = ws.model.entity(entity)
    assert found is not None
    held = table_of(ws.model, found, ws.dialect)
    return list(ws.db.execute(sa.select(*(held.column(name) for name in fields))))


def _writes(verdict: Verdict, log: Log, orders: list[Any], parts: Counter[str]) -> None:
    """Acknowledged: there, once, under the id that was told. Not acknowledged: there at most once."""
    names = Counter(str(row[1]) for row in orders)
    ids = {str(row[1]): str(row[0]) for row in orders}
    made = {each.name: each.id for each in log.of("order") + log.of("big")}
    verdict.add("lost", [name for name in made if not names[name]])
    verdict.add("lost", [f"{name} has another id" for name, id in made.items() if names[name] == 1 and ids[name] != id])
    verdict.add("doubled", [f"{number} x {name}" for name, number in names.items() if number > 1])
    verdict.add("invented", [name for name in names if name not in log.tried])
    rows = [f"{each.name}-{row}" for each in log.of("import") for row in range(ROWS)]
    verdict.add("lost", [row for row in rows if not parts[row]])
    verdict.add("doubled", [f"{number} x {name}" for name, number in parts.items() if number > 1])


def _effects(verdict: Verdict, log: Log, orders: list[Any], marks: Counter[str]) -> None:
    """What follows from each order and each note that is there: once each."""
    big = {name for name, kind in log.tried.items() if kind == "big"}
    wanted = Counter[str]()
    for _, name, _, count, _ in orders:
        wanted.update([f"a {name}", f"z {name}", *([f"ok {name}"] if name in big else [])])
        verdict.add("lost" if count < 1 else "doubled", [f"{name} counted {count} times"] if count != 1 else [])
    wanted.update(f"n {each.name}" for each in log.of("note"))
    verdict.add("lost", [mark for mark in wanted if not marks[mark]])
    verdict.add("doubled", [f"{number} x {mark}" for mark, number in marks.items() if number > 1])
    known = {f"n {name}" for name, kind in log.tried.items() if kind == "note"}
    verdict.add("invented", [mark for mark in marks if mark not in wanted and mark not in known])
    verdict.counted["effects"] = sum(marks.values()) + len(orders)


def _events(verdict: Verdict, ws: Workspace, orders: set[str]) -> None:
    """Each order has the one event of its making, and no event tells of what is not there."""
    order = ws.model.entity("order")
    assert order is not None
    query = "SELECT record::text, count(*) FROM _event WHERE entity = %(id)s AND kind = 'created' GROUP BY 1"
    made = {record: int(number) for record, number in ws.db.fetch(query, {"id": order.id})}
    verdict.add("lost", [f"the event of {id}" for id in orders if id not in made])
    verdict.add("doubled", [f"the event of {id}" for id, number in made.items() if number > 1])
    verdict.add("invented", [f"an event of {id}" for id in made if id not in orders])
    mark = ws.model.entity("mark")
    assert mark is not None
    query = "SELECT count(*) FROM _event WHERE entity = %(id)s AND kind = 'created'"
    told, there = int(ws.db.fetch(query, {"id": mark.id})[0][0]), len(_rows(ws, "mark", "id"))
    verdict.add("invented", [f"{told} events of {there} marks"] if told > there else [])
    verdict.add("lost", [f"{told} events of {there} marks"] if told < there else [])
    places = ws.db.fetch("SELECT count(*), count(DISTINCT position), coalesce(max(position), 0) FROM _event")
    verdict.add("lost", [f"positions of the feed: {places[0]}"] if len(set(map(int, places[0]))) != 1 else [])


def _approvals(verdict: Verdict, ws: Workspace) -> None:
    """Each request approved, by one decision, and its record free."""
    decisions = "SELECT count(*) FROM _approval_entry e WHERE e.request = a.id AND e.verb = 'approve'"
    query = f"SELECT a.id::text, a.state, ({decisions}) FROM _approval a"
    found = ws.db.fetch(query)
    verdict.counted["approvals"] = len(found)
    verdict.add("lost", [f"request {id} is {state}" for id, state, _ in found if state != "approved"])
    verdict.add("doubled", [f"request {id} decided {number} times" for id, _, number in found if number > 1])
    locks = ws.db.fetch("SELECT record::text FROM _record_lock")
    verdict.add("locked", [f"{record} is still locked" for (record,) in locks])


def _outside(
    verdict: Verdict, ws: Workspace, world: World, orders: list[Any], receiver: Elsewhere, box: Mailbox
) -> None:
    """Whatever arrived has a key of the outbox, one for each thing; whatever was done has arrived."""
    rows = ws.db.fetch("SELECT key, channel, state, error FROM _delivery")
    keys = {message_key(world.tenant.id, str(row[0])): row for row in rows}
    mails = {mail.message_id(key, SENDER): key for key in keys}
    heard = Counter[str]()
    things: dict[str, set[str]] = {}
    for each in list(receiver.heard):
        key = each.headers.get("idempotency-key", "")
        heard[key] += 1
        things.setdefault(_thing(each.path, each.body), set()).add(key)
    for letter in list(box.mails):
        key = mails.get(str(letter["Message-ID"]), str(letter["Message-ID"]))
        heard[key] += 1
        things.setdefault(f"mail {letter['Subject']}", set()).add(key)
    verdict.add("without a known key", [key for key in heard if key not in keys])
    verdict.add("under two keys", [f"{thing}: {len(held)} keys" for thing, held in things.items() if len(held) > 1])
    verdict.add("said to be sent", [row[0] for key, row in keys.items() if row[2] == "done" and not heard[key]])
    verdict.add("given up", [f"{row[0]}: {row[3]}" for row in rows if row[2] in ("failed", "dead")])
    told = [name for *_, name, amount in ((row[1], row[4]) for row in orders) if amount >= FULL]
    wanted = [f"{kind} {name}" for name in told for kind in ("call", "mail", "hook")]
    verdict.add("lost", [thing for thing in wanted if thing not in things])
    verdict.counted["deliveries"] = len(rows)
    verdict.counted["heard"] = sum(heard.values())
    verdict.counted["repeated"] = sum(number - 1 for number in heard.values())


def _thing(path: str, body: bytes) -> str:
    told = json.loads(body)
    return f"call {told['name']}" if path == "/call" else f"hook {told['data']['record']['name']}"
