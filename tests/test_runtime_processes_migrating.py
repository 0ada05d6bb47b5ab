"""Moving open runs to the release of today, on both databases, and the command that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from blueprints.commands import main
from metadata.problems import Invalid, NotFound
from runtime.directory import Tenant
from runtime.host import Host
from runtime.processes import migrating
from runtime.processes.migrating import Planned
from tests import doors, kit
from tests.processing import changed, found, lines, made, runs, sooner, work, world
from tests.test_runtime_processes_waiting import publish

OLD = """
flow:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps:
    call: {task: {title: "Call {name}", to: {b: {role: boss}}}}
    pause: {wait: {event: updated, when: "changed('stage')"}}
    mark: {create: {entity: mark, values: {name: "'old'", deal: {record: record}}}}
"""
NEW = """
flow:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps:
    ring: {task: {title: "Ring {name}", to: {b: {role: boss}}}}
    rest: {wait: {span: P1D}}
    mark: {create: {entity: mark, values: {name: "'new'", deal: {record: record}}}}
"""


def environment(host: Host) -> dict[str, str]:
    held = host.settings
    urls = {"METALOOM_DATABASE_URL": held.database_url, "METALOOM_ADMIN_DATABASE_URL": held.admin_database_url or ""}
    return {**urls, "METALOOM_SECRET_KEY": held.secret_key or "", "METALOOM_FILES_URL": held.files_url}


def begun(host: Host, workflow: str = OLD) -> tuple[Tenant, str, str]:
    """A tenant with a boss and two runs: one at its task, one that waits for a change."""
    tenant = kit.tenant(host, world(workflow))
    kit.person(host, tenant, roles=["boss"])
    first, second = (made(host, tenant, "deal", name=name) for name in ("a", "b"))
    work(host, tenant)
    task = next(each for each in found(host, tenant, "task") if each["title"] == "Call b")
    changed(host, tenant, "task", task["id"], status="done")
    work(host, tenant)
    return tenant, first, second


def planned(host: Host, tenant: Tenant, steps: dict[str, str]) -> list[Planned]:
    with kit.workspace(host, tenant, write=False) as ws:
        return migrating.plan(ws, "flow", steps)


def moved(host: Host, tenant: Tenant, steps: dict[str, str], skip: bool = False) -> int:
    with kit.workspace(host, tenant) as ws:
        count = migrating.ask(ws, migrating.plan(ws, "flow", steps), steps, skip=skip)
    work(host, tenant)
    return count


def test_a_plan_says_of_each_run_where_it_stands_and_lands_and_writes_nothing(host: Host) -> None:
    tenant, first, second = begun(host)
    publish(host, tenant, world(NEW))
    told = planned(host, tenant, {"call": "ring", "pause": "rest"})
    assert [(each.run.record, [(x.step, x.to, x.kept) for x in each.landings], each.begins) for each in told] == [
        (first, [("call", "ring", True)], ()),
        (second, [("pause", "rest", False)], ("rest",)),
    ]
    assert {each.release for each in runs(host, tenant)} == {1}
    (uncovered,) = [each.problems for each in planned(host, tenant, {"call": "ring"}) if each.problems]
    assert [each.code for each in uncovered] == ["workflow_move_uncovered"]


def test_runs_that_were_moved_go_on_by_the_new_definition(host: Host) -> None:
    tenant, first, second = begun(host)
    publish(host, tenant, world(NEW))
    assert moved(host, tenant, {"call": "ring", "pause": "rest"}) == 2
    assert {(each.release, each.state) for each in runs(host, tenant)} == {(2, "waiting")}
    (task,) = [each for each in found(host, tenant, "task") if each["status"] == "open"]
    changed(host, tenant, "task", task["id"], status="done")
    changed(host, tenant, "deal", second, stage="won")  # nobody waits for that any more
    work(host, tenant)
    assert found(host, tenant, "mark") == []
    sooner(host, tenant)
    work(host, tenant)
    assert sorted((each["name"], each["deal"]) for each in found(host, tenant, "mark")) == [
        ("new", first),
        ("new", second),
    ]
    one = next(each for each in runs(host, tenant) if each.record == first)
    assert one.state == "done" and ("ring", "moved") in lines(host, tenant, one.id)


def test_nothing_is_moved_where_the_map_leaves_something_open_unless_that_is_wanted(host: Host) -> None:
    tenant, _, second = begun(host)
    publish(host, tenant, world(NEW))
    with pytest.raises(Invalid) as refused:
        moved(host, tenant, {"call": "ring"})
    assert [each.code for each in refused.value.problems] == ["run.not_moved"]
    assert moved(host, tenant, {"call": "ring"}, skip=True) == 1
    assert {each.record: each.release for each in runs(host, tenant)}[second] == 1
    assert moved(host, tenant, {"pause": "end"}) == 1
    assert {each.record: (each.release, each.state) for each in runs(host, tenant)}[second] == (2, "stopped")


def test_a_map_that_is_none_or_names_what_is_not_there_is_refused(sqlite_host: Host) -> None:
    tenant, *_ = begun(sqlite_host)
    publish(sqlite_host, tenant, world(NEW))
    for steps, code in (({"caal": "ring"}, "run.map_unused"), ([], "run.bad_map"), ({"call": 3}, "run.bad_map")):
        with pytest.raises(Invalid) as refused:
            planned(sqlite_host, tenant, steps)  # type: ignore[arg-type]
        assert [each.code for each in refused.value.problems] == [code]
    with kit.workspace(sqlite_host, tenant) as ws, pytest.raises(NotFound):
        migrating.plan(ws, "flaw", {})


def test_a_run_that_went_on_before_it_could_be_moved_stays(host: Host) -> None:
    tenant, first, _ = begun(host)
    publish(host, tenant, world(NEW))
    (task,) = [each for each in found(host, tenant, "task") if each["status"] == "open"]
    with kit.workspace(host, tenant) as ws:
        told = [each for each in migrating.plan(ws, "flow", {"call": "ring"}) if not each.problems]
    changed(host, tenant, "task", task["id"], status="done")
    with kit.workspace(host, tenant) as ws:
        assert migrating.ask(ws, told, {"call": "ring"}) == 1
    work(host, tenant)
    assert {each.record: (each.release, each.state) for each in runs(host, tenant)}[first] == (1, "waiting")


def test_the_command_line_looks_moves_resumes_and_ends(sqlite_host: Host, tmp_path: Path) -> None:
    tenant, first, _ = begun(sqlite_host)
    made(sqlite_host, tenant, "deal", name="c")
    publish(sqlite_host, tenant, world(NEW))
    work(sqlite_host, tenant)

    def run(*given: str) -> Any:
        done = CliRunner().invoke(main, ["runs", *given], env=environment(sqlite_host))
        return json.loads(done.stdout) if "--json" in given else (done.exit_code, done.stdout)

    listed = run("list", tenant.name, "--state", "waiting", "--json")
    assert [(each["record"], each["state"], each["release"]) for each in listed][:2] != []
    one = next(each["id"] for each in listed if each["record"] == first)
    shown = run("show", tenant.name, one, "--json")
    assert (shown["workflow"], shown["lines"][0]["kind"]) == ("flow", "begun")
    (tmp_path / "map.yaml").write_text("call: ring\n", "utf-8")
    map_ = ("--map", str(tmp_path / "map.yaml"))
    told = run("move", tenant.name, "flow", *map_, "--json")
    assert (told["refused"], told["moving"]) == (1, 0)
    assert (told["runs"][0]["stands"], told["runs"][0]["lands"]) == ("call", "ring")
    assert run("move", tenant.name, "flow", *map_, "--yes")[0] == 1
    assert run("move", tenant.name, "flow", *map_, "--yes", "--skip")[0] == 0
    assert run("end", tenant.name, one)[0] == 0
    work(sqlite_host, tenant)
    assert {each.record: each.state for each in runs(sqlite_host, tenant)}[first] == "cancelled"
    assert run("end", tenant.name, one)[0] == 1
    assert run("resume", tenant.name, one)[0] == 1 and run("resume", tenant.name)[0] == 2
    assert run("show", tenant.name, "nothing")[0] == 1


WHY = """
big:
  entity: deal
  run_as: {role: boss}
  triggers: {made: {created: {}, when: "amount > 100"}}
  steps: {name: {update: {values: {code: "'X'"}}}}
"""


def test_the_command_line_says_why_in_both_languages_and_takes_up_dead_letters(sqlite_host: Host) -> None:
    tenant, env = kit.tenant(sqlite_host, world(WHY)), environment(sqlite_host)
    small = made(sqlite_host, tenant, "deal", name="s", amount="5", code="X")
    made(sqlite_host, tenant, "deal", name="l", amount="500")
    work(sqlite_host, tenant)
    (stuck,) = runs(sqlite_host, tenant)
    assert stuck.state == "failed"
    told = {
        lang: CliRunner()
        .invoke(main, ["runs", "why", tenant.name, "big", "deal", small, "--language", lang], env=env)
        .stdout
        for lang in ("en", "zh")
    }
    assert "- made: a record was made" in told["en"] and "- made: 记录已创建" in told["zh"]
    assert all("100" in each and "5" in each for each in told.values()) and told["en"] != told["zh"]
    resumed = CliRunner().invoke(main, ["runs", "resume", tenant.name, "--workflow", "big"], env=env)
    assert resumed.exit_code == 0 and resumed.stdout.startswith("1 ")
    changed(sqlite_host, tenant, "deal", small, code="Y")
    work(sqlite_host, tenant)
    assert [each.state for each in runs(sqlite_host, tenant)] == ["done"]


def test_runs_are_moved_over_rest_by_who_looks_after_them(host: Host) -> None:
    site = doors.site(host, kit.CONFIGS / "core", world(OLD))
    tenant = site.tenant
    kit.person(host, tenant, roles=["boss"])
    made(host, tenant, "deal", name="a")
    work(host, tenant)
    publish(host, tenant, world(NEW))
    path, body = "/-/workflows/flow/move", {"steps": {"call": "ring"}}
    assert site.api("seller").post(path, body).status_code == 403
    boss = site.api("boss")
    told = boss.post(path, {**body, "dry_run": True})
    assert (told.status_code, told.get_json()["moving"]) == (200, 0)
    assert told.get_json()["data"][0]["places"] == [{"step": "call", "to": "ring", "kept": True}]
    open_ = boss.post(path, {"steps": {}, "dry_run": True}).get_json()["data"][0]["problems"]
    assert [each["code"] for each in open_] == ["workflow_move_uncovered"]
    assert boss.post(path, {"steps": {}}).status_code == 422
    assert boss.post(path, {"steps": {}, "skip": 1}).status_code == 422
    assert boss.post(path, body).status_code == 202
    work(host, tenant)
    assert [each.release for each in runs(host, tenant)] == [2]
