"""Fifty people at once decide one task over the REST interface: one wins, the others are told so, nothing doubles."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from runtime import jobs, records
from runtime.host import Host
from tests import doors, kit
from tests.doors import codes
from tests.signing import WORLD

AT_ONCE = 50


@pytest.mark.parametrize("verbs", [("approve",), ("approve", "reject")])
def test_concurrent_any_409(host: Host, verbs: tuple[str, ...]) -> None:
    site = doors.site(host, WORLD)
    roles = {"ida": "seller", "bob": "manager", "dora": "director", "dan": "director", "carl": "cfo"}
    people = {name: site.person("member", role, name=name.capitalize()) for name, role in roles.items()}
    with kit.workspace(host, site.tenant) as ws:
        records.update(ws, "user", people["ida"].id, {"manager": people["bob"].id})
    ida, bob = (site.api(person=people[name]) for name in ("ida", "bob"))
    quote = ida.made("quote", name="Marmalade", discount=20, amount="600000")
    request = ida.post(f"/quote/{quote['id']}/approval").get_json()["id"]
    asked = bob.post(f"/approvals/{request}/approve").get_json()["asked"]
    tasks = {each["assignee"]["name"]: each["task"] for each in asked}
    tokens = {name: site.api(person=people[name.lower()]).headers for name in tasks}
    # The same two people, and the same two tasks, from fifty places: each with a client of its own.
    names, start = sorted(tasks), threading.Barrier(AT_ONCE)
    answers: list[tuple[int, str]] = []

    def decide(at: int) -> None:
        name, verb = names[at % 2], verbs[at % len(verbs)]
        api = doors.Api(site.app.test_client(), ida.prefix, tokens[name])
        start.wait()
        answer = api.post(f"/approvals/{request}/{verb}", {"task": tasks[name], "comment": "at once"})
        answers.append((answer.status_code, "" if answer.status_code == 200 else codes(answer)[0]))

    threads = [threading.Thread(target=decide, args=(at,)) for at in range(AT_ONCE)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    counted = Counter(answers)
    assert counted.pop((200, "")) == 1
    assert sum(counted.values()) == AT_ONCE - 1
    assert {status for status, _ in counted} == {409}, counted
    assert {code for _, code in counted} <= {"approval_task_decided", "approval_not_running"}, counted
    jobs.drain(host, site.tenant)
    shown = ida.get(f"/approvals/{request}").get_json()
    done = [each for each in shown["history"] if each["verb"] in verbs and each["comment"] == "at once"]
    assert len(done) == 1
    director = next(each for each in shown["route"] if each["node"] == "director")
    assert sorted(each["state"] for each in director["tasks"]) in (["approved", "cancelled"], ["cancelled", "rejected"])
    money = [each for each in shown["route"] if each["node"] == "money"]
    assert [len(each["tasks"]) for each in money] == ([1] if shown["state"] == "running" else [])
    with kit.workspace(host, site.tenant, write=False) as ws:
        ended = ws.db.fetch("SELECT kind FROM _event WHERE kind = 'approval_rejected'")
    assert len(ended) == (shown["state"] == "rejected")
