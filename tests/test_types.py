"""When a field type is done: interface, lists, forms, filters, sorting, files, history and schema, on both databases.

Every type of the registry goes through every test; what a type is spared is said where it is.
"""

from __future__ import annotations

import datetime as dt
import html
import io
import itertools
import json
import operator
import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs
import pytest

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import ValueProblem
from metadata.fieldtypes.dates import local
from metadata.fieldtypes.links import AnyLink
from metadata.folding import fold
from metadata.money import Money
from runtime.queries import Query
from runtime.transfer import exporting, importing
from runtime.transfer.options import Options
from runtime.transfer.reports import Report
from runtime.workspace import PlatformActor
from tests import kit, typecases
from tests.pages import Page
from tests.typecases import BELOW, COMPUTED, CURRENCY, FILES, LABEL, LINKED, PICTURES, RATE, ZONE, Case, Row, png

BEYOND_SCHEMA = {
    # What a schema cannot say, and the codes with which it is refused all the same.
    "address": {"value_address_country", "value_address_region"},
    "datetime": {"value_not_datetime"},
    "json": {"value_json_number", "value_json_text", "value_json_too_deep", "value_json_too_large"},
    "money": {"value_unknown_currency"},
    "phone": {"value_not_phone"},
    "region": {"value_unknown_region"},
    "rich_text": {"value_too_long"},
}
CHINESE = re.compile("[一-鿿]")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest) -> typecases.World:
    host = request.getfixturevalue("sqlite_host" if request.param == "sqlite" else "postgres_host")
    return typecases.world(host)


def spared(*types: str) -> pytest.MarkDecorator:
    """Every type but these."""
    return pytest.mark.parametrize("name", [name for name in registry.TYPES if name not in types])


@spared(*COMPUTED)
def test_every_sample_is_created_read_and_changed(world: typecases.World, name: str) -> None:
    case = world.cases[name]
    made = world.api.made(case.free, **case.body("made", None))
    for sample in case.samples():
        created = world.api.made(case.free, **case.body("made", sample))
        assert case.parsed(case.stored(case.free, created["id"])) == case.parsed(sample), sample
    for sample in case.samples():
        meant = case.parsed(sample)
        changed = world.api.patch(f"/{case.free}/{made['id']}", case.body("made", sample))
        assert changed.status_code == 200, changed.get_data(as_text=True)
        assert case.parsed(case.stored(case.free, made["id"])) == meant, sample
    empty: list[str] | None = [] if name in BELOW else None
    assert world.api.patch(f"/{case.free}/{made['id']}", {case.key: empty}).status_code == 200
    assert case.parsed(case.stored(case.free, made["id"])) is None


@pytest.mark.parametrize("name", sorted(COMPUTED))
def test_a_value_of_the_platform_is_given_and_never_taken(world: typecases.World, name: str) -> None:
    case = world.cases[name]
    first, second = (world.api.made(case.free, name="given") for _ in range(2))
    assert first[case.key] and first[case.key] < second[case.key]
    for body in ({"name": "sent", case.key: second[case.key]}, {case.key: None}):
        answer = world.api.post(f"/{case.free}", {"name": "sent", **body})
        assert answer.status_code == 422, answer.get_data(as_text=True)
        assert answer.get_json()["problems"][0]["path"] == case.key
    change = world.api.patch(f"/{case.free}/{first['id']}", {case.key: second[case.key]})
    assert change.status_code == 422


@spared(*COMPUTED)
def test_every_bad_value_is_refused_at_its_field_in_both_languages(world: typecases.World, name: str) -> None:
    case = world.cases[name]
    bad = list(case.type.refused(case.field))
    assert bad, "a type refuses something"
    for raw in bad:
        status, problems = _post(case, {"name": "refused", case.key: raw})
        assert status == (422 if _is_json(raw) else 400), (raw, problems)
        if status == 422:
            _check_told(case, problems, case.key, "en")
    operations = [{"action": "create", "values": {"name": "refused", case.key: raw}} for raw in filter(_is_json, bad)]
    body = {"operations": operations, "all_or_nothing": False}
    answer = world.api.post(f"/{case.free}/bulk", body, headers={"Accept-Language": "zh-CN"})
    for number, verdict in enumerate(answer.get_json()["data"]):
        assert verdict["verdict"] == "refused", operations[number]
        _check_told(case, verdict["problems"], case.key, "zh")
    assert world.api.get(f"/{case.free}", where="name == 'refused'").get_json()["data"] == []


def _check_told(case: Case, problems: list[dict[str, Any]], path: str, lang: str) -> None:
    """One problem, at the field, in one language, that names the field."""
    [problem] = problems
    assert problem["path"].split(".")[0] == path and problem["code"]
    assert LABEL[lang] in problem["message"]
    assert bool(CHINESE.search(problem["message"].replace(LABEL["zh"], ""))) == (lang == "zh"), problem


def _post(case: Case, body: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """As a program would that does not check its values: NaN and half characters included."""
    api = case.world.api
    headers = {**api.headers, "Content-Type": "application/json"}
    answer = api.client.post(f"{api.prefix}/{case.free}", data=json.dumps(body), headers=headers)
    return answer.status_code, answer.get_json().get("problems", [])


def _is_json(raw: Any) -> bool:
    """Whether a value can stand in a JSON text at all."""
    try:
        json.dumps(raw, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, UnicodeError):
        return False
    return True


@spared(*BELOW)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_list_shows_every_value_as_people_read_it(world: typecases.World, name: str, lang: str) -> None:
    case = world.cases[name]
    rows = {row.name: row for row in case.rows}
    answer = world.browser.get(f"/app/{case.kept}", lang=lang)
    assert answer.status_code == 200
    cells = dict(_cells(answer.get_data(as_text=True)))
    assert cells == {row.name: _shown(case, row, lang) for row in rows.values()}


def _cells(page: str) -> Iterator[tuple[str, str]]:
    """The name and the value in each row of the table."""
    body = re.split("<tbody[^>]*>", page)[1].split("</tbody>")[0]
    for row in re.split("<tr[^>]*>", body)[1:]:
        cells = [
            re.sub("<[^>]*>", "", each) for each in re.findall("<td[^>]*data-label[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        first, second = (" ".join(html.unescape(each).split()) for each in cells[:2])
        yield first, second


def _shown(case: Case, row: Row, lang: str) -> str:
    """What the cell of a row should say."""
    value = row.value
    if value is None:
        return ""
    if case.name in ("link", "user", "unit"):
        return case.world.titles[value]
    if isinstance(value, AnyLink):
        return case.world.titles[value.id]
    if case.name == "file":
        return {"en": "File", "zh": "文件"}[lang]
    if case.name in PICTURES:
        return ""  # the picture itself
    if case.name in ("tags", "multi_choice"):
        parts = [case.type.show(case.field, (each,), case.world.context(lang)) for each in value]
        return " ".join(parts)
    return " ".join(case.type.show(case.field, value, case.world.context(lang)).split())


@spared(*COMPUTED)
def test_a_form_takes_every_sample_and_gives_it_back(world: typecases.World, name: str) -> None:
    case, browser = world.cases[name], world.browser
    for sample in case.samples():
        if name == "datetime" and local(case.parsed(sample), ZONE).utcoffset() == dt.timedelta(0):
            continue  # the last hours of the calendar are none in a zone that is ahead
        new = _page(browser.get(f"/app/{case.free}/new"))
        filled = {**new.form("name").values, "name": ["filled"], **_typed(case, sample)}
        made = browser.post(f"/app/{case.free}/new", filled)
        assert made.status_code == 303, (sample, Page(made.get_data(as_text=True)).said)
        id = re.search("[0-9a-f-]{36}", made.headers["Location"])[0]  # type: ignore[index]
        before = world.api.get(f"/{case.free}/{id}").get_json()
        if name not in FILES:
            assert case.parsed(case.stored(case.free, id)) == case.parsed(sample)
        edit = _page(browser.get(f"/app/{case.free}/{id}/edit"))
        saved = browser.post(f"/app/{case.free}/{id}/edit", edit.form("name").values)
        assert saved.status_code == 303, (sample, Page(saved.get_data(as_text=True)).said)
        assert world.api.get(f"/{case.free}/{id}").get_json() == before, "saving a form as it is changes nothing"


def _typed(case: Case, sample: Any) -> dict[str, Any]:
    """What a person enters for a sample, by the names of its controls."""
    key, value, world = case.key, case.parsed(sample), case.world
    match case.name:
        case "boolean":
            return {key: ["false", "true"] if value else ["false"]}
        case "choice":
            return {key: [sample]}
        case "multi_choice":
            return {key: ["", *sample]}
        case "children":
            return {key: ["rows"], **{f"{key}.{at}.name": [row["name"]] for at, row in enumerate(sample)}}
        case "link" | "user" | "unit":
            return {key: [world.titles[value]]}
        case "links":
            return {key: ["", *value[1:], world.titles[value[0]]]}
        case "any_link":
            return {f"{key}.entity": [value.entity], key: [world.titles[value.id]]}
        case "file" | "files":
            return {f"{key}.file": (io.BytesIO(b"three"), "three.txt")}
        case "image" | "signature":
            return {f"{key}.file": (io.BytesIO(png("four")), "four.png")}
        case "secret":
            return {key: [sample]}
        case "rating":
            return {key: ["", str(value)]}
        case "person_name" | "address":
            return {f"{key}.{part}": [text] for part, text in value.items()}
        case "money":
            return {key: [str(value.amount)], "currency": [value.currency]}
        case "datetime":
            moment = local(value, ZONE).replace(tzinfo=None)
            return {key: [moment.isoformat()]}
    return {key: [case.type.write_text(case.field, value, world.context("en"))]}


def _page(answer: Any) -> Page:
    assert answer.status_code == 200
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == []
    return page


@spared("children", "boolean", "rating", "secret", *FILES, *COMPUTED)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_bad_value_is_told_beside_its_control(world: typecases.World, name: str, lang: str) -> None:
    """A box is ticked or not, and a file is what was uploaded: neither can be filled in wrongly."""
    case, browser = world.cases[name], world.browser
    new = _page(browser.get(f"/app/{case.free}/new"))
    bad = "nobody of this name" if name in LINKED else _unreadable(case)
    kind = {f"{case.key}.entity": ["thing"]} if name == "any_link" else {}
    filled = {**new.form("name").values, "name": ["bad"], case.key: [bad], **kind}
    refused = browser.post(f"/app/{case.free}/new?lang={lang}", filled)
    text = refused.get_data(as_text=True)
    again = Page(text)
    assert refused.status_code == 422, again.said
    assert again.wrong == [] and again.form("name").values["name"] == ["bad"]
    note = re.search(rf'<div id="([^"]*\b{case.key}-note)">\s*<div class="wrong">(.*?)</div>\s*</div>', text, re.DOTALL)
    assert note is not None, again.said
    assert LABEL[lang] in note[2] and bool(CHINESE.search(note[2].replace(LABEL["zh"], ""))) == (lang == "zh")
    if name != "multi_choice":  # a group of boxes has no one control
        assert re.search(rf'aria-invalid="true" aria-describedby="{note[1]}"', text)
    if name not in ("choice", "multi_choice"):
        assert again.form("name").values[case.key][-1].replace("\r\n", "\n") == bad, "what was typed stays"


def _unreadable(case: Case) -> str:
    for text in ("{no such thing", "a\x07b", "x" * 300):
        try:
            case.type.read_text(case.field, text, case.world.context("en"))
        except ValueProblem:
            return text
    raise AssertionError("no text is refused")


def test_a_form_leaves_out_what_the_platform_gives(world: typecases.World) -> None:
    for name in COMPUTED:
        case = world.cases[name]
        assert case.key not in _page(world.browser.get(f"/app/{case.free}/new")).form("name").names


Test = Callable[[Any], bool]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@spared()
def test_every_operator_finds_exactly_the_right_records(world: typecases.World, name: str) -> None:
    case = world.cases[name]
    asked = list(_conditions(case))
    assert asked or name in BELOW
    for condition, test in asked:
        meant = {row.name for row in case.rows if test(_compared(case, row.value))}
        assert _named(case, condition) == meant, condition
    for condition, test in asked[:: max(1, len(asked) // 12)]:
        meant = {row.name for row in case.rows if not test(_compared(case, row.value))}
        assert _named(case, f"not ({condition})") == meant, f"not ({condition})"


@spared(*(name for name, each in registry.TYPES.items() if not each.stored))
def test_operators_that_make_no_sense_are_refused(world: typecases.World, name: str) -> None:
    case = world.cases[name]
    value = _literal(case, _compared(case, case.rows[0].value))
    for op in ("<", "in", "contains", "starts_with"):
        if op not in case.type.operators:
            condition = {"<": f"{case.key} < {value}", "in": f"{case.key} in [{value}]"}.get(
                op, f"{op}({case.key}, 'a')"
            )
            answer = world.api.get(f"/{case.kept}", where=condition)
            assert answer.status_code == 400, condition


def _named(case: Case, condition: str) -> set[str]:
    answer = case.world.api.get(f"/{case.kept}", where=condition, fields="name", limit=200)
    assert answer.status_code == 200, (condition, answer.get_data(as_text=True))
    return {each["name"] for each in answer.get_json()["data"]}


def _compared(case: Case, value: Any) -> Any:
    """What a value is to conditions and sorting."""
    if case.type.compared and value is not None:
        return case.type.comparable(value)
    if isinstance(value, Money):
        rate = RATE if value.currency == "USD" else Decimal(1)
        return (value.amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return value.id if isinstance(value, AnyLink) else value


def _conditions(case: Case) -> Iterator[tuple[str, Test]]:
    """Conditions with each operator of a type, and what they mean in plain Python."""
    key, operators = case.key, case.type.operators
    if not operators:
        return
    yield f"{key} == null", lambda value: value is None
    yield f"{key} != null", lambda value: value is not None
    values = [_compared(case, row.value) for row in case.rows if row.value is not None]
    if case.type.kind == "set":
        yield from _holding(case)
        return
    if case.type.kind == "json":
        return
    for other in [*values, *_near(case, values)]:
        text = _literal(case, other)
        if "==" in operators:
            yield f"{key} == {text}", _test(operator.eq, other, empty=False)
            yield f"{key} != {text}", _test(operator.ne, other, empty=True)
        for op, compare in _ORDER.items():
            if op in operators:
                yield f"{key} {op} {text}", _test(compare, other, empty=False)
    if "in" in operators:
        some = values[::2]
        texts = ", ".join(_literal(case, each) for each in some)
        yield f"{key} in [{texts}]", lambda value: value in some
        yield f"{key} in [{texts}, null]", lambda value: value is None or value in some
    for function in ("contains", "starts_with"):
        if function in operators:
            yield from _texts(case, function, values)


def _test(compare: Callable[[Any, Any], bool], other: Any, *, empty: bool) -> Test:
    """A comparison as it is meant: `empty` is what it is for a record without a value."""
    return lambda value: empty if value is None else compare(value, other)


def _texts(case: Case, function: str, values: list[str]) -> Iterator[tuple[str, Test]]:
    def matches(value: str, part: str) -> bool:
        return fold(part) in fold(value) if function == "contains" else fold(value).startswith(fold(part))

    parts = {part for each in values[:3] for part in (each, each[1:3], each[:4].upper(), each[-2:])}
    for part in sorted({*parts, "%", "_", "\\", "ß", "ß".upper(), "no such text"} - {""}):
        text = json.dumps(part, ensure_ascii=False)
        yield f"{function}({case.key}, {text})", _test(matches, part, empty=False)


def _holding(case: Case) -> Iterator[tuple[str, Test]]:
    """Conditions on what a set holds: options by key, tags whatever their case."""
    items = {item for row in case.rows for item in row.value or ()}
    for item in sorted(items):
        option = case.field.option(item)
        text = option.key if option is not None else item.upper()
        yield f"contains({case.key}, '{text}')", _test(operator.contains, item, empty=False)
    if not case.field.options:
        yield f"contains({case.key}, 'vi')", lambda value: False


def _near(case: Case, values: list[Any]) -> Iterator[Any]:
    """Values beside those that are stored: finer than the scale, between, beyond."""
    match case.type.kind:
        case "number":
            yield from (Decimal(each) + Decimal(1).scaleb(-7) for each in values[:2])
            yield from (Decimal("1e23"), Decimal("-1e23"))
        case "date":
            yield values[0] + dt.timedelta(days=1)
        case "datetime":
            yield values[0] + dt.timedelta(microseconds=1)
        case "text" if not case.field.options:
            yield from (values[0][:2], values[0].lower(), "~")


def _literal(case: Case, value: Any) -> str:
    """A value as it is written in a condition."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return format(Decimal(value), "f")
    if isinstance(value, dt.datetime):
        return f"'{value.isoformat()}'"
    if case.field.options and isinstance(value, str):
        option = case.field.option(value)
        return f"'{option.key if option else value}'"
    if case.name == "person_name":  # as people write it
        names = {case.type.comparable(row.value): row.value for row in case.rows if row.value is not None}
        value = case.type.write_text(case.field, names[value], case.world.context("en")) if value in names else value
    return json.dumps(value if isinstance(value, str) else str(value), ensure_ascii=False)


@spared()
@pytest.mark.parametrize("sign", ["", "-"])
def test_records_are_sorted_and_paged_by_every_type_that_can_be(world: typecases.World, name: str, sign: str) -> None:
    """Records without a value come last when the order rises and first when it falls."""
    case = world.cases[name]
    if not case.type.sortable:
        answer = world.api.get(f"/{case.kept}", sort=f"{sign}{case.key}")
        assert answer.status_code == 400 and answer.get_json()["problems"][0]["path"] == "sort"
        return
    found: list[str] = []
    after: str | None = None
    while True:
        more = {"after": after} if after is not None else {}
        page = world.api.get(f"/{case.kept}", sort=f"{sign}{case.key}", fields="name", limit=2, **more).get_json()
        found += [each["name"] for each in page["data"]]
        after = page["next"]
        if after is None:
            break
    ranked = [(row.value is None, _compared(case, row.value), row.id, row.name) for row in case.rows]
    known = sorted(each for each in ranked if not each[0])
    empty = sorted((each for each in ranked if each[0]), key=lambda each: each[2])
    rising = [each[3] for each in [*known, *empty]]
    assert found == (rising[::-1] if sign else rising)


@spared("datetime")
def test_values_are_counted_by_group_and_added_up(world: typecases.World, name: str) -> None:
    """Moments are grouped by their day, which depends on a zone: that has tests of its own."""
    case = world.cases[name]
    for wanted, allowed in (({"group": case.key}, case.type.groupable), ({"measures": f"sum({case.key})"}, None)):
        answer = world.api.get(f"/{case.kept}/aggregate", **wanted)
        able = case.type.summable if allowed is None else allowed
        assert answer.status_code == (200 if able else 400), answer.get_data(as_text=True)
        if able and allowed is not None:
            counts = [(case.parsed(each[case.key]), each["count"]) for each in answer.get_json()["data"]]
            values = [row.value for row in case.rows]
            assert sorted(counts, key=repr) == sorted({(each, values.count(each)) for each in values}, key=repr)
        elif able:
            [row] = answer.get_json()["data"]
            total = row[f"sum({case.key})"]
            total = total["amount"] if isinstance(total, dict) else total
            assert Decimal(total) == sum(_compared(case, each.value) for each in case.rows if each.value is not None)


@spared("children", "id", "secret", *FILES)
@pytest.mark.parametrize(("kind", "headers"), [("csv", "key"), ("xlsx", "label")])
def test_an_export_is_loaded_into_an_empty_twin(
    world: typecases.World, name: str, kind: Literal["csv", "xlsx"], headers: Literal["key", "label"], tmp_path: Path
) -> None:
    case = world.cases[name]
    for each in world.api.get(f"/{case.free}", limit=200).get_json()["data"]:
        assert world.api.delete(f"/{case.free}/{each['id']}").status_code == 200
    path = _exported(case, exporting.Sheet(kind, headers), tmp_path)
    report = _loaded(case, case.free, path, Options(mode="insert"))
    assert report.totals.created == len(case.rows)
    loaded = world.api.get(f"/{case.free}", limit=200).get_json()["data"]
    values = {each["name"]: case.parsed(case.stored(case.free, each["id"])) for each in loaded}
    assert values == {row.name: row.value for row in case.rows}


@spared("children", "secret", *FILES)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_that_is_loaded_again_changes_nothing(
    world: typecases.World, name: str, kind: Literal["csv", "xlsx"], tmp_path: Path
) -> None:
    case = world.cases[name]
    path = _exported(case, exporting.Sheet(kind), tmp_path, "id")
    report = _loaded(case, case.kept, path, Options(mode="update", by=("id",)))
    assert report.totals.unchanged == len(case.rows)


def _exported(case: Case, sheet: exporting.Sheet, folder: Path, *more: str) -> Path:
    path = folder / f"out.{sheet.kind}"
    currency = ("currency",) if case.entity().has_currency else ()
    fields = tuple(dict.fromkeys(("name", case.key, *currency, *more)))
    with kit.workspace(case.world.here.host, case.world.here.tenant, write=False) as ws:
        assert exporting.write(ws, Query(case.kept, fields=fields), path, sheet) == len(case.rows)
    return path


def _loaded(case: Case, entity: str, path: Path, options: Options) -> Report:
    here = case.world.here
    report = importing.load(here.host, here.tenant, PlatformActor(), entity, path, options)
    assert [each.reasons("en") for each in report.refused] == []
    return report


@spared("children", *COMPUTED)
def test_history_tells_what_was_and_what_is_by_todays_name(world: typecases.World, name: str) -> None:
    """Rows that live with a record have a history of their own."""
    case = world.cases[name]
    first, second = case.samples()[:2]
    made = world.api.made(case.free, **case.body("changing", first))
    path = f"/{case.free}/{made['id']}"
    assert world.api.patch(path, case.body("changing", second)).status_code == 200
    assert world.api.patch(path, {case.key: [] if name in BELOW else None}).status_code == 200
    emptied, changed, created = world.api.get(f"{path}/history").get_json()["data"]
    told = [_told(case, event) for event in (created, changed, emptied)]
    meant = [case.parsed(each) for each in (None, first, second, None)]
    assert told == list(itertools.pairwise(meant))
    page = _page(world.browser.get(f"/app{path}"))
    assert LABEL["en"] in page.said


def _told(case: Case, event: dict[str, Any]) -> tuple[Any, Any]:
    change = event["changes"][case.key]
    assert set(change) == {"before", "after"}
    return case.parsed(change["before"]), case.parsed(change["after"])


@spared()
def test_the_published_schema_takes_what_the_interface_takes(world: typecases.World, name: str) -> None:
    case = world.cases[name]
    schemas = world.openapi["components"]["schemas"]
    shown = schemas[f"{case.free}.read"]["properties"]
    assert case.key in shown
    for row in case.rows:
        _valid(world, shown[case.key], case.stored(case.kept, row.id))
    for form in ("create", "update"):
        sent = schemas[f"{case.free}.{form}"]["properties"]
        if case.computed:
            assert case.key not in sent
            continue
        for sample in (*case.samples(), None):
            assert _valid(world, sent[case.key], sample), sample
        for raw in filter(_is_json, case.type.refused(case.field)):
            if _valid(world, sent[case.key], raw):
                assert _code(case, raw) in BEYOND_SCHEMA.get(name, ()), raw


def _valid(world: typecases.World, schema: dict[str, Any], value: Any) -> bool:
    whole = {**schema, "components": world.openapi["components"]}
    return bool(jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value))


def _code(case: Case, raw: Any) -> str:
    with pytest.raises(ValueProblem) as refused:
        case.type.parse(case.field, raw)
    return str(refused.value.problem.code)


def test_amounts_of_another_currency_are_compared_in_the_tenants(world: typecases.World) -> None:
    case = world.cases["money"]
    foreign = [row for row in case.rows if row.value is not None and row.value.currency != CURRENCY]
    assert foreign and any(_compared(case, row.value) != row.value.amount for row in foreign)
