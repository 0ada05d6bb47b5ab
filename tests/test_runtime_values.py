"""What certain values are kept as: secrets, pictures, files in an order, names and addresses to look for, options that
depend on another."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metadata.compiler import Compiled, compile_layers
from metadata.documents.package import read_text
from metadata.plan import plan_changes
from metadata.problems import Invalid, MetadataInvalid
from runtime import images
from runtime.host import Host
from runtime.queries import Query
from runtime.settings import Settings
from runtime.tables import table_of
from runtime.transfer import exporting, importing
from runtime.transfer.options import Options
from runtime.workspace import PlatformActor
from tests import kit
from tests.doors import Api, Site, codes, site
from tests.typecases import png

CLINIC = """
package: {code: values, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user: {title: name, fields: {name: {type: text}, email: {type: email}, unit: {type: link, to: unit}}}
  unit: {title: name, fields: {name: {type: text}, parent: {type: link, to: unit}}}
  patient:
    label: {en: Patient, zh: 患者}
    title: name
    search: {name: {}, home: {}, note: {}, region: {}}
    fields:
      name: {type: person_name, label: {en: Name, zh: 姓名}}
      home: {type: address, label: {en: Home, zh: 住址}}
      region: {type: region, label: {en: Region, zh: 地区}}
      note: {type: rich_text, label: {en: Note, zh: 备注}}
      number: {type: secret, label: {en: Insurance number, zh: 医保号}}
      photo: {type: image, label: {en: Photo, zh: 照片}}
      scans: {type: files, max: 3, label: {en: Scans, zh: 扫描件}}
      state:
        type: choice
        label: {en: State, zh: 状态}
        options: {waiting: {label: {en: Waiting, zh: 候诊}, color: amber}, gone: {label: {en: Gone, zh: 离开}},
                  treated: {id: done, label: {en: Treated, zh: 已诊}}}
      reason:
        type: choice
        depends_on: state
        label: {en: Reason, zh: 原因}
        options:
          no_show: {label: {en: Did not come, zh: 未到}, for: {gone: {}}}
          cured: {label: {en: Cured, zh: 治愈}, for: {gone: {}, treated: {}}}
          other: {label: {en: Other, zh: 其他}}
roles:
  admin: {label: Admin, capabilities: {import: true, export: true, configure: true},
          entities: {'*': {read: all, create: all, update: all, delete: all}}}
  nurse:
    label: Nurse
    entities: {'*': {read: all}, patient: {read: all, update: all, fields: {number: read, '*': write}}}
"""


class Place:
    def __init__(self, here: Site) -> None:
        self.here = here
        self.api: Api = here.api(person=here.person("admin"))

    def made(self, **values: Any) -> str:
        return str(self.api.made("patient", **values)["id"])

    def found(self, where: str) -> list[str]:
        answer = self.api.get("/patient", where=where, fields="note", limit=100)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return [each["id"] for each in answer.get_json()["data"]]

    def searched(self, q: str) -> list[str]:
        return [each["id"] for each in self.api.get("/patient", q=q, fields="id").get_json()["data"]]

    def upload(self, content: bytes, name: str) -> str:
        form = {"file": (io.BytesIO(content), name)}
        answer = self.api.client.post(f"{self.api.prefix}/files", data=form, headers=self.api.headers)
        assert answer.status_code == 201
        return str(answer.get_json()["id"])

    def stored(self, field: str) -> Iterator[Any]:
        """What lies in the column of a field."""
        with kit.workspace(self.here.host, self.here.tenant, write=False) as ws:
            entity = ws.model.entity("patient")
            assert entity is not None
            table = table_of(ws.model, entity, ws.db.dialect)
            for (value,) in ws.db.fetch(f'SELECT "{table.column(field).name}" FROM "{table.table.name}"'):
                yield value


@pytest.fixture
def place(host: Host) -> Place:
    return Place(site(host, CLINIC))


def test_a_secret_is_kept_encrypted_and_told_to_nobody(place: Place) -> None:
    id = place.made(name={"given": "Ada"}, number="4711-secret")
    api = place.api
    assert api.get(f"/patient/{id}").get_json()["number"] == {"set": True}
    [stored] = place.stored("number")
    assert stored.startswith("v1:") and "secret" not in stored
    everything = "".join(
        api.get(path).get_data(as_text=True) for path in ("/patient", f"/patient/{id}", f"/patient/{id}/history")
    )
    assert "4711-secret" not in everything and stored not in everything
    assert place.searched("4711") == []
    assert place.found("number != null") == [id] and place.found("number == null") == []
    for asked in ({"where": "number == '4711-secret'"}, {"where": "contains(number, '4')"}, {"sort": "number"}):
        assert api.get("/patient", **asked).status_code == 400
    with kit.workspace(place.here.host, place.here.tenant, write=False) as ws:
        events = ws.db.fetch("SELECT changes FROM _event")
        assert "4711-secret" not in str(events) and stored not in str(events)


def test_a_secret_is_shown_to_who_may_change_it_and_that_is_an_event(place: Place) -> None:
    id = place.made(name={"given": "Ada"}, number="4711")
    revealed = place.api.post(f"/patient/{id}/reveal", {"field": "number"})
    assert revealed.get_json() == {"value": "4711"} and revealed.headers["Cache-Control"] == "no-store"
    event = place.api.get(f"/patient/{id}/history").get_json()["data"][0]
    assert event["kind"] == "revealed" and event["changes"] == {
        "number": {"before": {"set": True}, "after": {"set": True}}
    }
    nurse = place.here.api(person=place.here.person("nurse"))
    assert nurse.get(f"/patient/{id}").get_json()["number"] == {"set": True}
    assert nurse.post(f"/patient/{id}/reveal", {"field": "number"}).status_code == 404
    for body in ({"field": "name"}, {"field": "x"}):
        assert place.api.post(f"/patient/{id}/reveal", body).status_code == 404
    assert place.api.post(f"/patient/{id}/reveal", {}).status_code == 422
    assert len(place.api.get(f"/patient/{id}/history").get_json()["data"]) == 2


def test_a_secret_that_is_sent_back_as_it_was_read_stays(place: Place) -> None:
    id = place.made(name={"given": "Ada"}, number="4711")
    [before] = place.stored("number")
    for same in ({"set": True}, "4711"):
        changed = place.api.patch(f"/patient/{id}", {"number": same})
        assert changed.status_code == 200 and changed.get_json()["version"] == 1
    assert list(place.stored("number")) == [before]
    assert place.api.patch(f"/patient/{id}", {"number": "4712"}).get_json()["version"] == 2
    assert place.api.post(f"/patient/{id}/reveal", {"field": "number"}).get_json() == {"value": "4712"}
    refused = place.api.post("/patient", {"name": {"given": "B"}, "number": {"set": True}})
    assert codes(refused) == ["secrets.nothing_kept"]


def test_a_ciphertext_opens_in_its_own_place_alone_and_with_its_own_key_alone(place: Place) -> None:
    one = place.made(name={"given": "A"}, number="4711")
    two = place.made(name={"given": "B"}, number="0815")
    here = place.here
    with kit.workspace(here.host, here.tenant) as ws:
        entity = ws.model.entity("patient")
        assert entity is not None
        table = table_of(ws.model, entity, ws.db.dialect)
        name, column = table.table.name, table.column("number").name
        ws.db.fetch(
            f'UPDATE "{name}" SET "{column}" = (SELECT "{column}" FROM "{name}" WHERE id = \'{one}\') '
            f"WHERE id = '{two}' RETURNING id"
        )
    moved = place.api.post(f"/patient/{two}/reveal", {"field": "number"})
    assert codes(moved) == ["secrets.unopened"]
    kept = here.host.settings
    try:
        here.host.settings = _with_key(kept, "another key of thirty-two letters")
        assert codes(place.api.post(f"/patient/{one}/reveal", {"field": "number"})) == ["secrets.unopened"]
        here.host.settings = _with_key(kept, f"another key of thirty-two letters,{kept.secret_key}")
        assert place.api.post(f"/patient/{one}/reveal", {"field": "number"}).get_json() == {"value": "4711"}
        here.host.settings = _with_key(kept, "")
        refused = place.api.post("/patient", {"name": {"given": "C"}, "number": "1"}, headers={"Accept-Language": "zh"})
        assert codes(refused) == ["secrets.no_key"]
        assert "METALOOM_SECRET_KEY" in refused.get_json()["problems"][0]["message"]
        assert place.api.post("/patient", {"name": {"given": "C"}}).status_code == 201
    finally:
        here.host.settings = kept


def _with_key(settings: Settings, key: str) -> Settings:
    return Settings(settings.database_url, settings.admin_database_url, settings.redis_url, key, settings.files_url)


def test_a_merge_takes_a_secret_over_so_that_it_opens_again(place: Place) -> None:
    into = place.made(name={"given": "A"})
    gone = place.made(name={"given": "B"}, number="0815")
    merged = place.api.post("/patient/merge", {"survivor": into, "others": [gone]})
    assert merged.status_code == 200, merged.get_data(as_text=True)
    assert place.api.post(f"/patient/{into}/reveal", {"field": "number"}).get_json() == {"value": "0815"}


def test_a_picture_is_one_by_its_bytes_and_not_too_large(place: Place) -> None:
    good = place.upload(png("good"), "a.png")
    assert place.api.get(f"/patient/{place.made(photo=good)}").get_json()["photo"] == good
    for content, name, code in (
        (b"plain text", "a.png.txt", "files.no_picture"),
        (b"%PDF-1.7\n", "a.pdf", "files.no_picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 4, "broken.png", "files.no_picture"),
        (png("bomb", 30_000, 30_000), "bomb.png", "files.large_picture"),
    ):
        id = place.upload(content, name)
        refused = place.api.post("/patient", {"photo": id})
        assert codes(refused) == [code], name
        assert place.api.post("/patient", {"scans": [id]}).status_code == 201, "a file of any kind it is all the same"


WEBP = images.Picture("image/webp", 320, 200)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GIF89a\x40\x01\xc8\x00", images.Picture("image/gif", 320, 200)),
        (b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xc7\x00\x00", WEBP),
        (b"RIFF\x00\x00\x00\x00WEBPVP8L\x05\x00\x00\x00\x2f\x3f\xc1\x31\x00", WEBP),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 \x05\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x40\x01\xc8\x00", WEBP),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x0b\x08\x00\xc8\x01\x40\x01\x01\x11\x00",
            images.Picture("image/jpeg", 320, 200),
        ),
        (b"\xff\xd8\xff\xe0\x00\x04ab", None),
        (b"\xff\xd8\xff\xe0\x00\x00", None),
        (b"GIF89a\x00\x00\x00\x00", None),
        (b"", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
    ],
)  # fmt: skip
def test_the_size_of_a_picture_is_read_from_its_beginning(head: bytes, expected: images.Picture | None) -> None:
    assert images.look(io.BytesIO(head)) == expected


def test_files_keep_their_order_and_each_belongs_to_one_record(place: Place) -> None:
    one, two, three, four = (place.upload(text.encode(), f"{text}.txt") for text in ("one", "two", "three", "four"))
    id = place.made(scans=[two, one])
    assert place.api.get(f"/patient/{id}").get_json()["scans"] == [two, one]
    assert codes(place.api.post("/patient", {"scans": [three, one]})) == ["files.not_free"]
    assert codes(place.api.patch(f"/patient/{id}", {"scans": [one, two, three, four]})) == ["value_too_many_ids"]
    assert place.api.patch(f"/patient/{id}", {"scans": [three, two]}).get_json()["scans"] == [three, two]
    assert place.api.get(f"/files/{two}").status_code == 200
    assert place.api.get(f"/files/{one}").status_code == 404, "what was taken out is gone"
    assert codes(place.api.patch(f"/patient/{id}", {"scans": [one]})) == ["files.not_free"]


def test_names_addresses_and_rich_texts_are_found_by_what_they_say(place: Place) -> None:
    ada = place.made(
        name={"family": "Lovelace", "given": "Ada", "middle": "Byron"}, note="<p>Paid <b>at</b> <i>once</i></p>"
    )
    home = {"country": "CN", "region": "440305", "street": "科技园南路 5 号"}
    wei = place.made(name={"family": "欧阳", "given": "小明"}, home=home, region="440305")
    for q, id in (
        ("Lovelace", ada),
        ("欧阳小明", wei),
        ("oyxm", wei),
        ("小明", wei),
        ("科技园", wei),
        ("Shenzhen", wei),
        ("深圳", wei),
        ("paid at", ada),
    ):
        assert place.searched(q) == [id], q
    assert place.searched("strong") == []
    for where, id in (
        ("contains(name, 'Ada Byron')", ada),
        ("starts_with(name, 'love')", ada),
        ("name == 'Ada Byron Lovelace'", ada),
        ("name == '欧阳小明'", wei),
        ("contains(note, 'paid at once')", ada),
        ("contains(home, '深圳市南山区科技园')", wei),
        ("starts_with(region, '44')", wei),
        ("region == '广东省 / 深圳市 / 南山区'", wei),
        ("home != null", wei),
    ):
        assert place.found(where) == [id], where
    assert place.found("contains(note, '<p>')") == [] and place.found("starts_with(region, '31')") == []
    sent = place.api.patch(
        f"/patient/{ada}", {"note": "<p onclick=x()>a<script>alert(1)</script><a href='javascript:b()'>c</a></p>"}
    )
    assert sent.get_json()["note"] == '<p>a<a rel="noopener noreferrer nofollow">c</a></p>'


def test_records_are_linked_to_by_the_name_of_a_person(place: Place) -> None:
    place.made(name={"family": "Lovelace", "given": "Ada"})
    place.made(name={"family": "王", "given": "小明"})
    browser = place.here.browser(person=place.here.person("admin"))
    for q, title in (("lovel", "Ada Lovelace"), ("小明", "王小明")):
        found = browser.get(f"/app/-/suggest/patient?q={q}").get_json()["data"]
        assert [each["title"] for each in found] == [title]


def test_parts_have_columns_of_their_own(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        "姓名 · 姓,name.given,Home · Country,home.region,住址 · 详细地址,home.postal_code\n"
        "Lovelace,Ada,United Kingdom,,12 St James's Square,SW1Y 4JH\n"
        "王,小明,中国,广东省 / 深圳市 / 南山区,科技园 1 号,518057\n"
        "X,Y,Atlantis,,Z,\n",
        "utf-8",
    )
    here, who = place.here, PlatformActor()
    report = importing.load(here.host, here.tenant, who, "patient", path, Options(mode="insert"))
    assert report.totals.created == 2
    [row] = report.refused
    assert "ISO 3166" in str(row.reasons("en"))
    data = place.api.get("/patient", sort="name").get_json()["data"]
    assert [(each["name"], each["home"]) for each in data] == [
        (
            {"family": "Lovelace", "given": "Ada"},
            {"country": "GB", "street": "12 St James's Square", "postal_code": "SW1Y 4JH"},
        ),
        (
            {"family": "王", "given": "小明"},
            {"country": "CN", "region": "440305", "street": "科技园 1 号", "postal_code": "518057"},
        ),
    ]
    with kit.workspace(here.host, here.tenant, write=False) as ws:
        exporting.write(ws, Query("patient", fields=("id", "name", "home")), path, exporting.Sheet("csv", "label"))
    header, first, _ = path.read_text("utf-8-sig").splitlines()
    assert header.startswith("ID,Name,Home · Country,Home · Division,Home · State")
    assert "Ada Lovelace" in first
    again = importing.load(here.host, here.tenant, who, "patient", path, Options(mode="update", by=("id",)))
    assert again.totals.unchanged == 2


def test_secrets_and_files_are_in_no_export_that_nobody_could_load(place: Place, tmp_path: Path) -> None:
    place.made(name={"given": "A"}, number="4711", photo=place.upload(png("x"), "x.png"))
    path = tmp_path / "out.csv"
    with kit.workspace(place.here.host, place.here.tenant, write=False) as ws:
        exporting.write(ws, Query("patient"), path, exporting.Sheet("csv"))
    header = path.read_text("utf-8-sig").splitlines()[0].split(",")
    assert {"number", "photo", "scans"}.isdisjoint(header) and "home.country" in header
    path.write_text("name,number\nAda,4711\n", "utf-8")
    with pytest.raises(Invalid) as refused:
        importing.load(place.here.host, place.here.tenant, PlatformActor(), "patient", path, Options(mode="insert"))
    assert [each.code for each in refused.value.problems] == ["import_not_importable"]


# -- options that depend on another field


def test_an_impossible_combination_is_refused_wherever_it_is_made(place: Place) -> None:
    api = place.api
    for values, code in (
        ({"state": "waiting", "reason": "no_show"}, "records.option_impossible"),
        ({"reason": "cured"}, "records.option_needs_other"),
    ):
        for lang, word in (("en", "Reason"), ("zh", "原因")):
            refused = api.post("/patient", values, headers={"Accept-Language": lang})
            [problem] = refused.get_json()["problems"]
            assert (problem["code"], problem["path"]) == (code, "reason") and word in problem["message"], problem
    id = place.made(state="gone", reason="no_show")
    for change in ({"state": "waiting"}, {"state": None}):
        assert api.patch(f"/patient/{id}", change).status_code == 422
    assert api.patch(f"/patient/{id}", {"state": "treated", "reason": "cured"}).status_code == 200
    assert api.patch(f"/patient/{id}", {"state": "waiting", "reason": "other"}).status_code == 200
    operations = [{"action": "update", "id": id, "values": {"reason": "cured"}}]
    verdicts = api.post("/patient/bulk", {"operations": operations, "all_or_nothing": False}).get_json()["data"]
    assert verdicts[0]["problems"][0]["code"] == "records.option_impossible"
    browser = place.here.browser(person=place.here.person("admin"))
    answer = browser.post("/app/patient/new", {"state": ["waiting"], "reason": ["no_show"]})
    assert answer.status_code == 422 and "is not possible while" in answer.get_data(as_text=True)


def test_an_import_refuses_impossible_combinations_row_by_row(place: Place, tmp_path: Any) -> None:
    path = tmp_path / "in.csv"
    path.write_text("state,reason\nGone,Did not come\nWaiting,Did not come\nTreated,Cured\n", "utf-8")
    here = place.here
    report = importing.load(here.host, here.tenant, PlatformActor(), "patient", path, Options(mode="insert"))
    assert report.totals.created == 2
    [row] = report.refused
    assert "Did not come is not possible while State is Waiting" in str(row.reasons("en"))


def test_what_was_impossible_already_stays_until_it_is_touched(place: Place) -> None:
    id = place.made(state="gone", reason="no_show")
    here = place.here
    with kit.workspace(here.host, here.tenant) as ws:
        entity = ws.model.entity("patient")
        assert entity is not None
        table = table_of(ws.model, entity, ws.db.dialect)
        name, column = table.table.name, table.column("state").name
        ws.db.fetch(f"UPDATE \"{name}\" SET \"{column}\" = 'waiting' WHERE id = '{id}' RETURNING id")
    assert place.api.patch(f"/patient/{id}", {"region": "440305"}).status_code == 200
    assert place.api.patch(f"/patient/{id}", {"state": "treated"}).status_code == 422


def test_a_form_says_which_options_go_with_which(place: Place) -> None:
    page = place.here.browser(person=place.here.person("admin")).get("/app/patient/new").get_data(as_text=True)
    assert 'data-depends="state"' in page and 'data-given="gone treated"' in page


def _compiled(change: tuple[str, str]) -> Compiled:
    assert change[0] in CLINIC
    return compile_layers([read_text(CLINIC.replace(*change))])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("depends_on: state", "depends_on: stat"), "reference_unknown"),
        (("depends_on: state", "depends_on: name"), "option_depends_on_type"),
        (("depends_on: state", "depends_on: reason"), "option_depends_circle"),
        (("for: {gone: {}}", "for: {left: {}}"), "reference_unknown"),
        (("        depends_on: state\n", ""), "option_never_offered"),
        (("color: amber", "color: mauve"), "grammar_choice"),
        (("color: amber", 'color: "#ff8800"'), "grammar_choice"),
    ],
)
def test_what_is_wrong_with_dependent_options_and_colours_is_said(change: tuple[str, str], code: str) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        _compiled(change)
    problem = refused.value.problems[0]
    assert problem.code == code and problem.position is not None
    assert problem.message("en") != problem.message("zh")


def test_dependent_options_are_known_to_references_and_plans() -> None:
    from metadata.sections import SECTIONS

    model = compile_layers([read_text(CLINIC)]).model
    entity = model.entity("patient")
    assert entity is not None
    reason = entity.fields["reason"]
    assert reason.props["depends_on"] == "state"
    assert {each.key: each.given for each in reason.options} == {
        "no_show": ("gone",),
        "cured": ("gone", "done"),
        "other": (),
    }
    mentioned = SECTIONS["entities"].references("patient", model.part("entities", "patient"), model)
    assert any(each.element == "patient" and each.field == "state" and "depends_on" in each.path for each in mentioned)
    narrower = _compiled(("for: {gone: {}, treated: {}}", "for: {gone: {}}")).model
    assert plan_changes(model, narrower).risk == "tightens"
