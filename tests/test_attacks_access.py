"""What somebody hostile tries against rights: what he lacks as a key, tokens that may not write, shares as a lever."""

from __future__ import annotations

import pytest

from metadata.problems import PlatformError
from runtime.host import Host
from tests import kit
from tests.doors import Person, Site, codes, site
from tests.pages import without_tokens
from tests.test_runtime_pools import POOLED

ROLES = """
package: {code: attacked, kind: module}
entities:
  user: {fields: {region: {type: text}, level: {type: integer}, boss: {type: user}}}
  company:
    fields:
      region: {type: text}
      score: {type: integer}
      note: {type: text}
      parent: {type: link, to: company, inverse: {key: branches}}
roles:
  regional:
    entities:
      company:
        read: {where: "region == $user.region"}
        create: {where: "not (region != $user.region)"}
        update: {where: "coalesce($user.region, null) == lower(region) or size == 999"}
      deal: {read: {where: "company.owner.boss == $user.boss"}}
  leveled:
    entities:
      company:
        read: all
        update: all
        fields: {note: {right: write, when: "score == $user.level", otherwise: hidden}}
  everywhere: {entities: {company: {read: {where: "is_empty($user.region) or region == $user.region"}}}}
  outside: {entities: {company: {read: {where: "region != $user.region"}}}}
  branch:
    entities:
      company:
        read: {where: "industry == 'it'"}
        update: {where: "parent.score > 999 and size > 5"}
        delete: {where: "parent.note == 'x'"}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, kit.MINI, ROLES)


def names(here: Site, person: Person, entity: str = "company") -> list[str]:
    answer = here.api(person=person).get(f"/{entity}", sort="name")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [each["name"] for each in answer.get_json()["data"]]


def test_what_somebody_lacks_opens_nothing(here: Site) -> None:
    """Empty equals empty in the language; as a right it would open everything to whoever has no value."""
    admin, who = here.api("admin"), here.person("regional")
    none = admin.made("company", name="None", owner=None)
    admin.made("company", name="North", region="north")
    admin.made("deal", name="First", company=none["id"], owner=None)
    assert (names(here, who), names(here, who, "deal")) == ([], [])
    api, path = here.api(person=who), f"/company/{none['id']}"
    assert api.get(path).status_code == api.patch(path, {"size": 1}).status_code == 404
    assert api.get(f"{path}/explain").status_code == 404
    assert api.post("/company", {"name": "Made"}).status_code == 403
    assert names(here, here.person("outside")) == ["North"]
    assert names(here, here.person("everywhere")) == ["None", "North"]
    admin.patch(f"/user/{who.id}", {"region": "north"})
    assert names(here, who) == ["North"]
    assert api.post("/company", {"name": "Made", "region": "north"}).status_code == 201
    assert api.post("/company", {"name": "Made", "region": "south"}).status_code == 403


def test_what_somebody_lacks_opens_no_field(here: Site) -> None:
    admin, who = here.api("admin"), here.person("leveled")
    made = admin.made("company", name="Acme", note="hush")
    api, path = here.api(person=who), f"/company/{made['id']}"
    assert api.get(path).get_json()["note"] is None
    assert api.get("/company", where="note == 'hush'").get_json()["data"] == []
    assert codes(api.patch(path, {"note": "x"})) == ["records.may_not_write_now"]
    admin.patch(f"/user/{who.id}", {"level": 3})
    admin.patch(path, {"score": 3})
    assert api.get(path).get_json()["note"] == "hush"


def test_an_explanation_tells_nothing_of_another_record_of_the_same_kind(here: Site) -> None:
    admin, api = here.api("admin"), here.api("branch")
    unseen = admin.made("company", name="Holding", industry="health", score=314, note="hush")
    made = admin.made("company", name="Branch", industry="it", parent=unseen["id"])
    for action in ("update", "delete"):
        text = without_tokens(api.get(f"/company/{made['id']}/explain", action=action).get_data(as_text=True))
        assert "explain_untold" in text and "999" not in text
        assert "314" not in text and "hush" not in text


def test_a_token_that_may_not_write_moves_nothing_out_of_a_pool(host: Host) -> None:
    here = site(host, POOLED)
    admin, rep, boss = here.api("admin"), here.person("seller"), here.person("boss")
    company = admin.made("company", name="Loose", owner=None)["id"]
    asked = [
        (rep, {"action": "claim"}),
        (boss, {"action": "give", "user": rep.id}),
        (boss, {"action": "move", "pool": "spare"}),
    ]
    for scopes in (("read",), ("read", "write:deal")):
        for who, body in asked:
            answer = here.api(person=who, scopes=scopes).post("/company/pool", {**body, "ids": [company]})
            assert answer.status_code == 403, (body, answer.get_data(as_text=True))
    assert admin.get(f"/company/{company}").get_json()["owner"] is None
    given = here.api(person=boss).post("/company/pool", {**asked[1][1], "ids": [company]})
    assert given.get_json()["data"][0]["verdict"] == "updated"


def test_who_has_a_record_by_a_share_alone_does_not_make_it_his_own(here: Site) -> None:
    owner, guest, third = (here.person("seller") for _ in range(3))
    api, shared = here.api(person=owner), here.api(person=guest)
    deal = api.made("deal", name="Big one")
    path = f"/deal/{deal['id']}"
    assert api.post(f"{path}/shares", {"with": {"user": guest.id}, "write": True}).status_code == 201
    assert shared.patch(path, {"note": "Seen", "owner": owner.id}).status_code == 200
    for taken in ({"owner": guest.id}, {"owner": third.id}, {"owner": None}):
        assert codes(shared.patch(path, taken))[0] == "records.shared_only"
        change = {"action": "update", "id": deal["id"], "values": taken}
        assert codes(shared.post("/deal/bulk", {"operations": [change]}))[0] == "records.shared_only"
    assert shared.delete(path).status_code == 403


def test_who_has_a_record_by_a_share_alone_does_not_return_it_to_a_pool(host: Host) -> None:
    here = site(host, POOLED)
    owner, guest = here.person("seller"), here.person("seller")
    api, shared = here.api(person=owner), here.api(person=guest)
    company = api.made("company", name="Mine")["id"]
    assert api.post(f"/company/{company}/shares", {"with": {"user": guest.id}, "write": True}).status_code == 201
    back = {"action": "return", "ids": [company], "reason": "Not ours"}
    [refused] = shared.post("/company/pool", back).get_json()["data"]
    assert [each["code"] for each in refused["problems"]] == ["records.shared_only"]
    assert api.post("/company/pool", back).get_json()["data"][0]["verdict"] == "updated"


def test_a_reason_and_a_part_in_a_team_hold_no_nul(host: Host) -> None:
    here = site(host, POOLED)
    api, other = here.api("seller"), here.person("seller")
    company = api.made("company", name="Mine")["id"]
    answer = api.post("/company/pool", {"action": "return", "ids": [company], "reason": "a\0b"})
    assert (answer.status_code, codes(answer)) == (400, ["pool_reason"])
    answer = api.post(f"/company/{company}/shares", {"with": {"user": other.id}, "role": "a\0b"})
    assert (answer.status_code, codes(answer)) == (422, ["share_bad"])


def test_rights_do_not_depend_on_what_is_computed_when_it_is_read() -> None:
    """A list would know it, the check of one record would not: `not late` would let every change pass."""
    described = """
package: {code: timed, kind: module}
entities: {deal: {fields: {late: {type: formula, as: boolean, value: "closes < $today"}}}}
roles: {slow: {entities: {deal: {read: all, update: {where: "not late"}}}}}
"""
    with pytest.raises(PlatformError) as refused:
        kit.compile_yaml(kit.MINI, described)
    assert [each.code for each in refused.value.problems] == ["policy_of_time"]
    kit.compile_yaml(kit.MINI, described.replace("not late", "not (closes < $today)"))


@pytest.mark.parametrize(
    ("type", "value", "op"), [("integer", 3, "=="), ("integer", 3, ">="), ("person_name", {"family": "Wang"}, "==")]
)
def test_a_condition_by_a_value_of_the_one_who_asks_is_answered(host: Host, type: str, value: object, op: str) -> None:
    """A value that the database does not take as it is kept took every list of the entity down."""
    described = f"""
package: {{code: asked, kind: module}}
entities: {{user: {{fields: {{mark: {{type: {type}}}}}}}, company: {{fields: {{mark: {{type: {type}}}}}}}}}
roles: {{marked: {{entities: {{company: {{read: {{where: "mark {op} $user.mark"}}}}}}}}}}
"""
    here = site(host, kit.MINI, described)
    admin, who = here.api("admin"), here.person("marked")
    assert admin.patch(f"/user/{who.id}", {"mark": value}).status_code == 200
    admin.made("company", name="Marked", mark=value)
    admin.made("company", name="Not")
    assert names(here, who) == ["Marked"]
