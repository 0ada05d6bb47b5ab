"""The REST interface as programs use it: records, lists, refusals, and what a refusal leaves behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from blueprints.policies import Doors
from runtime.host import Host
from tests import kit
from tests.doors import Site, codes, site


@pytest.fixture
def here(host: Host) -> Site:
    return site(host)


def test_every_route_has_a_declared_policy(here: Site) -> None:
    doors: Doors = here.app.extensions["metaloom"]
    assert {rule.endpoint for rule in here.app.url_map.iter_rules()} == set(doors.policies)


def test_an_application_with_a_route_without_a_policy_does_not_start(sqlite_host: Host) -> None:
    from blueprints.policies import require_policies

    app = site(sqlite_host).app
    app._got_first_request = False
    app.add_url_rule("/new", "new", lambda: "")
    with pytest.raises(RuntimeError, match="new"):
        require_policies(app)


def test_a_record_is_created_read_changed_deleted_and_restored(here: Site) -> None:
    api = here.api("admin")
    answer = api.post("/company", {"name": "北京云帆", "industry": "it", "size": 12})
    assert answer.status_code == 201
    made = answer.get_json()
    assert answer.headers["Location"] == f"{api.prefix}/company/{made['id']}"
    assert api.get(f"/company/{made['id']}").get_json()["name"] == "北京云帆"
    changed = api.patch(f"/company/{made['id']}", {"size": 13, "version": 1})
    assert (changed.status_code, changed.get_json()["size"], changed.get_json()["version"]) == (200, 13, 2)
    assert api.delete(f"/company/{made['id']}?version=2").status_code == 200
    assert api.get(f"/company/{made['id']}").status_code == 404
    assert [each["id"] for each in api.get("/company", deleted="true").get_json()["data"]] == [made["id"]]
    restored = api.post(f"/company/{made['id']}/restore")
    assert (restored.status_code, restored.get_json()["name"]) == (200, "北京云帆")


def test_a_list_is_filtered_sorted_paged_counted_and_searched(here: Site) -> None:
    api = here.api("admin")
    for number in range(7):
        api.made("company", name=f"Company {number}", size=number, industry="it" if number % 2 else "health")
    page = api.get("/company", where="size >= 2", sort="-size", limit=2, fields="name,size", count="exact").get_json()
    assert [each["size"] for each in page["data"]] == [6, 5]
    assert (page["count"], page["capped"]) == (5, False)
    second = api.get("/company", where="size >= 2", sort="-size", limit=2, after=page["next"]).get_json()
    assert [each["size"] for each in second["data"]] == [4, 3]
    assert [each["name"] for each in api.get("/company", q="Company 3").get_json()["data"]] == ["Company 3"]
    sums = api.get("/company/aggregate", group="industry", measures="count,sum(size)").get_json()["data"]
    assert {row["industry"]: (row["count"], row["sum(size)"]) for row in sums} == {"it": (3, 9), "health": (4, 12)}


def test_links_are_followed_and_lists_of_a_record_are_read(here: Site) -> None:
    api = here.api("admin")
    company = api.made("company", name="Acme")
    deal = api.made("deal", name="First", company=company["id"], amount="12.50")
    assert api.get(f"/deal/{deal['id']}", fields="name,company.name").get_json()["company"]["name"] == "Acme"
    assert deal["amount"] == {"amount": "12.50", "currency": "CNY"}
    related = api.get(f"/company/{company['id']}/related/deals").get_json()
    assert [each["id"] for each in related["data"]] == [deal["id"]]
    api.patch(f"/deal/{deal['id']}", {"stage": "won"})
    history = api.get(f"/deal/{deal['id']}/history").get_json()["data"]
    assert history[0]["changes"]["stage"] == {"before": "open", "after": "won"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/company?unknown=1", None, 400, "key_unknown"),
        ("GET", "/company?limit=0", None, 400, "limit_bad"),
        ("GET", "/company?limit=2&limit=3", None, 400, "argument_twice"),
        ("GET", "/company?count=all", None, 400, "argument_bad"),
        ("GET", "/company?where=nothing+%3D%3D+1", None, 400, None),
        ("GET", "/company?where=%28%28%28", None, 400, None),
        ("GET", "/company?sort=nothing", None, 400, "unknown_field"),
        ("GET", "/company?fields=name,,size", None, 400, "argument_empty_name"),
        ("GET", "/company?after=rubbish", None, 400, "bad_cursor"),
        ("GET", "/company?q=%00", None, 400, "bad_character"),
        ("GET", "/nothing", None, 404, "unknown_entity"),
        ("POST", "/nothing", {}, 404, "unknown_entity"),
        ("GET", "/company/not-an-id", None, 404, None),
        ("PATCH", "/company/00000000-0000-7000-8000-000000000000", {"name": "x"}, 404, None),
        ("POST", "/company", {"name": "A", "nmae": "B"}, 422, None),
        ("POST", "/company", {}, 422, None),
        ("POST", "/company", {"name": "A", "size": "many"}, 422, None),
        ("POST", "/company", {"name": "A", "id": "00000000-0000-7000-8000-000000000000"}, 422, None),
        ("POST", "/company", {"name": "A", "version": 1}, 422, None),
        ("PUT", "/company", {}, 405, "method_not_allowed"),
        ("GET", "/company/aggregate?measures=sum(name)", None, 400, None),
        ("POST", "/company/bulk", {"operations": []}, 400, "bulk_operations"),
        ("POST", "/company/bulk", {"operations": [{"action": "eat"}]}, 400, "bulk_action"),
    ],
)
def test_what_is_not_understood_is_refused_and_changes_nothing(
    here: Site, method: str, path: str, body: Any, status: int, code: str | None
) -> None:
    api = here.api("admin")
    answer = api.open(method, path, body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == status
    assert code is None or codes(answer) == [code]
    assert all(each["message"] and "path" in each for each in answer.get_json()["problems"])
    assert api.get("/company").get_json()["data"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_not_json"),
        (b"{", "body_not_json"),
        (b"[]", "body_not_object"),
        (b'"x"', "body_not_object"),
        (b'{"name": NaN}', "body_not_json"),
        (b'{"name": "a", "name": "b"}', "body_duplicate_key"),
        (b'{"name": "\\ud800"}', "body_not_json"),
        (b'{"name": "\xff"}', "body_not_json"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "body_too_deep"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "body_not_json"),
    ],
)
def test_a_body_that_is_not_a_plain_json_object_is_refused(here: Site, body: bytes, code: str) -> None:
    api = here.api("admin")
    headers = {**api.headers, "Content-Type": "application/json"}
    answer = api.client.post(f"{api.prefix}/company", data=body, headers=headers)
    assert (answer.status_code, codes(answer)) == (400, [code])


def test_a_huge_body_is_refused_before_it_is_read(here: Site) -> None:
    api = here.api("admin")
    headers = {**api.headers, "Content-Type": "application/json"}
    answer = api.client.post(f"{api.prefix}/company", data=b" " * (11 * 1024 * 1024), headers=headers)
    assert (answer.status_code, codes(answer)) == (413, ["body_too_large"])


@pytest.mark.parametrize(
    ("language", "word"),
    [("zh-Hans-CN,zh;q=0.9,en;q=0.8", "请"), ("en-GB", "Check"), ("fr, en;q=0.5", "Check"), ("zh-TW", "请")],
)
def test_problems_are_told_in_the_language_of_the_request(here: Site, language: str, word: str) -> None:
    answer = here.api("admin").open("GET", f"/company/{uuid.uuid4()}", headers={"Accept-Language": language})
    assert word in answer.get_json()["problems"][0]["message"]


def test_the_language_of_the_address_wins(here: Site) -> None:
    answer = here.api("admin").get("/company", limit=0, lang="zh")
    assert "翻页" in answer.get_json()["problems"][0]["message"]


def test_a_stale_version_is_a_conflict_that_shows_both_sides(here: Site) -> None:
    api = here.api("admin")
    made = api.made("company", name="Acme", size=1)
    api.patch(f"/company/{made['id']}", {"size": 2})
    answer = api.patch(f"/company/{made['id']}", {"size": 3, "version": 1})
    assert answer.status_code == 409
    assert answer.get_json()["problems"][0]["difference"] == {"size": {"yours": 3, "theirs": 2}}
    assert api.get(f"/company/{made['id']}").get_json()["size"] == 2


def test_an_idempotency_key_writes_once_and_answers_the_same(here: Site) -> None:
    api = here.api("admin")
    key = {"Idempotency-Key": "one"}
    first = api.post("/company", {"name": "Acme"}, headers=key)
    again = api.post("/company", {"name": "Acme"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.data, first.headers["Location"]) == (again.data, again.headers["Location"])
    assert api.post("/company", {"name": "Other"}, headers=key).status_code == 422
    assert len(api.get("/company").get_json()["data"]) == 1


def test_a_key_holds_for_an_export_and_for_one_change_to_many_records_too(here: Site) -> None:
    api = here.api("admin")
    api.made("company", name="Acme", size=1)
    for path, body, other in (
        ("/company/export", {"kind": "csv"}, {"kind": "xlsx"}),
        ("/company/bulk", {"where": "size == 1", "values": {"size": 2}}, {"where": "size == 2", "values": {"size": 3}}),
    ):
        key = {"Idempotency-Key": path}
        first, again = (api.post(path, body, headers=key) for _ in range(2))
        assert first.status_code in (200, 202) and first.data == again.data
        assert api.post(path, other, headers=key).status_code == 422
    assert len(api.get("/jobs").get_json()["data"]) == 1
    assert [each["size"] for each in api.get("/company").get_json()["data"]] == [2]


def test_a_key_holds_for_an_import_and_for_an_upload(here: Site) -> None:
    import io

    api = here.api("admin")

    def sent(key: str, content: bytes, **form: str) -> TestResponse:
        headers = {**api.headers, "Idempotency-Key": key}
        data = {"file": (io.BytesIO(content), "companies.csv"), **form}
        return api.client.post(f"{api.prefix}/company/import", data=data, headers=headers)

    first, again = (sent("one", b"name\nAlpha\n", mode="insert") for _ in range(2))
    assert (first.status_code, first.data, again.headers["Idempotent-Replayed"]) == (200, again.data, "true")
    assert sent("one", b"name\nBeta\n", mode="insert").status_code == 422
    assert sent("one", b"name\nAlpha\n", mode="upsert", by="name").status_code == 422
    job, same = (sent("two", b"name\nGamma\n", mode="insert", background="true") for _ in range(2))
    assert (job.status_code, job.headers["Location"]) == (202, same.headers["Location"])
    assert len(api.get("/jobs").get_json()["data"]) == 1
    assert [each["name"] for each in api.get("/company").get_json()["data"]] == ["Alpha"]

    def uploaded(content: bytes) -> TestResponse:
        headers = {**api.headers, "Idempotency-Key": "three"}
        return api.client.post(f"{api.prefix}/files?name=a.txt", data=content, headers=headers)

    kept, twice = uploaded(b"text"), uploaded(b"text")
    assert (kept.status_code, kept.get_json()["id"]) == (201, twice.get_json()["id"])
    assert uploaded(b"another").status_code == 422


def test_many_records_are_written_in_one_request(here: Site) -> None:
    api = here.api("admin")
    operations = [{"action": "create", "values": {"name": f"C{number}", "size": number}} for number in range(20)]
    made = api.post("/company/bulk", {"operations": operations}).get_json()["data"]
    assert [each["verdict"] for each in made] == ["created"] * 20
    mixed = [
        {"action": "update", "id": made[0]["id"], "version": 1, "values": {"size": 100}},
        {"action": "delete", "id": made[1]["id"]},
        {"action": "create", "values": {"size": -1}},
    ]
    refused = api.post("/company/bulk", {"operations": mixed})
    assert refused.status_code == 422
    assert {each["path"] for each in refused.get_json()["problems"]} == {"2.name", "2.size"}
    assert len(api.get("/company").get_json()["data"]) == 20
    kept = api.post("/company/bulk", {"operations": mixed, "all_or_nothing": False}).get_json()["data"]
    assert [each["verdict"] for each in kept] == ["updated", "deleted", "refused"]


def test_one_change_is_made_to_every_record_that_a_filter_finds(here: Site) -> None:
    api = here.api("admin")
    for number in range(4):
        api.made("company", name=f"C{number}", size=number)
    answer = api.post("/company/bulk", {"where": "size >= 2", "values": {"industry": "it"}})
    assert (answer.status_code, answer.get_json()["updated"]) == (200, 2)
    assert len(api.get("/company", where='industry == "it"').get_json()["data"]) == 2


def test_statements_of_a_request_are_few(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    api = here.api("admin")
    company = api.made("company", name="Acme")
    deal = api.made("deal", name="First", company=company["id"])
    measured = _measured(monkeypatch)
    calls: list[tuple[Callable[[], Any], int]] = [
        (lambda: api.get(f"/deal/{deal['id']}", fields="name,company.name"), 2),
        (lambda: api.get("/deal", where='stage == "open"', sort="-closes", fields="name,company.name"), 2),
        (lambda: api.get("/deal", count="capped", limit=1), 2),
        (lambda: api.post("/deal", {"name": str(uuid.uuid4()), "company": company["id"], "amount": "5"}), 5),
        (lambda: api.patch(f"/deal/{deal['id']}", {"name": str(uuid.uuid4())}), 5),
    ]
    for call, most in calls:
        call()  # models, plans and number blocks are read once
        measured.clear()
        assert call().status_code in (200, 201)
        assert sum(measured) <= most


def _measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of statements of each workspace that is opened from here on."""
    import contextlib

    from runtime.workspace import open_workspace as real

    found: list[int] = []

    @contextlib.contextmanager
    def counting(*arguments: Any, **more: Any) -> Any:
        with real(*arguments, **more) as ws:
            yield ws
            found.append(ws.db.count)

    monkeypatch.setattr("blueprints.context.open_workspace", counting)
    return found


def test_an_unforeseen_error_has_a_number_and_no_data(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from runtime import queries

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret value")

    monkeypatch.setattr(queries, "find", broken)
    answer = here.api("admin").get("/company")
    assert (answer.status_code, codes(answer)) == (500, ["internal"])
    assert "secret" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("roles", [(), ("seller",), ("reader",), ("admin",)])
def test_two_tenants_do_not_see_each_other(host: Host, roles: tuple[str, ...]) -> None:
    ours, theirs = site(host), site(host)
    secret = theirs.api("admin").made("company", name="Theirs")
    api = ours.api(*roles)
    for path in (
        f"/company/{secret['id']}",
        f"/company/{secret['id']}/history",
        f"/company/{secret['id']}/related/deals",
    ):
        assert api.get(path).status_code in (403, 404)
    assert "Theirs" not in api.get("/company").get_data(as_text=True)
    assert api.patch(f"/company/{secret['id']}", {"name": "Ours"}).status_code in (403, 404)
    assert api.delete(f"/company/{secret['id']}").status_code in (403, 404)
    foreign = theirs.app.test_client().get(f"{theirs.prefix}/api/v1/company", headers=api.headers)
    assert foreign.status_code == 401


def test_roles_see_and_change_what_they_may(here: Site) -> None:
    admin, seller, other, reader, nobody = (
        here.api(*each) for each in (["admin"], ["seller"], ["seller"], ["reader"], [])
    )
    deal = seller.made("deal", name="Mine")
    path = f"/deal/{deal['id']}"
    assert [each.get(path).status_code for each in (admin, seller, other, reader)] == [200, 200, 404, 200]
    assert nobody.get(path).status_code in (403, 404)
    assert other.patch(path, {"name": "Stolen"}).status_code == 404
    assert reader.patch(path, {"name": "Stolen"}).status_code in (403, 422)
    assert reader.post("/deal", {"name": "New"}).status_code == 403
    assert seller.patch("/user/" + here.person().id, {"name": "X"}).status_code in (403, 422)
    assert admin.get(path).get_json()["name"] == "Mine"


def test_the_change_feed_tells_what_happened_to_those_who_may_follow_it(here: Site) -> None:
    from runtime.jobs.drain import drain

    admin, seller = here.api("admin"), here.api("seller")
    made = admin.made("company", name="Acme")
    drain(here.host, here.tenant)
    events = admin.get("/events").get_json()
    assert made["id"] in [each["record"] for each in events["data"]]
    assert admin.get("/events", after=events["next"]).get_json()["data"] == []
    assert seller.get("/events").status_code == 403


def test_meta_tells_what_the_caller_may_see(here: Site) -> None:
    entities = {each["key"]: each for each in here.api("seller").get("/meta").get_json()["entities"]}
    assert entities["deal"]["actions"] == ["read", "create", "update", "delete"]
    assert entities["user"]["actions"] == ["read"]
    options = next(each for each in entities["company"]["fields"] if each["key"] == "industry")["options"]
    assert [each["key"] for each in options] == ["it", "health"]
    assert here.api().get("/meta").get_json()["entities"] == []
    assert here.api("seller").get("/meta/deal").get_json()["key"] == "deal"


PHOTOS = (
    kit.MINI
    + """
  clerk: {label: Clerk, entities: {photo: {read: own, create: own, update: own}}}
"""
)
PHOTOS = PHOTOS.replace(
    "roles:\n",
    """  photo:
    label: Photo
    title: name
    owned: true
    fields: {name: {type: text}, picture: {type: file}}
roles:
""",
    1,
)


def test_files_are_uploaded_bound_and_downloaded_as_attachments(host: Host) -> None:
    here = site(host, PHOTOS)
    clerk, other = here.api("clerk"), here.api("clerk")
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 100
    upload = clerk.client.post(
        f"{clerk.prefix}/files?name=a%22b.png", data=png, headers={**clerk.headers, "Content-Type": "image/png"}
    )
    assert upload.status_code == 201, upload.get_data(as_text=True)
    id = upload.get_json()["id"]
    assert other.get(f"/files/{id}").status_code == 404
    clerk.made("photo", name="One", picture=id)
    found = clerk.get(f"/files/{id}")
    assert (found.status_code, found.data) == (200, png)
    assert found.headers["Content-Disposition"].startswith("attachment")
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in found.headers["Content-Security-Policy"]
    assert other.get(f"/files/{id}").status_code == 404


def test_files_become_records_and_records_become_files(here: Site) -> None:
    import io

    from runtime.jobs.drain import drain

    api = here.api("admin")
    content = io.BytesIO(b"name,size\nAlpha,1\nBeta,x\n")
    form = {"file": (content, "companies.csv"), "mode": "insert"}
    answer = api.client.post(f"{api.prefix}/company/import", data=form, headers=api.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    report = answer.get_json()
    assert (report["created"], report["failed"], report["refused"][0]["line"]) == (1, 1, 3)
    started = api.post("/company/export", {"kind": "csv", "fields": "name,size"})
    assert started.status_code == 202
    drain(here.host, here.tenant)
    job = api.get(f"/jobs/{started.get_json()['job']}").get_json()
    assert job["state"] == "done", job
    file = api.get(f"/jobs/{job['id']}/file")
    assert "Alpha" in file.get_data().decode("utf-8-sig")
    assert here.api("seller").get(f"/jobs/{job['id']}").status_code == 404
    assert here.api("seller").post("/company/export", {}).status_code == 403
