"""Files that people bring are read in their own encoding, dialect and shape, or refused in a sentence."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import random
import time
import zipfile
from pathlib import Path

import orjson
import pytest
import xlsxwriter

from metadata.problems import PlatformError, kind
from runtime.transfer import delimited, encodings, workbooks
from runtime.transfer.reading import DETECT, Format, Row, Staged, guarded, read, stage, unguarded


def staged(tmp_path: Path, content: bytes | str, wanted: Format = DETECT, known: tuple[str, ...] = ()) -> Staged:
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return stage(path, tmp_path / "staged", wanted, known)


def rows(tmp_path: Path) -> list[Row]:
    with (tmp_path / "staged").open("rb") as stream:
        return list(read(stream))


def cells(tmp_path: Path) -> list[tuple[str, ...]]:
    return [row.cells for row in rows(tmp_path)]


AT_ONCE = 15
"""Seconds. A child process may take them on a busy machine; what is not bounded takes the limit of 60."""


def refused(tmp_path: Path, content: bytes | str, wanted: Format = DETECT) -> str:
    begun = time.monotonic()
    with pytest.raises(PlatformError) as caught:
        staged(tmp_path, content, wanted)
    assert time.monotonic() - begun < AT_ONCE
    (problem,) = caught.value.problems
    assert problem.message("en") and problem.message("zh")
    return problem.code


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as stream:
        return [each for each in csv.DictReader(stream) if each["path"].startswith("messy_csv/")]


def test_every_messy_table_reads_in_its_stated_shape(shared_data: Path) -> None:
    seen = 0
    for stated in manifest(shared_data):
        if not stated["delimiter"]:
            continue
        path = shared_data / stated["path"]
        encoding = encodings.detect(path)
        delimiter = delimited.detect_delimiter(path, encoding)
        found = list(delimited.records(path, encoding, delimiter))
        assert delimiter == stated["delimiter"].replace("tab", "\t"), path
        assert len(found) == int(stated["records_with_header"]), path
        # The manifest names at most six widths.
        for part in stated["columns"].split():
            width, _, number = part.partition("x")
            wanted = int(number or stated["records_with_header"])
            assert sum(1 for record in found if len(record) == int(width)) == wanted, path
        seen += 1
    assert seen > 80


def test_every_messy_text_is_decoded_as_stated(shared_data: Path) -> None:
    for stated in manifest(shared_data):
        if not stated["encoding"] or stated["path"].endswith("issue-811.csv"):
            continue  # that one is cp1252 (it holds š and ž), which its source calls latin-1
        path = shared_data / stated["path"]
        text = path.read_bytes().decode(encodings.detect(path))
        right = path.read_bytes().decode(stated["encoding"].split()[0])
        assert text.lstrip("\ufeff") == right.lstrip("\ufeff"), path


def test_every_messy_file_is_read_or_refused_within_a_second(shared_data: Path, tmp_path: Path) -> None:
    for path in sorted((shared_data / "messy_csv").rglob("*.*")):
        begun = time.monotonic()
        try:
            assert stage(path, tmp_path / "staged").headers
        except PlatformError as refusal:
            assert refusal.problems[0].message("zh")
        assert time.monotonic() - begun < AT_ONCE, path


@pytest.mark.parametrize(
    ("name", "header", "number"),
    [
        ("cn_exports/alipay-records-gb18030.csv", 25, 10),
        ("cn_exports/boc-debit-records.csv", 2, 17),
        ("cn_exports/citic-credit-records-biff8.xls", 2, 13),
        ("cn_exports/cmb-debit-records.csv", 1, 5),
        ("cn_exports/hxsec-records-gbk-tsv-named.xls", 1, 13),
        ("cn_exports/icbc-debit-records.csv", 7, 12),
        ("cn_exports/jd-records-bom.csv", 22, 26),
        ("cn_exports/meituan-records-bom-crlf.csv", 20, 29),
        ("cn_exports/spdb-debit-records-cp936.xls", 2, 4),
        ("cn_exports/wechat-records.csv", 17, 27),
        ("cn_exports/wechat-records.xlsx", 18, 27),
        ("csvkit/Datagov_FY10_EDU_recp_by_State.csv", 3, 55),
        ("csvkit/test_skip_lines.csv", 4, 1),
        ("frictionless/countries.csv", 2, 5),
        ("frictionless/wide.csv", 1, 3),
        ("csv-spectrum/csvs/empty.csv", 1, 2),
    ],
)
def test_the_header_is_found_below_titles(
    shared_data: Path, tmp_path: Path, name: str, header: int, number: int
) -> None:
    found = stage(shared_data / "messy_csv" / name, tmp_path / "staged")
    assert (found.format.header, found.rows) == (header, number)


def test_the_expected_parse_of_csv_spectrum(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "messy_csv" / "csv-spectrum"
    for path in sorted((folder / "csvs").iterdir()):
        if path.stem == "location_coordinates":
            continue  # its JSON disagrees with its CSV in the source itself
        found = stage(path, tmp_path / "staged", Format(header=1))
        expected = orjson.loads((folder / "json" / f"{path.stem}.json").read_bytes())
        assert [dict(zip(found.headers, row, strict=True)) for row in cells(tmp_path)] == expected, path


def test_names_of_fields_find_the_header_row(tmp_path: Path) -> None:
    content = "Report,of,May\nmade,by,us\nName,Phone,City\nAcme,1,Paris\n"
    assert staged(tmp_path, content, known=("name", "phone")).format.header == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "gbk"])
def test_chinese_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    text = "姓名,电话,城市\r\n张伟,13800138000,北京\r\n李娜,13900139000,上海\r\n"
    found = staged(tmp_path, text.encode(encoding))
    assert found.headers == ("姓名", "电话", "城市")
    assert cells(tmp_path)[0] == ("张伟", "13800138000", "北京")


def test_one_late_character_beyond_ascii_decides(tmp_path: Path) -> None:
    content = b"a,b\n" + b"1,2\n" * 50_000 + "客户,名称\n".encode("gb18030")
    assert staged(tmp_path, content).format.encoding == "gb18030"
    assert rows(tmp_path)[-1].cells == ("客户", "名称")


def test_a_named_encoding_that_is_wrong_is_refused(tmp_path: Path) -> None:
    chinese = "姓名,电话\n张伟,1\n".encode("gb18030")
    assert refused(tmp_path, chinese, Format(encoding="utf-8")) == "import_encoding_wrong"
    assert refused(tmp_path, chinese, Format(encoding="klingon")) == "import_encoding_wrong"


def test_rows_are_numbered_as_a_spreadsheet_does_and_can_be_taken_up_anywhere(tmp_path: Path) -> None:
    staged(tmp_path, 'a,b\n1,"x\ny"\n\n2,z\n3,w\n')
    found = rows(tmp_path)
    assert [(row.line, row.cells[0]) for row in found] == [(2, "1"), (4, "2"), (5, "3")]
    with (tmp_path / "staged").open("rb") as stream:
        assert [row.line for row in read(stream, found[0].end)] == [4, 5]


def test_ragged_rows_are_counted_and_keep_their_cells(tmp_path: Path) -> None:
    found = staged(tmp_path, "a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n")
    assert (found.rows, found.short, found.long) == (3, (2,), (3,))
    assert cells(tmp_path) == [("1", "2", ""), ("1", "2", "3", "4"), ("1", "2", "3")]


def test_a_file_without_column_names_gets_numbers(tmp_path: Path) -> None:
    found = staged(tmp_path, "1,2\n3,4\n", Format(header=0))
    assert (found.headers, found.rows) == (("1", "2"), 2)


@pytest.mark.parametrize("content", [b"", b"\n\n", b" , ,\n,,\n", b"\xef\xbb\xbf"])
def test_a_file_with_nothing_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content) == "import_no_table"


def test_a_header_row_beyond_the_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "a,b\n1,2\n", Format(header=9)) == "import_header_row"


def test_a_quotation_that_never_ends_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, 'a,b\n1,"x\n2,y\n3,z\n') == "import_quote_not_closed"


def test_a_cell_line_or_header_without_end_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, 'a,b\n1,"' + "x\n" * 700_000) == "import_cell_too_long"
    assert refused(tmp_path, "x" * 5_000_000) == "import_line_too_long"
    assert refused(tmp_path, ",".join(f"c{number}" for number in range(1_000_000))) == "import_line_too_long"
    assert refused(tmp_path, "," * 1_000_000 + "a") == "import_too_many_columns"
    assert refused(tmp_path, "a,b\n1" + "," * 1_000_000 + "a\n") == "import_too_many_columns"


@pytest.mark.parametrize("mark", [b"\x89PNG\r\n\x1a\n", b"\x7fELF", b""])
def test_a_file_that_is_no_text_is_refused_without_printing_it(tmp_path: Path, mark: bytes) -> None:
    content = mark + random.Random(7).randbytes(20_000)
    assert refused(tmp_path, content) == "import_not_text"
    with pytest.raises(PlatformError) as caught:
        staged(tmp_path, b"a,\x1b[2J\n1,2\n", Format(delimiter="\x1b", header=9))
    assert all(each.isprintable() for problem in caught.value.problems for each in problem.message())


def test_what_somebody_sent_steers_no_terminal() -> None:
    said = kind("test_steering", en="{text}!", zh="{text}！")(text="a\x1b[31m\u202eb\x00 客户\n\u3000")
    assert said.message() == "a\ufffd[31m\ufffdb\ufffd 客户\n\u3000!"


def test_nul_bytes_neither_crash_nor_hide_a_row(tmp_path: Path) -> None:
    staged(tmp_path, b"a,b\n1,x\x00y\n2,z\n")
    assert cells(tmp_path) == [("1", "x\x00y"), ("2", "z")]


def test_random_bytes_are_read_or_refused_but_never_crash(tmp_path: Path) -> None:
    starts = (b"", b"PK\x03\x04", workbooks.OLE, b"\xff\xfe", b"\xef\xbb\xbf")
    for seed in range(60):
        content = random.Random(seed).randbytes(3_000)
        for start in starts if seed < 6 else starts[:1]:
            with contextlib.suppress(PlatformError):
                staged(tmp_path, start + content)


def workbook(path: Path, *lines: tuple[object, ...], at: tuple[int, int] = (0, 0)) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sheet")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for down, line in enumerate(lines):
            for right, value in enumerate(line):
                place = (down + at[0], right + at[1])
                if hasattr(value, "year"):
                    sheet.write_datetime(*place, value, day)
                else:
                    sheet.write(*place, value)
    return path


def test_numbers_and_dates_of_a_workbook_become_exact_texts(tmp_path: Path) -> None:
    values = (1.0, 1.27, 0.1 + 0.2, -3, 41800000.01, 1e-7, True, dt.date(2026, 5, 31), "00123")
    path = workbook(tmp_path / "a.xlsx", tuple(f"c{number}" for number in range(len(values))), values)
    stage(path, tmp_path / "staged")
    wanted = ("1", "1.27", "0.3", "-3", "41800000.01", "0.0000001", "true", "2026-05-31", "00123")
    assert cells(tmp_path) == [wanted]


def test_a_number_with_more_digits_than_excel_keeps_is_marked(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("name", "id"), ("x", 110101199003071234))
    stage(path, tmp_path / "staged")
    assert rows(tmp_path)[0].lost == (1,)


def test_row_numbers_of_a_workbook_are_those_that_excel_shows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("name", "age"), ("Ann", 3), at=(4, 2))
    found = stage(path, tmp_path / "staged")
    assert (found.format.header, found.headers) == (5, ("", "", "name", "age"))
    assert rows(tmp_path)[0].line == 6


def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("name",), ("Ann",))
    with pytest.raises(PlatformError, match="Sheet"):
        stage(path, tmp_path / "staged", Format(sheet="May"))


def archive(tmp_path: Path, members: dict[str, bytes], model: Path | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        if model is not None:
            with zipfile.ZipFile(model) as source:
                for each in source.namelist():
                    if each not in members:
                        target.writestr(each, source.read(each))
        for name, content in members.items():
            target.writestr(name, content)
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    model = workbook(tmp_path / "a.xlsx", ("name",), ("Ann",))
    assert refused(tmp_path, archive(tmp_path, {SHEET: b" " * 40_000_000}, model)) == "import_workbook_too_large"


def test_a_zip_bomb_that_lies_about_its_size_costs_only_the_child(tmp_path: Path) -> None:
    model = workbook(tmp_path / "a.xlsx", ("name",), ("Ann",))
    cell = b'<row r="2"><c r="A2" t="inlineStr"><is><t>' + b"x" * 60_000_000 + b"</t></is></c></row>"
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>' + cell
    honest = bytearray(archive(tmp_path, {SHEET: sheet + b"</sheetData></worksheet>"}, model))
    # The size in the central directory of the last member (at 24 from its signature) says 1,000 bytes.
    directory = honest.rindex(b"PK\x01\x02")
    honest[directory + 24 : directory + 28] = (1_000).to_bytes(4, "little")
    (tmp_path / "file.csv").write_bytes(honest)
    try:
        stage(tmp_path / "file.csv", tmp_path / "staged")
    except PlatformError as refusal:
        assert refusal.problems[0].code.startswith("import_workbook")


def test_a_sheet_of_two_cells_far_apart_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "b")
    assert refused(tmp_path, path.read_bytes()) == "import_workbook_too_large"


@pytest.mark.parametrize("content", [b"PK\x03\x04nothing", workbooks.OLE + b"\0" * 600, b"PK\x03\x04"])
def test_a_broken_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content) == "import_workbook_broken"


def test_a_protected_or_foreign_archive_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, archive(tmp_path, {"word/document.xml": b"<a/>"})) == "import_workbook_broken"


@pytest.mark.parametrize("text", ["=1+1", "+86 138", "-5", "@a", "\ta", "\ra", "'=1", "''@", "'", "", "a", "'a", "1=1"])
def test_guarding_a_cell_is_undone_exactly(text: str) -> None:
    kept = guarded(text)
    assert unguarded(kept) == text
    assert kept[:1] not in tuple("=+-@\t\r")
