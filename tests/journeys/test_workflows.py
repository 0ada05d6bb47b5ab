"""A workflow from its YAML to its end, as people and programs meet it over REST: begun, refused, seen, stopped."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.host import Host
from tests.doors import Site, codes, site
from tests.processing import found, jobs, runs, work, world

HAND_OVER = """
push:
  entity: deal
  label: {en: Hand over, zh: 移交}
  run_as: {role: boss}
  triggers:
    push: {button: {label: {en: Hand over, zh: 移交}, roles: {seller: {}}}, when: "stage == 'won'"}
  steps:
    mark: {create: {entity: mark, values: {name: "concat('handed ', name)", deal: {record: record}}}}
    check:
      if: "account.secret == 'canary' and amount > 3"
      then: {big: {create: {entity: mark, values: {name: "'big'"}}}}
twice:
  entity: deal
  once: true
  triggers:
    one: {button: {label: One}}
    two: {button: {label: Two}}
  steps: {pause: {wait: {span: P1D}}}
broken:
  entity: deal
  triggers: {made: {created: {}, when: "name == 'broken'"}}
  steps: {bad: {create: {entity: account, values: {name: "name", secret: "'x'"}}}}
guarded:
  entity: deal
  triggers: {moved: {updated: {}, when: "changed('stage') and stage == 'won' and amount > 1000"}}
  steps: {end: {stop: {}}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, world(HAND_OVER))


def test_a_button_starts_a_run_that_its_record_shows(here: Site) -> None:
    seller, looker, boss = here.api("seller"), here.api("looker"), here.api("boss")
    account = boss.made("account", name="Ada", secret="canary")["id"]
    deal = seller.made("deal", name="d", amount="9", account=account)["id"]
    path = f"/deal/{deal}"

    refused = seller.post(f"{path}/actions/push")
    assert (refused.status_code, codes(refused)) == (409, ["action_not_now"])
    assert looker.post(f"{path}/actions/push").status_code == 403
    assert seller.post(f"{path}/actions/nothing").status_code == 404
    assert seller.post("/deal/01900000-0000-7000-8000-000000000000/actions/push").status_code == 404
    assert here.api("seller", scopes=("read",)).post(f"{path}/actions/push").status_code == 403
    assert runs(here.host, here.tenant) == []
    assert [each["name"] for each in seller.get(f"{path}/actions").get_json()["data"]] == ["twice.one", "twice.two"]

    seller.patch(path, {"stage": "won"})
    offered = seller.get(f"{path}/actions").get_json()["data"]
    assert {"name": "push", "label": "Hand over"} in offered
    assert "push" not in [each["name"] for each in looker.get(f"{path}/actions").get_json()["data"]]
    begun = seller.post(f"{path}/actions/push", headers={"Idempotency-Key": "once"})
    again = seller.post(f"{path}/actions/push", headers={"Idempotency-Key": "once"})
    assert (begun.status_code, begun.get_json()) == (202, again.get_json())
    work(here.host, here.tenant)
    assert [each["name"] for each in found(here.host, here.tenant, "mark")] == ["handed d", "big"]

    listed = seller.get(f"{path}/runs").get_json()["data"]
    assert [(each["workflow"], each["label"], each["state"]) for each in listed] == [("push", "Hand over", "done")]
    shown = seller.get(f"{path}/runs/{begun.get_json()['run']}").get_json()
    asked = next(each["detail"]["asked"] for each in shown["lines"] if "asked" in each["detail"])
    assert (asked[0]["holds"], asked[0]["when"], asked[0]["hidden"]) == (True, None, True)
    open_ = boss.get(f"{path}/runs/{begun.get_json()['run']}").get_json()
    asked = next(each["detail"]["asked"] for each in open_["lines"] if "asked" in each["detail"])
    assert "canary" in asked[0]["when"]
    assert "canary" not in seller.get(f"{path}/runs/{begun.get_json()['run']}").get_data(as_text=True)


def test_only_one_at_a_time_where_it_says_so(here: Site) -> None:
    seller = here.api("seller")
    deal = seller.made("deal", name="d")["id"]
    assert seller.post(f"/deal/{deal}/actions/twice.one").status_code == 202
    second = seller.post(f"/deal/{deal}/actions/twice.two")
    assert (second.status_code, codes(second)) == (409, ["action_runs_already"])
    assert len(runs(here.host, here.tenant)) == 1


def test_a_failed_run_is_told_to_whom_it_concerns_and_taken_up_again(here: Site) -> None:
    seller, other, boss = here.api("seller"), here.api("seller"), here.api("boss")
    deal = seller.made("deal", name="broken")["id"]
    work(here.host, here.tenant)
    (mine,) = seller.get(f"/deal/{deal}/runs").get_json()["data"]
    (theirs,) = other.get(f"/deal/{deal}/runs").get_json()["data"]
    assert (mine["state"], mine["error"]["step"]) == ("failed", "bad")
    assert "secret" in mine["error"]["message"]
    assert "secret" not in theirs["error"]["message"]
    run = mine["id"]
    assert seller.post(f"/-/runs/{run}/retry").status_code == 403
    assert boss.post(f"/-/runs/{run}/retry").status_code == 202
    work(here.host, here.tenant)
    assert len([each for each in jobs(here.host, here.tenant) if each.state == "dead"]) == 1
    (failed,) = boss.get("/-/runs", state="failed").get_json()["data"]
    assert failed["id"] == run
    assert boss.post(f"/-/runs/{run}/cancel").status_code == 202
    work(here.host, here.tenant)
    (ended,) = seller.get(f"/deal/{deal}/runs").get_json()["data"]
    assert (ended["state"], "ended this run" in ended["error"]["message"]) == ("cancelled", True)
    over = boss.post(f"/-/runs/{run}/cancel")
    assert (over.status_code, codes(over)) == (409, ["run_is_over"])


def test_why_a_workflow_did_not_start(here: Site) -> None:
    seller = here.api("seller")
    deal = seller.made("deal", name="d", amount="500")["id"]
    seller.patch(f"/deal/{deal}", {"stage": "won"})
    (asked,) = seller.get(f"/deal/{deal}/why/guarded").get_json()["triggers"]
    assert (asked["trigger"], asked["holds"]) == ("moved", False)
    assert "500" in _words(asked["failed"]) and "1,000" in _words(asked["failed"]).replace("1000", "1,000")
    assert [each["holds"] for each in asked["explanation"]["parts"]] == [True, True, False]
    seller.patch(f"/deal/{deal}", {"note": "n"})
    (asked,) = seller.get(f"/deal/{deal}/why/guarded").get_json()["triggers"]
    assert [each["holds"] for each in asked["explanation"]["parts"]] == [False, True, False]
    assert seller.get(f"/deal/{deal}/why/nothing").status_code == 404


def _words(step: dict[str, Any]) -> str:
    return " ".join([step["text"], step["result"], *(_words(each) for each in step["parts"])])


def test_a_switch_stops_what_starts_and_what_runs(here: Site) -> None:
    seller, boss = here.api("seller"), here.api("boss")
    deal = seller.made("deal", name="d", stage="won", amount=1)["id"]
    assert seller.post("/-/workflows/push/off", {}).status_code == 403
    assert boss.post("/-/workflows/nothing/off", {}).status_code == 404
    begun = seller.post(f"/deal/{deal}/actions/push")
    assert begun.status_code == 202
    assert boss.post("/-/workflows/push/off", {"reason": "too many"}).status_code == 200
    work(here.host, here.tenant)
    assert found(here.host, here.tenant, "mark") == []
    refused = seller.post(f"/deal/{deal}/actions/push")
    assert (refused.status_code, codes(refused)) == (422, ["run.off"])
    why = seller.get(f"/deal/{deal}/why/push").get_json()
    assert [each["code"] for each in why["against"]] == ["run.off"]
    listed = {each["name"]: each["off"] for each in boss.get("/-/workflows").get_json()["data"]}
    assert (listed["push"]["reason"], listed["twice"]) == ("too many", None)
    assert boss.post("/-/workflows/push/on").get_json() == {"off": False, "resumed": 1}
    work(here.host, here.tenant)
    assert [each["name"] for each in found(here.host, here.tenant, "mark")] == ["handed d"]


def test_all_are_stopped_by_one_switch(here: Site) -> None:
    seller, boss = here.api("seller"), here.api("boss")
    assert boss.post("/-/workflows/*/off", {}).status_code == 200
    seller.made("deal", name="broken")
    work(here.host, here.tenant)
    assert runs(here.host, here.tenant) == []
    assert boss.post("/-/workflows/*/on").status_code == 200
    seller.made("deal", name="broken")
    work(here.host, here.tenant)
    assert len(runs(here.host, here.tenant)) == 1


def test_the_document_of_the_interface_names_the_buttons(here: Site) -> None:
    paths = here.api("seller").get("/openapi.json").get_json()["paths"]
    assert paths["/deal/{id}/actions/{name}"]["parameters"][1]["schema"]["enum"] == ["push", "twice.one", "twice.two"]
    assert "/account/{id}/runs" not in paths
