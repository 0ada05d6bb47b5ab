"""Exports hold what the actor may read, are safe in a spreadsheet, and change nothing when they are loaded again."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pytest
import python_calamine

from metadata.ids import uuid7
from metadata.problems import Forbidden, Invalid, Problem
from runtime import files, jobs, queries, records, transfer
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs import rows as job_rows
from runtime.queries import Query
from runtime.transfer import Options, Sheet, bulk_edit
from runtime.workspace import AsUser, Identify, PlatformActor, open_workspace
from tests import kit

PLATFORM = PlatformActor()
NASTY = (
    "=1+1", "+86 138", "-5", "@SUM(A1)", "'=quoted", "''", "'", '="0012"', 'a "b", c', "多行", "1e5", "007", "a;b",
    "http://x.cn", "TRUE", "[x]",
)  # fmt: skip


@pytest.fixture
def tenant(host: Host) -> Tenant:
    return kit.tenant(host)


@pytest.fixture
def deals(host: Host, tenant: Tenant) -> dict[str, Any]:
    """Deals of every shape, two companies of one name, helpers."""
    with kit.workspace(host, tenant) as ws:
        same = [records.create(ws, "company", {"name": "Same"}).id for _ in range(2)]
        only = records.create(ws, "company", {"name": "Only"}).id
        ann = kit.insert(ws, "user", name="Ann", email="ann@x.cn")
        for at, name in enumerate(NASTY):
            record = {
                "name": name,
                "company": (same[0], same[1], only, None)[at % 4],
                "owner": ann if at % 2 else None,
                "helpers": [ann] if at % 3 == 0 else [],
                "stage": ("open", "won", "lost")[at % 3],
                "amount": {"amount": f"{at}.50", "currency": "CNY"} if at % 5 else None,
                "chance": "12.5",
                "closes": f"19{at % 90 + 10}-05-31",
                "note": "line one\nline two, =x",
            }
            records.create(ws, "deal", {key: value for key, value in record.items() if value is not None})
    return {"same": same, "only": only, "ann": ann}


def everything(host: Host, tenant: Tenant) -> list[dict[str, Any]]:
    with kit.workspace(host, tenant, write=False) as ws:
        fields = [each.path for each in queries.columns(ws, Query("deal"))]
        asked = Query("deal", fields=(*fields, "helpers"), limit=500, sort=("name", "number"))
        return queries.as_json(queries.find(ws, asked))


def export(
    host: Host, tenant: Tenant, path: Path, sheet: Sheet, identify: Identify = PLATFORM, **query: Any
) -> list[list[str]]:
    transfer.export(host, tenant, identify, Query("deal", **query), path, sheet)
    if sheet.kind == "csv":
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))
    with python_calamine.load_workbook(str(path)) as book:
        return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).iter_rows()]


@pytest.mark.usefixtures("deals")
@pytest.mark.parametrize("sheet", [Sheet("csv"), Sheet("xlsx"), Sheet("csv", "label")], ids=str)
def test_loading_an_export_changes_nothing(host: Host, tenant: Tenant, tmp_path: Path, sheet: Sheet) -> None:
    before = everything(host, tenant)
    export(host, tenant, tmp_path / "deals", sheet)
    report = transfer.load(host, tenant, PLATFORM, "deal", tmp_path / "deals", Options(blank="clear"))
    assert report.totals.unchanged == report.totals.rows == len(NASTY), report.as_json()
    assert everything(host, tenant) == before


@pytest.mark.usefixtures("deals")
@pytest.mark.parametrize("sheet", [Sheet("csv"), Sheet("xlsx")], ids=str)
def test_an_export_loaded_elsewhere_makes_the_same(host: Host, tenant: Tenant, tmp_path: Path, sheet: Sheet) -> None:
    """Without ids, the records are new, and equal but for what the platform keeps."""
    fields = ("name", "company", "owner", "stage", "amount", "chance", "closes", "note", "helpers")
    export(host, tenant, tmp_path / "deals", sheet, fields=fields)
    before = everything(host, tenant)
    with kit.workspace(host, tenant) as ws:
        for each in before:
            records.delete(ws, "deal", each["id"])
    report = transfer.load(host, tenant, PLATFORM, "deal", tmp_path / "deals")
    assert report.totals.created == len(NASTY), report.as_json()
    after = everything(host, tenant)
    for new, old in zip(after, before, strict=True):
        assert [new[name] for name in fields] == [old[name] for name in fields]


@pytest.mark.usefixtures("deals")
def test_no_cell_begins_a_formula(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    for row in export(host, tenant, tmp_path / "deals.csv", Sheet("csv")):
        for cell in row:
            assert cell[:1] not in tuple("=+-@\t\r")
    export(host, tenant, tmp_path / "deals.xlsx", Sheet("xlsx"))
    with zipfile.ZipFile(tmp_path / "deals.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert not any("hyperlink" in name for name in archive.namelist())


@pytest.mark.usefixtures("deals")
def test_numbers_and_days_are_typed_in_a_workbook(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    export(host, tenant, tmp_path / "deals.xlsx", Sheet("xlsx"), fields=("amount", "closes", "name"))
    with python_calamine.load_workbook(str(tmp_path / "deals.xlsx")) as book:
        rows = list(book.get_sheet_by_index(0).iter_rows())
    assert all(isinstance(row[0], float) or row[0] == "" for row in rows[1:])
    assert all(type(row[1]).__name__ == "date" for row in rows[1:])
    assert all(isinstance(row[2], str) for row in rows[1:])


def test_a_title_that_two_records_have_is_followed_by_the_id(
    host: Host, tenant: Tenant, tmp_path: Path, deals: dict[str, Any]
) -> None:
    found = export(host, tenant, tmp_path / "d.csv", Sheet("csv"), fields=("company",), where="company != null")
    cells = {row[0] for row in found[1:]}
    assert cells == {"Only", *(f"Same [{id}]" for id in deals["same"])}


@pytest.mark.usefixtures("deals")
def test_an_export_holds_what_its_actor_may_read(host: Host, tmp_path: Path) -> None:
    narrow = (
        kit.MINI
        + """
  clerk:
    label: {en: Clerk, zh: 文员}
    capabilities: {export: true}
    entities:
      deal: {read: own, create: own, fields: {amount: hidden}}
      company: {read: own}
"""
    )
    tenant = kit.tenant(host, narrow)
    clerk = kit.person(host, tenant, roles=["clerk"])
    with kit.workspace(host, tenant) as ws:
        hidden = records.create(ws, "company", {"name": "Hidden"}).id
        records.create(ws, "deal", {"name": "Mine", "owner": clerk, "company": hidden, "amount": "1"})
        records.create(ws, "deal", {"name": "Foreign", "amount": "2"})
    header, *rows = export(host, tenant, tmp_path / "d.csv", Sheet("csv"), AsUser(clerk))
    assert "amount" not in header and len(rows) == 1
    assert rows[0][header.index("name")] == "Mine" and rows[0][header.index("company")] == ""
    with pytest.raises(Forbidden):
        export(host, tenant, tmp_path / "d.csv", Sheet("csv"), AsUser(kit.person(host, tenant, roles=["seller"])))


@pytest.mark.usefixtures("deals")
def test_an_export_by_a_job_lies_in_the_file_store(host: Host, tenant: Tenant) -> None:
    admin = kit.person(host, tenant, roles=["admin"])
    with kit.workspace(host, tenant, user=admin) as ws:
        id = transfer.queue_export(ws, Query("deal", where="stage == 'won'", fields=("name",)), Sheet("csv"))
    while jobs.drain(host, tenant) is not None:
        pass
    with kit.workspace(host, tenant, user=admin, write=False) as ws:
        done = jobs.get(ws, id)
        assert done.state == "done" and done.result is not None, done.error
        path, headers = files.open_file(ws, done.result["file"])
        assert "deal.csv" in headers["Content-Disposition"]
        assert len(path.read_text(encoding="utf-8-sig").splitlines()) == done.result["rows"] + 1 == 6


# -- bulk edits


def edited(
    host: Host, tenant: Tenant, who: Identify, query: Query, values: dict[str, Any], **more: Any
) -> bulk_edit.Edited:
    with open_workspace(host, tenant, who, write=True) as ws:
        return bulk_edit.edit(ws, query, values, **more)


def test_a_bulk_edit_changes_what_a_filter_finds(host: Host, tenant: Tenant, deals: dict[str, Any]) -> None:
    where = "stage == 'open'"
    done = edited(host, tenant, PLATFORM, Query("deal", where=where), {"stage": "lost"})
    assert (done.totals.updated, done.totals.failed, done.rows) == (6, 0, 6)
    assert {each["stage"] for each in everything(host, tenant)} == {"won", "lost"}


def test_a_big_bulk_edit_is_a_job_with_a_verdict_for_each(host: Host, tenant: Tenant) -> None:
    with kit.workspace(host, tenant) as ws:
        made = [{"name": f"C{each}"} for each in range(1_200)]
        ids = [str(each.id) for each in records.write_many(ws, "company", "insert", made)]
    done = edited(host, tenant, PLATFORM, Query("company"), {"size": 5})
    assert done.job is not None and done.rows == 1_200
    with kit.workspace(host, tenant) as ws:
        records.delete(ws, "company", ids[7])
    while jobs.drain(host, tenant) is not None:
        pass
    with kit.workspace(host, tenant, write=False) as ws:
        job = jobs.get(ws, done.job)
        assert job.state == "done" and job.result is not None, job.error
        assert (job.result["totals"]["updated"], job.result["totals"]["failed"]) == (1_199, 1)
        rows = job_rows.read(ws, done.job, ("failed",))
    assert [(each.record, each.problems[0]["code"]) for each in rows] == [(ids[7], "records.no_match")]
    assert isinstance(bulk_edit.TOO_MANY(limit=1), Problem)


def test_what_no_record_could_take_is_refused_even_where_none_is_found(host: Host, tenant: Tenant) -> None:
    nobody, missing = Query("deal", where="name == 'nobody'"), uuid7()
    values = {"stgae": "won", "stage": "gone", "name": None, "chance": "much", "company": missing, "version": 3}
    with pytest.raises(Invalid) as caught:
        edited(host, tenant, PLATFORM, nobody, values)
    assert sorted((each.path, each.code) for each in caught.value.problems) == [
        ("chance", "value_not_decimal"),
        ("company", "records.no_such_target"),
        ("name", "records.required"),
        ("stage", "value_unknown_option"),
        ("stgae", "records.unknown_field"),
        ("version", "records.kept_by_platform"),
    ]
    assert edited(host, tenant, PLATFORM, nobody, {"stage": "won"}).rows == 0


def test_a_bulk_edit_that_waits_holds_ids(host: Host) -> None:
    tenant = kit.tenant(host, kit.MINI.replace("size: {type", "headcount: {id: size, type"))
    with kit.workspace(host, tenant) as ws:
        records.write_many(ws, "company", "insert", [{"name": "A"}])
    done = edited(host, tenant, PLATFORM, Query("company"), {"headcount": 5}, background=True)
    with kit.workspace(host, tenant, write=False) as ws:
        assert jobs.get(ws, str(done.job)).payload["values"] == {"size": 5}


def test_a_bulk_edit_is_bound_by_rights(host: Host, tenant: Tenant, deals: dict[str, Any]) -> None:
    seller = kit.person(host, tenant, roles=["seller"])
    with kit.workspace(host, tenant) as ws:
        mine = records.create(ws, "company", {"name": "Mine", "owner": seller}).id
    done = edited(host, tenant, AsUser(seller), Query("company"), {"size": 3})
    assert (done.totals.updated, done.totals.failed) == (1, 3)
    with kit.workspace(host, tenant, write=False) as ws:
        assert queries.get(ws, "company", mine)["size"] == 3
    with pytest.raises(Forbidden):
        reader = kit.person(host, tenant, roles=["reader"])
        edited(host, tenant, AsUser(reader), Query("company"), {"size": 3})
