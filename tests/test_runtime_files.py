"""Files: kept when they are what they say, bound by the save that names them, seen as their record, collected after."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from metadata.problems import Invalid, NotFound, TooLarge
from runtime import files, quota
from runtime.filetypes import accepted_type, found_type
from runtime.host import Host
from runtime.records import create, delete, update
from runtime.settings import Settings
from tests.selling import Place, paths, place, refused

PDF = b"%PDF-1.7\n%\xe2\xe3\n1 0 obj"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def here(host: Host) -> Place:
    return place(host)


def upload(
    here: Place, content: bytes = PDF, name: str = "a.pdf", kind: str | None = None, user: str | None = None
) -> str:
    with here.as_user(user) as ws:
        return files.store(ws, io.BytesIO(content), name, kind)


def on_disk(here: Place) -> list[Path]:
    folder = files.folder(here.host.settings) / here.tenant.id
    return [each for each in folder.rglob("*") if each.is_file()] if folder.exists() else []


def test_a_file_is_kept_as_it_came_and_served_as_an_attachment(here: Place) -> None:
    id = upload(here, PDF * 10_000, '../../合同 "1".pdf\r\n', "application/pdf")
    here.add("account", name="A", scan=id)
    with here.as_user(write=False) as ws:
        path, headers = files.open_file(ws, id)
    assert path.read_bytes() == PDF * 10_000
    assert path.name == id and "合同" not in str(path)
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E5%90%88%E5%90%8C%201.pdf"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert (headers["Content-Type"], headers["Content-Length"]) == ("application/pdf", str(len(PDF) * 10_000))


def test_a_file_is_its_uploaders_until_a_record_has_it_then_the_records(here: Place) -> None:
    seller = here.person("seller", unit=here.unit)
    local = here.person("local")
    id = upload(here, user=seller)
    with here.as_user(seller, write=False) as ws:
        assert files.find(ws, id).name == "a.pdf"
    refused(here, NotFound, lambda ws: files.find(ws, id))
    error = refused(here, Invalid, lambda ws: create(ws, "account", {"name": "A", "scan": id}))
    assert paths(error) == {"scan": "files.not_free"}
    account = here.add("account", user=seller, name="A", scan=id).id
    with here.as_user(write=False) as ws:
        assert files.find(ws, id).size == len(PDF)
    refused(here, NotFound, lambda ws: files.find(ws, id), local)
    with here.as_user() as ws:
        delete(ws, "account", account)
    refused(here, NotFound, lambda ws: files.find(ws, id), seller)
    for nothing in ("x", "", here.boss):
        refused(here, NotFound, partial(files.open_file, id=nothing))


def test_one_record_has_a_file_and_a_replaced_one_is_gone(here: Place) -> None:
    id = upload(here)
    account = here.add("account", name="A", scan=id).id
    error = refused(here, Invalid, lambda ws: create(ws, "account", {"name": "B", "scan": id}))
    assert paths(error) == {"scan": "files.not_free"}
    with here.as_user() as ws:
        assert update(ws, "account", account, {"scan": id, "size": 1}).version == 2
    other = upload(here, PNG, "b.png")
    with here.as_user() as ws:
        update(ws, "account", account, {"scan": other})
    refused(here, NotFound, lambda ws: files.find(ws, id))
    error = refused(here, Invalid, lambda ws: update(ws, "account", account, {"scan": id}))
    assert paths(error) == {"scan": "files.not_free"}


def test_a_file_that_is_too_large_or_not_what_it_says_leaves_nothing(here: Place) -> None:
    for content, kind, error in (
        (b"x" * 2_000, None, TooLarge),
        (PDF, "image/png", Invalid),
        (b"MZ\x90\x00" + b"\x00" * 50, "application/pdf", Invalid),
        (b"<html><script>", "image/png", Invalid),
    ):
        refused(here, error, partial(files.store, stream=io.BytesIO(content), name="a", declared=kind, most=1_000))
    assert on_disk(here) == []


@pytest.mark.parametrize(
    ("head", "declared", "kept"),
    [
        (PDF, None, "application/pdf"),
        (PNG, "image/png", "image/png"),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", None),
        (b"PK\x03\x04", "application/zip", "application/zip"),
        (b"a,b\n1,2\n", "text/csv; charset=utf-8", "text/csv"),
        ("名称\n".encode(), "text/plain", "text/plain"),
        (b"", "text/plain", "text/plain"),
        (b"\x00\x01\x02", "application/x-custom", "application/x-custom"),
        (b"\x00\x01\x02", None, "application/octet-stream"),
    ],
)
def test_the_kept_type_agrees_with_the_content(head: bytes, declared: str | None, kept: str | None) -> None:
    assert accepted_type(declared, head)[0] == (kept or declared)


def test_what_contradicts_itself_is_refused() -> None:
    for head, declared in ((b"\x7fELF", "image/png"), (b"GIF89a", "image/png"), (b"\x00\x00", "application/pdf")):
        assert accepted_type(declared, head)[0] is None
    assert found_type(b"\xff\xd8\xff\xe0") == "image/jpeg"


def test_an_upload_that_no_record_named_within_a_day_is_collected(here: Place) -> None:
    kept, lost = upload(here), upload(here)
    here.add("account", name="A", scan=kept)
    with here.platform() as ws:
        assert files.collect(ws) == 0
    with here.platform(now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)) as ws:
        assert files.collect(ws) == 1
    with here.platform(now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)) as ws:
        assert files.sweep(ws) == 1
    assert [path.name for path in on_disk(here)] == [kept]
    assert lost != kept


def test_the_bytes_of_an_undone_upload_are_swept(here: Place) -> None:
    with pytest.raises(RuntimeError), here.as_user() as ws:
        files.store(ws, io.BytesIO(PDF), "a.pdf")
        raise RuntimeError
    assert len(on_disk(here)) == 1
    with here.platform(now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)) as ws:
        assert files.sweep(ws) == 1
    assert on_disk(here) == []


def test_a_tenant_keeps_no_more_bytes_than_its_quota(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "settings", replace(host.settings, files_quota=1))
    here, other = place(host), place(host)
    half = b"x" * 600_000
    upload(here, half, "a.txt")
    before = on_disk(here)
    with pytest.raises(TooLarge) as caught:
        upload(here, half, "b.txt")
    assert [each.code for each in caught.value.problems] == ["files.quota"]
    assert "1 MB" in caught.value.problems[0].message()
    assert on_disk(here) == before
    upload(here, b"x" * 400_000, "c.txt")
    upload(other, half, "a.txt")
    monkeypatch.setattr(host, "settings", replace(host.settings, files_quota=0))
    upload(here, half, "b.txt")


def test_far_from_the_quota_the_bytes_are_not_counted_each_time(here: Place) -> None:
    upload(here)
    with here.as_user() as ws:
        held = quota.room(ws)
        assert held is not None
        files.store(ws, io.BytesIO(PDF), "b.pdf")
        ws.db.run("DELETE FROM _file")
        assert quota.room(ws) == held - len(PDF)


def test_a_quota_that_is_no_number_is_refused() -> None:
    assert Settings.from_environment({"METALOOM_FILES_QUOTA": "0"}).files_quota == 0
    assert Settings.from_environment({}).files_quota > 0
    with pytest.raises(Invalid):
        Settings.from_environment({"METALOOM_FILES_QUOTA": "10GB"})
