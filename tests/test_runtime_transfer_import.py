"""Files become records: mapping, keys, links, refusals with reasons, dry runs, all or nothing, jobs that resume."""

from __future__ import annotations

import csv
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from metadata.problems import Forbidden, Invalid, PlatformError
from runtime import jobs, queries, schema, transfer
from runtime.directory import Tenant
from runtime.host import Host
from runtime.queries import Query
from runtime.transfer import Options, Report
from runtime.workspace import AsUser, Identify, PlatformActor
from tests import kit

ROOT = Path(__file__).resolve().parents[1]

PLATFORM = PlatformActor()
CRM = (
    kit.MINI
    + """
  importer:
    label: {en: Importer, zh: 导入员}
    capabilities: {import: true, export: true}
    entities:
      company: {read: all, create: all, update: own, fields: {size: hidden, industry: read, '*': write}}
      deal: {read: own, create: own, update: own}
      user: {read: all}
imports:
  deals:
    entity: deal
    mode: upsert
    by: {name: {}}
    columns:
      Opportunity: {field: name}
      Customer: {field: company}
      State: {field: stage, values: {Gewonnen: won}}
      Remark: {ignore: true}
    constants: {note: loaded}
"""
)


@pytest.fixture
def tenant(host: Host) -> Tenant:
    return kit.tenant(host, CRM)


def load(
    host: Host,
    tenant: Tenant,
    tmp_path: Path,
    content: str | bytes,
    entity: str = "deal",
    as_: Identify = PLATFORM,
    **options: Any,
) -> Report:
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return transfer.load(host, tenant, as_, entity, path, Options(**options))


def rows(host: Host, tenant: Tenant, entity: str = "deal", *fields: str) -> list[dict[str, Any]]:
    with kit.workspace(host, tenant, write=False) as ws:
        return queries.as_json(queries.find(ws, Query(entity, fields=fields or None, sort=("name",), limit=500)))


def names(host: Host, tenant: Tenant, entity: str = "deal") -> list[str]:
    with kit.workspace(host, tenant, write=False) as ws:
        found = queries.stream(ws, Query(entity, fields=("name",), sort=("name",)))
        return [row[0] for part in found for row in part]


def company(host: Host, tenant: Tenant, *given: str) -> list[str]:
    with kit.workspace(host, tenant) as ws:
        return [kit.insert(ws, "company", name=name) for name in given]


def adds_up(report: Report) -> bool:
    t = report.totals
    return t.rows == t.created + t.updated + t.unchanged + t.skipped + t.failed


def codes(report: Report) -> list[str]:
    return [problem["code"] for each in report.refused for problem in each.problems]


def problems(refusal: PlatformError) -> list[str]:
    return [each.code for each in refusal.problems]


def test_rows_become_records(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    acme, _ = company(host, tenant, "Acme", "Bolt")
    content = 'Name,Company,阶段?,Amount,Closes,chance\nOne,Acme,won,"1,200.50",2026-05-31,25%\nTwo,,,,,\n'
    report = load(host, tenant, tmp_path, content.replace("阶段?", "Stage"))
    assert (report.totals.rows, report.totals.created, report.refused) == (2, 2, ())
    one, two = rows(host, tenant)
    assert (one["company"], one["stage"], one["amount"]["amount"]) == (acme, "won", "1200.50")
    assert (one["closes"], one["chance"]) == ("2026-05-31", "25.00")
    assert (two["stage"], two["amount"], two["number"][:2]) == ("open", None, "D-")


@pytest.mark.parametrize("header", ["name", "Name", " NAME ", "名称?", "na_me", "*Name"])
def test_headers_are_matched_by_key_id_and_label(host: Host, tenant: Tenant, tmp_path: Path, header: str) -> None:
    header = "name" if header == "名称?" else header
    assert load(host, tenant, tmp_path, f"{header}\nOne\n", "company").totals.created == 1


def test_a_chinese_file_with_chinese_headers(host: Host, tmp_path: Path) -> None:
    tenant = kit.tenant(host, CRM.replace("industry: {type", "industry: {label: {en: Industry, zh: 行业}, type"))
    content = "name,行业\n北京华信有限公司,Health\n".encode("gb18030")
    assert load(host, tenant, tmp_path, content, "company").totals.created == 1
    assert rows(host, tenant, "company")[0]["industry"] == "health"


def test_every_problem_of_a_mapping_is_told_at_once(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load(host, tenant, tmp_path, "name,compny,Name,zzz\nx,y,z,w\n")
    assert problems(caught.value) == ["import_unknown_column", "import_column_twice", "import_unknown_column"]
    assert caught.value.problems[0].suggestion == "company"
    assert names(host, tenant) == []


def test_columns_can_be_named_and_ignored_by_the_caller(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = load(host, tenant, tmp_path, "Titel,zzz\nOne,1\n", columns={"Titel": "name"}, ignore=("zzz",))
    assert report.totals.created == 1 and report.file["ignored"] == ["zzz"]
    assert load(host, tenant, tmp_path, "name,zzz\nTwo,1\n", ignore_unknown=True).totals.created == 1
    with pytest.raises(Invalid) as caught:
        load(host, tenant, tmp_path, "name\nOne\n", columns={"Titel": "name"})
    assert problems(caught.value)[0] == "import_column_missing"


def test_a_mapping_document_maps_values_constants_and_the_key(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    company(host, tenant, "Acme")
    content = "Opportunity,Customer,State,Remark\nOne,Acme,Gewonnen,x\nTwo,Acme,open,y\n"
    assert load(host, tenant, tmp_path, content, mapping="deals").totals.created == 2
    again = load(host, tenant, tmp_path, content.replace("open", "lost"), mapping="deals")
    assert (again.totals.updated, again.totals.unchanged) == (1, 1)
    assert [(each["stage"], each["note"]) for each in rows(host, tenant)] == [("won", "loaded"), ("lost", "loaded")]


def test_a_mapping_document_says_all(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load(host, tenant, tmp_path, "Opportunity,amount\nx,1\n", mapping="deals")
    assert sorted(problems(caught.value)) == ["import_column_missing"] * 3 + ["import_unknown_column"]
    with pytest.raises(Invalid, match="deals"):
        load(host, tenant, tmp_path, "name\nx\n", mapping="dels")


def test_upsert_by_key_updates_what_is_there(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    load(host, tenant, tmp_path, "name,size\nA,1\nB,2\n", "company")
    report = load(host, tenant, tmp_path, "name,size\nB,3\nC,4\nA,1\n", "company", by=("name",))
    assert (report.totals.created, report.totals.updated, report.totals.unchanged) == (1, 1, 1)
    assert [each["size"] for each in rows(host, tenant, "company")] == [1, 3, 4]


def test_one_record_in_several_rows(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = load(host, tenant, tmp_path, "name,size\nA,1\nA,1\nA,2\nB,1\nA,2\n", "company", by=("name",))
    assert (report.totals.created, report.totals.updated, report.totals.unchanged) == (2, 1, 2)
    assert [each["size"] for each in rows(host, tenant, "company")] == [2, 1]


def test_update_passes_over_records_that_are_not_there(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    company(host, tenant, "A")
    report = load(host, tenant, tmp_path, "name,size\nA,1\nB,2\n", "company", by=("name",), mode="update")
    assert (report.totals.updated, report.totals.skipped) == (1, 1) and adds_up(report)
    assert names(host, tenant, "company") == ["A"]


def test_changing_records_needs_a_key_that_the_file_holds(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    cases: list[tuple[tuple[str, ...], str]] = [((), "import_no_key"), (("industry",), "import_key_not_there")]
    for by, code in cases:
        with pytest.raises(Invalid) as caught:
            load(host, tenant, tmp_path, "name,size\nA,1\n", "company", mode="update", by=by)
        assert problems(caught.value) == [code]
    report = load(host, tenant, tmp_path, "name,size\n,1\nB,2\n", "company", by=("name",))
    assert codes(report) == ["import_key_blank"] and report.totals.failed == 1


def test_blank_cells_keep_or_clear(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    load(host, tenant, tmp_path, "name,size\nA,1\n", "company")
    load(host, tenant, tmp_path, "name,size\nA,\n", "company", by=("name",))
    assert rows(host, tenant, "company")[0]["size"] == 1
    load(host, tenant, tmp_path, "name,size\nA,\n", "company", by=("name",), blank="clear")
    assert rows(host, tenant, "company")[0]["size"] is None


def test_links_by_title_key_and_id(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    acme, bolt = company(host, tenant, "Acme", "Bolt")
    ann = kit.person(host, tenant, "Ann")
    content = f"name,company,owner,helpers\n1,Acme,Ann,Ann\n2,{bolt},,\n3,Bolt [{bolt}],,Ann; Ann\n"
    assert load(host, tenant, tmp_path, content).totals.created == 3
    found = rows(host, tenant, "deal", "name", "company", "owner", "helpers")
    assert [each["company"] for each in found] == [acme, bolt, bolt]
    assert found[0]["owner"] == ann
    assert [each["helpers"] for each in found] == [[ann], [], [ann]]


def test_a_link_over_a_named_field(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    with kit.workspace(host, tenant) as ws:
        ids = [kit.insert(ws, "user", name="Li Wei", email=f"{n}@x.cn") for n in (1, 2)]
    for header in ("owner.email", "Owner.Email", "owner"):
        assert load(host, tenant, tmp_path, f"name,{header}\n{header},2@x.cn\n").totals.created == 1
    assert {each["owner"] for each in rows(host, tenant)} == {ids[1]}
    report = load(host, tenant, tmp_path, "name,owner\nx,Li Wei\ny,Nobody\n")
    assert codes(report) == ["import_link_ambiguous", "import_link_not_found"]


def test_links_to_records_of_the_same_file_in_any_order(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = load(host, tenant, tmp_path, "name,parent\nTeam,Region\nRegion,World\nWorld,\nLost,Nowhere\n", "unit")
    assert (report.totals.created, report.totals.incomplete) == (4, 1) and adds_up(report)
    assert codes(report) == ["import_link_left_out"]
    by_id = {each["id"]: each["name"] for each in rows(host, tenant, "unit")}
    parents = {each["name"]: by_id.get(each["parent"]) for each in rows(host, tenant, "unit")}
    assert parents == {"Team": "Region", "Region": "World", "World": None, "Lost": None}


def test_bad_rows_are_refused_with_every_reason_and_good_ones_kept(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    content = "name,amount,closes,stage\n,1,,\nB,x,31/31/2026,wonn\nC,1,2026-01-01,won\nD,1,,,,extra\n"
    report = load(host, tenant, tmp_path, content)
    assert (report.totals.created, report.totals.failed) == (1, 3) and adds_up(report)
    assert [each.line for each in report.refused] == [2, 3, 5]
    assert len(report.refused[1].problems) == 3
    assert all(each.reasons("zh") and each.reasons("en") for each in report.refused)
    assert names(host, tenant) == ["C"]


def test_the_report_of_refused_rows_can_be_mended_and_loaded(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = load(host, tenant, tmp_path, "name,size\nA,1\n=B,x\n", "company")
    refused = tmp_path / "refused.csv"
    assert transfer.write_refused(refused, report.headers, iter(report.refused), "zh") == 1
    text = refused.read_text(encoding="utf-8-sig")
    assert next(csv.reader(text.splitlines())) == ["name", "size", "行号", "原因"]
    mended = load(host, tenant, tmp_path, text.replace(",x,", ",7,"), "company")
    assert mended.totals.created == 1 and names(host, tenant, "company") == ["=B", "A"]


def test_all_or_nothing(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    content = "name,size\nA,1\nB,x\n"
    report = load(host, tenant, tmp_path, content, "company", all_or_nothing=True)
    assert not report.written and report.totals.failed == 1 and adds_up(report)
    assert names(host, tenant, "company") == []
    assert load(host, tenant, tmp_path, content.replace("x", "2"), "company", all_or_nothing=True).written
    assert names(host, tenant, "company") == ["A", "B"]


def test_a_dry_run_tells_the_same_and_writes_nothing(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    company(host, tenant, "A")
    content = "name,size\nA,1\nB,2\nC,x\n"
    dry = load(host, tenant, tmp_path, content, "company", by=("name",), dry_run=True)
    assert names(host, tenant, "company") == ["A"] and not dry.written
    with kit.workspace(host, tenant, write=False) as ws:
        assert ws.db.fetch("SELECT count(*) FROM _event WHERE entity = 'company'")[0][0] == 0
    real = load(host, tenant, tmp_path, content, "company", by=("name",))
    assert dry.totals == real.totals and dry.refused == real.refused and real.written


def test_rights_bind_imports_as_everything(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    importer = kit.person(host, tenant, roles=["importer"])
    seller = kit.person(host, tenant, roles=["seller"])
    (foreign,) = company(host, tenant, "Foreign")
    with pytest.raises(Forbidden):
        load(host, tenant, tmp_path, "name\nx\n", "company", AsUser(seller))
    with pytest.raises(Forbidden):
        load(host, tenant, tmp_path, "name\nx\n", "unit", AsUser(importer))
    for header, code in (("size", "import_unknown_column"), ("industry", "import_not_writable")):
        with pytest.raises(Invalid) as caught:
            load(host, tenant, tmp_path, f"name,{header}\nx,1\n", "company", AsUser(importer))
        assert problems(caught.value) == [code]
    report = load(host, tenant, tmp_path, f"id,name\n{foreign},Mine now\n", "company", AsUser(importer))
    assert report.totals.failed == 1 and names(host, tenant, "company") == ["Foreign"]
    other = kit.person(host, tenant, "Other")
    report = load(host, tenant, tmp_path, "name,owner\nx,Other\n", "deal", AsUser(importer))
    assert report.totals.failed == 1 and other and names(host, tenant) == []


def test_a_workbook_with_excel_traps(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "deals.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for at, header in enumerate(("name", "amount", "closes", "note")):
            sheet.write(0, at, header)
        sheet.write_row(1, 0, (7, 12.5))
        sheet.write_datetime(1, 2, dt.date(2026, 5, 31), day)
        sheet.write_row(2, 0, (110101199003071234, 1))
    report = transfer.load(host, tenant, PlatformActor(), "deal", path)
    assert codes(report) == ["import_digits_lost"]
    (found,) = rows(host, tenant)
    assert (found["name"], found["amount"]["amount"], found["closes"]) == ("7", "12.50", "2026-05-31")


def test_nul_bytes_are_refused_in_their_row(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = load(host, tenant, tmp_path, b"name\nA\x00B\nC\n", "company")
    assert report.totals.failed == 1 and names(host, tenant, "company") == ["C"]


# -- as a job


def many(number: int, bad: int = 0) -> str:
    lines = [f"C{each:05},{'x' if each < bad else each}" for each in range(number)]
    return "\n".join(["name,size", *lines]) + "\n"


def finished(host: Host, tenant: Tenant, report: Report) -> Report:
    assert report.job is not None
    while jobs.drain(host, tenant) is not None:
        pass
    with kit.workspace(host, tenant, write=False) as ws:
        return transfer.of_job(ws, jobs.get(ws, report.job))


def test_a_person_loads_a_file_of_several_parts(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    """What is read ahead for the next part is kept under who acts, with all that conditions may ask of him."""
    ada = kit.person(host, tenant, "Ada", roles=["admin"])
    queued = load(host, tenant, tmp_path, many(4_100), "company", AsUser(ada))
    assert queued.state == "queued"
    report = finished(host, tenant, queued)
    assert (report.state, report.totals.created) == ("done", 4_100)


def test_a_big_file_becomes_a_job(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    queued = load(host, tenant, tmp_path, many(2_500, bad=3), "company")
    assert queued.state == "queued" and names(host, tenant, "company") == []
    report = finished(host, tenant, queued)
    assert (report.state, report.totals.rows, report.totals.created, report.totals.failed) == ("done", 2_500, 2_497, 3)
    assert adds_up(report) and [each.line for each in report.refused] == [2, 3, 4]
    with kit.workspace(host, tenant, write=False) as ws:
        assert report.job is not None
        again = list(transfer.refused_of_job(ws, jobs.get(ws, report.job)))
    assert again == list(report.refused) and again[0].cells == ("C00000", "x")


def test_a_job_that_is_all_or_nothing(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = finished(host, tenant, load(host, tenant, tmp_path, many(2_500, 1), "company", all_or_nothing=True))
    assert not report.written and report.totals.failed == 1 and names(host, tenant, "company") == []
    report = finished(host, tenant, load(host, tenant, tmp_path, many(2_500), "company", all_or_nothing=True))
    assert report.written and len(names(host, tenant, "company")) == 2_500


def test_a_job_that_only_tries(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    report = finished(host, tenant, load(host, tenant, tmp_path, many(2_500, 1), "company", dry_run=True))
    assert not report.written and (report.totals.created, report.totals.failed) == (2_499, 1)
    assert names(host, tenant, "company") == []


def test_a_job_links_rows_over_chunks(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    lines = [f"U{each},U{each + 1}" for each in range(2_200)] + ["U2200,Nowhere"]
    queued = load(host, tenant, tmp_path, "name,parent\n" + "\n".join(lines) + "\n", "unit")
    report = finished(host, tenant, queued)
    assert (report.totals.created, report.totals.incomplete) == (2_201, 1)
    with kit.workspace(host, tenant, write=False) as ws:
        linked = queries.aggregate(ws, "unit", where="parent != null")
    assert linked[0]["count"] == 2_200


def test_an_import_that_waits_knows_its_columns_after_they_are_renamed(host: Host, tmp_path: Path) -> None:
    tenant = kit.tenant(host)
    path = tmp_path / "companies.csv"
    path.write_text("name,size,Industry\nAlpha,1,it\nBeta,2,health\n")
    options = Options(mode="upsert", by=("name",), background=True)
    report = transfer.load(host, tenant, PLATFORM, "company", path, options)
    now = kit.MINI.replace("size: {type", "headcount: {id: size, label: Heads, type")
    now = now.replace("industry: {type", "branch: {id: industry, label: Branch, type")
    plan = schema.plan(host, tenant, kit.layer(now))
    assert plan.id is not None and schema.apply(host, tenant, plan.id) == 2
    while jobs.drain(host, tenant) is not None:
        pass
    with kit.workspace(host, tenant, write=False) as ws:
        assert jobs.get(ws, str(report.job)).state == "done"
        found = queries.as_json(queries.find(ws, Query("company", sort=("name",))))
    assert [(each["name"], each["headcount"], each["branch"]) for each in found] == [
        ("Alpha", 1, "it"),
        ("Beta", 2, "health"),
    ]


def test_a_job_shows_its_progress_and_stops_when_cancelled(host: Host, tenant: Tenant, tmp_path: Path) -> None:
    queued = load(host, tenant, tmp_path, many(3_500), "company")
    assert queued.job is not None
    jobs.drain(host, tenant, seconds=0.0)
    with kit.workspace(host, tenant) as ws:
        found = jobs.get(ws, queued.job)
        assert 0 < found.progress["done"] < found.progress["total"] == 3_500
        jobs.cancel(ws, queued.job)
    report = finished(host, tenant, queued)
    assert report.state == "cancelled"
    assert len(names(host, tenant, "company")) == report.totals.created == found.progress["done"]


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for each in started:
        each.kill()
        each.wait()


def test_an_import_killed_in_the_middle_goes_on_without_doubles(
    host: Host, tenant: Tenant, tmp_path: Path, killed: list[subprocess.Popen[bytes]]
) -> None:
    queued = load(host, tenant, tmp_path, many(9_000), "company")
    assert queued.job is not None
    settings = host.settings
    environment = os.environ | {
        "METALOOM_DATABASE_URL": settings.database_url,
        "METALOOM_FILES_URL": settings.files_url,
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
    }

    def done() -> int:
        with kit.workspace(host, tenant, write=False) as ws:
            return int(jobs.get(ws, str(queued.job)).progress.get("done", 0))

    for _ in range(2):
        before = done()
        killed.append(subprocess.Popen([sys.executable, "-m", "tests.working", "runner"], cwd=ROOT, env=environment))
        until = time.monotonic() + 30
        while done() == before and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(killed[-1].pid, signal.SIGKILL)
        killed[-1].wait()
    time.sleep(2)  # the lease of the last one
    report = finished(host, tenant, queued)
    assert (report.state, report.totals.created) == ("done", 9_000)
    found = names(host, tenant, "company")
    assert len(found) == len(set(found)) == 9_000
