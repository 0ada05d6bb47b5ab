"""Every field type, by the registry: what it takes, what it refuses, and that its schema says the same."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from metadata.fieldtypes import defaults, registry
from metadata.fieldtypes.base import FieldType, TextContext, ValueProblem
from metadata.fieldtypes.choices import is_retired
from metadata.fieldtypes.secrets import KEPT
from metadata.model import Field, Option
from metadata.money import Money
from metadata.problems import KINDS

OPTIONS = (
    Option("new", "new", {"en": "New", "zh": "新建"}),
    Option("won", "closed_won", {"en": "Won, signed", "zh": "赢单，已签"}),
    Option("old", "old", {"en": "Old", "zh": "旧的"}, retired=True),
    Option("same", "same", {"en": "new", "zh": "新建"}),
)

VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "text": ({}, {"max": 10}, {"min": 3, "max": 3}, {"min": 1}, {"required": True}),
    "long_text": ({}, {"max": 40, "min": 2}),
    "integer": ({}, {"min": 0, "max": 5}, {"min": -3}),
    "decimal": ({}, {"scale": 0}, {"scale": 12}, {"min": 0}, {"min": "-1.5", "max": "99.25", "scale": 4}),
    "money": ({}, {"min": 0}, {"min": -10, "max": "100.5"}),
    "percent": ({}, {"min": 0, "max": 100}),
    "phone": ({}, {"region": "US"}),
    "sequence": ({}, {"format": "OPP-{yyyy}{mm}-{seq:5}"}),
    "tags": ({}, {"required": True}),
    "multi_choice": ({}, {"required": True}),
    "any_link": ({}, {"names": {"account": "customer"}}),
    "address": ({}, {"country": "US"}),
    "barcode": tuple({"symbology": each} for each in ("code128", "code39", "ean13", "ean8", "upca", "qr")),
    "duration": ({}, {"unit": "hours"}, {"min": 60, "max": 7200}),
    "files": ({}, {"max": 2}, {"required": True}),
    "rating": ({}, {"max": 10}),
    "region": ({}, {"level": "province"}, {"level": "city"}, {"level": "district"}),
    "rich_text": ({}, {"max": 300}),
    "secret": ({}, {"max": 40}),
}

BEYOND_SCHEMA: dict[str, set[str]] = {
    # What a schema cannot say, and `parse` refuses: lengths after composing (NFC).
    "text": {"value_too_short", "value_too_long"},
    "long_text": {"value_too_short", "value_too_long"},
    "sequence": {"value_too_long"},
    "tags": {"value_tag"},
    # A bound on a number that is written as text.
    "decimal": {"value_too_small", "value_too_large"},
    "percent": {"value_too_small", "value_too_large"},
    "money": {"value_too_small", "value_too_large", "value_unknown_currency"},
    # Which numbers exist; the first and last hours of the calendar in another zone; sizes of free data.
    "phone": {"value_not_phone"},
    "datetime": {"value_not_datetime"},
    # Which divisions, countries and check digits there are; HTML that grows when it is sanitised.
    "region": {"value_unknown_region", "value_region_level"},
    "address": {"value_address_country", "value_address_region", "value_address_part"},
    "person_name": {"value_person_name_part"},
    "barcode": {"value_barcode_check"},
    "rich_text": {"value_too_long"},
    "json": {"value_json_number", "value_json_text", "value_json_too_deep", "value_json_too_large"},
}


def judge(schema: Mapping[str, Any], raw: Any) -> bool | None:
    """Whether a value is valid, by a validator that knows the standard's patterns and formats; None if no JSON."""
    try:
        return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True).is_valid(raw)
    except (ValueError, UnicodeError):
        return None  # half characters and numbers without end, which no JSON text can hold


def field_of(type_name: str, **props: Any) -> Field:
    required = props.pop("required", False)
    return Field(
        id="x",
        key="x",
        type=type_name,
        label={"en": "Thing", "zh": "东西"},
        required=required,
        options=OPTIONS if "choice" in type_name else (),
        to=("account", "contact") if "link" in type_name else (),
        props=props,
    )


def fields() -> Iterator[Field]:
    for name in registry.TYPES:
        for props in VARIANTS.get(name, ({},)):
            yield field_of(name, **props)


def named(field: Field) -> str:
    props = "-".join(f"{key}_{value}" for key, value in field.props.items())
    return f"{field.type}-{props}{'-required' if field.required else ''}"


every_field = pytest.mark.parametrize("field", list(fields()), ids=named)
CONTEXTS = [TextContext(lang, zone, "CNY") for lang in ("en", "zh") for zone in ("Asia/Shanghai", "America/New_York")]


def refusal(type_: FieldType, field: Field, raw: Any) -> ValueProblem | None:
    try:
        type_.parse(field, raw)
    except ValueProblem as problem:
        return problem
    return None


def values(field: Field) -> list[Any]:
    return [registry.of(field).parse(field, each) for each in registry.of(field).samples(field)]


@every_field
def test_every_type_has_two_samples_that_it_takes(field: Field) -> None:
    found = values(field)
    assert len(found) >= (1 if field.props.get("min") == field.props.get("max") == 3 else 2)
    assert all(each is not None for each in found)


@every_field
def test_what_is_written_out_is_read_in_again(field: Field) -> None:
    type_ = registry.of(field)
    for value in values(field):
        assert type_.parse(field, type_.dump(field, value)) == (KEPT if type_.concealed else value)
    assert type_.parse(field, None) is None
    assert type_.dump(field, None) is None


@every_field
@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: f"{context.language}-{context.timezone}")
def test_an_exported_cell_is_read_in_again(field: Field, context: TextContext) -> None:
    type_ = registry.of(field)
    if field.type == "children" or type_.concealed:
        return  # rows of their own, exported as a file of their own; what no file may hold
    for value in values(field):
        read = type_.read_text(field, type_.write_text(field, value, context), context)
        if isinstance(value, Money):
            assert read == value or (read.amount == value.amount and value.currency == context.currency)
        else:
            assert read == value
    assert type_.read_text(field, "  ", context) is None
    assert type_.write_text(field, None, context) == ""
    assert type_.show(field, None, context) == ""


@every_field
def test_values_are_shown_and_searched_without_failing(field: Field) -> None:
    type_ = registry.of(field)
    for value in values(field):
        assert type_.show(field, value, CONTEXTS[0])
        assert all(isinstance(each, str) for each in type_.tokens(field, value))
    assert type_.tokens(field, None) == ()


@every_field
def test_a_refusal_has_a_message_with_the_label_in_both_languages(field: Field) -> None:
    type_ = registry.of(field)
    assert type_.refused(field)
    for raw in type_.refused(field):
        problem = refusal(type_, field, raw)
        assert problem is not None, raw
        english, chinese = problem.problem.message("en"), problem.problem.message("zh")
        assert "Thing" in english and "东西" in chinese, problem.problem.code
        assert english.endswith((".", "}")) and chinese.endswith(("。", "。"))


@every_field
def test_the_schema_is_valid_and_takes_the_samples(field: Field) -> None:
    type_ = registry.of(field)
    schema = type_.json_schema(field)
    Draft202012Validator.check_schema(schema)
    for raw in type_.samples(field):
        assert judge(schema, raw), raw
    for raw in type_.refused(field):
        problem = refusal(type_, field, raw)
        assert not judge(schema, raw) or (problem and problem.problem.code in BEYOND_SCHEMA[field.type]), raw


@pytest.mark.parametrize("type_", registry.TYPES.values(), ids=lambda each: each.name)
def test_the_properties_of_a_type_are_json_schema(type_: FieldType) -> None:
    for rule in type_.properties.values():
        Draft202012Validator.check_schema(rule)
        assert rule.get("description") or rule.get("type") or rule.get("anyOf")


@every_field
def test_a_stored_type_says_its_columns(field: Field) -> None:
    type_ = registry.of(field)
    columns = type_.columns(field)
    assert bool(columns) == type_.stored
    if columns:
        assert columns[0].suffix == "" and all(each.suffix.startswith("__") for each in columns[1:])


CHARACTERS = st.characters(codec=None)
TEXTS = st.text(CHARACTERS, max_size=12) | st.text("09.-+ eE,", max_size=24) | st.text("ab@./:\n\t 　é,;", max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def near(field: Field) -> st.SearchStrategy[Any]:
    """Values close to what the type takes: samples, samples spoilt, texts of its own pattern."""
    type_ = registry.of(field)
    samples = st.sampled_from([*type_.samples(field), *type_.refused(field)])
    found = [samples, samples.map(lambda each: [each]), samples.flatmap(spoilt)]
    for each in _schemas(type_.json_schema(field)):
        if "pattern" in each:
            found.append(st.from_regex(each["pattern"]))
            found.append(st.from_regex(each["pattern"]).flatmap(spoilt))
        if "minimum" in each:
            found.append(st.integers(each["minimum"] - 2, each["maximum"] + 2))
    if field.type == "money":
        amounts = st.one_of(*found)
        code = st.sampled_from(["CNY", "JPY", "cny", "XQX", "CNY\n", "", 1])
        found.append(st.fixed_dictionaries({"amount": amounts}, optional={"currency": code}))
    if field.type in ("person_name", "address", "location"):
        names = st.sampled_from([*type_.json_schema(field)["properties"], "x"])
        found.append(st.dictionaries(names, st.one_of(*found), max_size=4))
    if field.type in ("tags", "links", "multi_choice", "files"):
        inner = st.one_of(*found) | st.sampled_from(["new", "won", "closed_won", "a", "A", " a "])
        found.append(st.lists(inner, max_size=5))
    return st.one_of(*found)


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    yield schema
    for each in schema.get("anyOf", ()):
        yield from _schemas(each)
    for each in (*schema.get("properties", {}).values(), schema.get("items")):
        if each:
            yield from _schemas(each)


def spoilt(raw: Any) -> st.SearchStrategy[Any]:
    if not isinstance(raw, str):
        return st.just(raw)
    cut = st.integers(0, len(raw))
    part = st.sampled_from(["", " ", "\n", "0", "-", ".", "a", "\x00", "٣", "é", "１", "\u2028"])
    return st.tuples(cut, part, cut).map(lambda each: raw[: each[0]] + each[1] + raw[each[2] :])


@every_field
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_parse_takes_exactly_what_the_schema_says(field: Field, data: st.DataObject) -> None:
    type_ = registry.of(field)
    raw = data.draw(ANY_JSON | near(field))
    if raw is None:
        return
    valid = judge(type_.json_schema(field), raw)
    problem = refusal(type_, field, raw)
    if problem is not None:
        assert not valid or problem.problem.code in BEYOND_SCHEMA.get(field.type, ()), (raw, problem)
    else:
        value = type_.parse(field, raw)
        assert valid or (field.required and value is None) or (valid is None and field.type == "children"), raw
        kept = KEPT if type_.concealed and value is not None else value
        assert type_.parse(field, type_.dump(field, value)) == kept or isinstance(raw, float)


@every_field
@settings(max_examples=150, deadline=None)
@given(text=st.text(CHARACTERS, max_size=30) | st.text("0123456789-/.: ,年月日TZ+%¥$CNY()万pm", max_size=30))
def test_any_text_typed_is_read_or_refused_in_words(field: Field, text: str) -> None:
    type_ = registry.of(field)
    for context in CONTEXTS[:2]:
        try:
            value = type_.read_text(field, text, context)
        except ValueProblem as problem:
            assert problem.problem.message("en") and problem.problem.message("zh")
        else:
            again = type_.read_text(field, type_.write_text(field, value, context), context)
            assert again == value or field.type in ("children", "money", "secret")


@settings(max_examples=200, deadline=None)
@given(moment=st.datetimes(timezones=st.just(dt.UTC)), lang=st.sampled_from(["en", "zh"]))
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "UTC", "No/Where"])
def test_every_moment_survives_a_cell(moment: dt.datetime, lang: str, zone: str) -> None:
    type_, field = registry.TYPES["datetime"], field_of("datetime")
    context = TextContext(lang, zone)
    assert type_.read_text(field, type_.write_text(field, moment, context), context) == moment
    assert type_.parse(field, type_.dump(field, moment)) == moment
    assert len(type_.show(field, moment, context)) == 16


def read(type_name: str, text: str, **props: Any) -> Any:
    field = field_of(type_name, **props)
    try:
        return registry.TYPES[type_name].read_text(field, text, CONTEXTS[0])
    except ValueProblem as problem:
        return problem.problem.code


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("time", "14:05", "14:05:00"),
        ("time", "2:05 pm", "14:05:00"),
        ("time", "下午2:05", "14:05:00"),
        ("time", "9点", "09:00:00"),
        ("time", "12 am", "00:00:00"),
        ("time", "14:05:30", "14:05:30"),
        ("time", "25:00", "value_unreadable_time"),
        ("time", "14:05Z", "value_unreadable_time"),
        ("duration", "1h 30m", 5400),
        ("duration", "1小时30分", 5400),
        ("duration", "１小时30分钟", 5400),
        ("duration", "1:30", 5400),
        ("duration", "1:30:15", 5415),
        ("duration", "90", 5400),
        ("duration", "1.5h", 5400),
        ("duration", "2 hours, 5 mins", 7500),
        ("duration", "30m 1h", "value_unreadable_duration"),
        ("duration", "soon", "value_unreadable_duration"),
        ("rating", "4/5", 4),
        ("rating", "★★★☆☆", 3),
        ("rating", "3星", 3),
        ("rating", "4/10", "value_unreadable_rating"),
        ("rating", "6", "value_too_large"),
        ("color", "1E90FF", "#1e90ff"),
        ("color", "#fa0", "#ffaa00"),
        ("color", "red", "value_not_color"),
        ("person_name", "Lovelace, Ada", {"family": "Lovelace", "given": "Ada"}),
        (
            "person_name",
            "Dr. Ada Lovelace Jr.",
            {"prefix": "Dr.", "family": "Lovelace", "given": "Ada", "suffix": "Jr."},
        ),
        ("person_name", "王小明", {"family": "王", "given": "小明"}),
        ("person_name", "诸葛亮先生", {"family": "诸葛", "given": "亮", "prefix": "先生"}),
        ("person_name", "Madonna", {"given": "Madonna"}),
        ("address", "广东省深圳市南山区科技园 1 号", {"country": "CN", "region": "440305", "street": "科技园 1 号"}),
        ("address", "1 Main St", {"country": "CN", "street": "1 Main St"}),
        ("region", "广东省深圳市南山区", "440305"),
        ("region", "广东 深圳 南山", "440305"),
        ("region", "Guangdong / Shenzhen / Nanshan", "440305"),
        ("region", "吉林省 / 吉林市", "220200"),
        ("region", "南山区", "value_ambiguous_region"),
        ("region", "Atlantis", "value_unreadable_region"),
        ("location", "22.5431,114.0579", {"lat": "22.5431", "lon": "114.0579"}),
        ("location", "33.9 S, 18.4 E", {"lat": "-33.9", "lon": "18.4"}),
        ("location", "geo:22.5431,114.0579", {"lat": "22.5431", "lon": "114.0579"}),
        ("location", "114.0579, 22.5431", "value_location_range"),
        ("location", "here", "value_unreadable_location"),
        ("integer", "1,234", 1234),
        ("integer", "１２３４", 1234),
        ("integer", " 1 234 ", 1234),
        ("integer", "12.0", 12),
        ("integer", "3万", 30_000),
        ("integer", "12.5", "value_too_many_decimals"),
        ("integer", "1,23", "value_unreadable_number"),
        ("integer", "1e5", "value_unreadable_number"),
        ("decimal", "(1,234.5)", Decimal("-1234.50")),
        ("decimal", "1.5万", Decimal("15000.00")),
        ("decimal", "−7.10", Decimal("-7.10")),
        ("decimal", "1.234,56", "value_unreadable_number"),
        ("decimal", "12.345", "value_too_many_decimals"),
        ("decimal", "1." + "0" * 40 + "1", "value_too_many_decimals"),
        ("decimal", "12.3400", Decimal("12.34")),
        ("percent", "10 %", Decimal("10.00")),
        ("percent", "12.5％", Decimal("12.50")),
        ("money", "¥1,200.5", Money(Decimal("1200.5"))),
        ("money", "-$12", Money(Decimal("-12"))),
        ("money", "1200元", Money(Decimal("1200"))),
        ("money", "1.2亿元", Money(Decimal("120000000"))),
        ("money", "USD 12.50", Money(Decimal("12.5"), "USD")),
        ("money", "12.50 EUR", Money(Decimal("12.5"), "EUR")),
        ("money", "RMB 5", Money(Decimal("5"), "CNY")),
        ("money", "12 XQX", "value_unknown_currency"),
        ("boolean", "是", True),
        ("boolean", "NO", False),
        ("boolean", "Ｙｅｓ", True),
        ("boolean", "maybe", "value_unreadable_boolean"),
        ("date", "2024-01-31", dt.date(2024, 1, 31)),
        ("date", "2024/1/31", dt.date(2024, 1, 31)),
        ("date", "2024年1月31日", dt.date(2024, 1, 31)),
        ("date", "20240131", dt.date(2024, 1, 31)),
        ("date", "31.12.2024", dt.date(2024, 12, 31)),
        ("date", "31/12/2024", dt.date(2024, 12, 31)),
        ("date", "12/31/2024", dt.date(2024, 12, 31)),
        ("date", "5/5/2024", dt.date(2024, 5, 5)),
        ("date", "1/2/2024", "value_ambiguous_date"),
        ("date", "Jan 31, 2024", dt.date(2024, 1, 31)),
        ("date", "31 January 2024", dt.date(2024, 1, 31)),
        ("date", "2024-01-31T00:00:00", dt.date(2024, 1, 31)),
        ("date", "2024-01-31 08:00", "value_date_has_time"),
        ("date", "2023-02-29", "value_unreadable_date"),
        ("date", "31.12.24", "value_unreadable_date"),
        ("datetime", "2024-01-31", dt.datetime(2024, 1, 30, 16, tzinfo=dt.UTC)),
        ("datetime", "2024-01-31 08:30", dt.datetime(2024, 1, 31, 0, 30, tzinfo=dt.UTC)),
        ("datetime", "2024/1/31 8:30:05", dt.datetime(2024, 1, 31, 0, 30, 5, tzinfo=dt.UTC)),
        ("datetime", "2024年1月31日 下午2:30", dt.datetime(2024, 1, 31, 6, 30, tzinfo=dt.UTC)),
        ("datetime", "2024年1月31日14时30分", dt.datetime(2024, 1, 31, 6, 30, tzinfo=dt.UTC)),
        ("datetime", "12/31/2024 2:30 PM", dt.datetime(2024, 12, 31, 6, 30, tzinfo=dt.UTC)),
        ("datetime", "2024-01-31T08:30:00Z", dt.datetime(2024, 1, 31, 8, 30, tzinfo=dt.UTC)),
        ("datetime", "2024-01-31T08:30:00.5+0100", dt.datetime(2024, 1, 31, 7, 30, 0, 500_000, tzinfo=dt.UTC)),
        ("datetime", "1/2/2024 08:00", "value_ambiguous_date"),
        ("datetime", "2024-01-31 25:00", "value_unreadable_datetime"),
        ("choice", "closed_won", "won"),
        ("choice", "赢单，已签", "won"),
        ("choice", "NEW", "new"),
        ("choice", "Closed", "value_unknown_option"),
        ("multi_choice", "old; new", ("new", "old")),
        ("multi_choice", "Won, signed", ("won",)),
        ("tags", "vip、east, VIP;new", ("vip", "east", "new")),
        ("email", " Ada@Example.COM ", "ada@example.com"),
        ("email", "ａｄａ＠example.com", "ada@example.com"),
        ("url", "www.example.com/a?b=1", "https://www.example.com/a?b=1"),
        ("url", "javascript:alert(1)", "value_not_url"),
        ("phone", "13800001111", "+8613800001111"),
        ("phone", "138-0000-1111", "+8613800001111"),
        ("phone", "+86 138 0000 1111", "+8613800001111"),
        ("phone", "0086 138 0000 1111", "+8613800001111"),
        ("phone", "（010）6552—9988 转 801", "+861065529988;ext=801"),
        ("phone", "电话：13800001111", "+8613800001111"),
        ("phone", "12345678901", "value_not_phone"),
    ],
)
def test_what_people_write_is_understood(type_name: str, text: str, expected: Any) -> None:
    assert read(type_name, text) == expected


def test_one_telephone_number_is_found_however_it_was_written() -> None:
    type_, field = registry.TYPES["phone"], field_of("phone")
    assert type_.tokens(field, "+8613800001111") == ("8613800001111", "13800001111")
    assert type_.show(field, "+8613800001111", CONTEXTS[0]) == "138 0000 1111"
    assert type_.show(field, "+12025550123", CONTEXTS[0]) == "+1 202-555-0123"


def test_lengths_count_what_is_stored() -> None:
    type_ = registry.TYPES["text"]
    assert refusal(type_, field_of("text", max=1), "\u0958") is not None
    assert refusal(type_, field_of("text", min=2), "e\u0301") is not None


def test_text_is_trimmed_composed_and_empty_when_blank() -> None:
    type_, field = registry.TYPES["text"], field_of("text")
    assert type_.parse(field, "  Cafe\u0301 ") == "Café"
    assert type_.parse(field, " \u3000 ") is None
    assert registry.TYPES["long_text"].parse(field_of("long_text"), "a\r\nb\rc\n") == "a\nb\nc"


def test_a_number_is_never_rounded_silently() -> None:
    type_, field = registry.TYPES["decimal"], field_of("decimal")
    assert type_.dump(field, type_.parse(field, "12.5")) == "12.50"
    assert type_.dump(field, type_.parse(field, "-0.00")) == "0.00"
    problem = refusal(type_, field, "12.505")
    assert problem is not None and problem.problem.code == "value_too_many_decimals"
    assert refusal(type_, field, 12.5) is not None
    assert type_.parse(field, 10**15) == Decimal(10**15)


def test_money_is_written_with_the_decimals_of_its_currency() -> None:
    type_, field = registry.TYPES["money"], field_of("money")
    assert type_.dump(field, Money(Decimal("12.5000"), "CNY")) == {"amount": "12.50", "currency": "CNY"}
    assert type_.dump(field, Money(Decimal("1200.0000"), "JPY")) == {"amount": "1200", "currency": "JPY"}
    assert type_.dump(field, Money(Decimal("1.5"), "KWD")) == {"amount": "1.500", "currency": "KWD"}
    assert type_.dump(field, Money(Decimal("0.0035"), "CNY")) == {"amount": "0.0035", "currency": "CNY"}
    assert type_.parse(field, 12) == Money(Decimal(12))
    assert type_.show(field, Decimal("-1234.5"), TextContext("zh", "UTC", "CNY")) == "-¥1,234.50"
    assert type_.show(field, Decimal("1234.5"), TextContext("en", "UTC", "CHF")) == "CHF\u00a01,234.50"


def test_a_choice_is_stored_by_id_and_written_by_key() -> None:
    type_, field = registry.TYPES["choice"], field_of("choice")
    assert type_.parse(field, "closed_won") == type_.parse(field, "won") == "won"
    assert type_.dump(field, "won") == "closed_won"
    problem = refusal(type_, field, "closed_wom")
    assert problem is not None and problem.problem.suggestion == "closed_won"
    assert is_retired(field, "old") and not is_retired(field, "won") and not is_retired(field, None)
    assert is_retired(field_of("multi_choice"), ("new", "old"))


def test_an_any_link_names_its_entity_by_todays_key() -> None:
    type_, field = registry.TYPES["any_link"], field_of("any_link", names={"account": "customer"})
    id = "018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70"
    value = type_.parse(field, {"entity": "customer", "id": id.upper()})
    assert (value.entity, value.id) == ("account", id)
    assert type_.dump(field, value) == {"entity": "customer", "id": id}


def test_free_data_that_was_frozen_is_taken_as_plain_data() -> None:
    from metadata.parts import frozen

    type_, field = registry.TYPES["json"], field_of("json")
    assert type_.parse(field, frozen({"a": [1, {"b": None}]})) == {"a": [1, {"b": None}]}
    assert read("json", "[" * 60_000) == "value_not_json"
    assert refusal(type_, field, math.nan) is not None


def test_descriptions_that_cannot_hold_are_found() -> None:
    def codes(type_name: str, **props: Any) -> list[str]:
        return [each.code for each in registry.TYPES[type_name].check(field_of(type_name, **props))]

    assert codes("text", min=5, max=3) == ["field_min_above_max"]
    assert codes("integer", min=5, max=3) == ["field_min_above_max"]
    assert codes("decimal", min="0.2", max="0.1") == ["field_min_above_max"]
    assert codes("phone", region="XX") == ["field_unknown_region"]
    assert codes("sequence", format="A-{yyyy}") == ["sequence_without_counter"]
    assert codes("money", min=0, max=1) == []
    assert [each.code for each in registry.TYPES["choice"].check(Field("a", "a", "choice", {"*": "A"}))] == [
        "field_no_options"
    ]


def test_defaults_may_be_words_that_are_resolved_when_a_record_is_made() -> None:
    now = dt.datetime(2027, 6, 30, 20, tzinfo=dt.UTC)

    def resolved(type_name: str, default: Any) -> Any:
        from dataclasses import replace

        return defaults.resolve_default(replace(field_of(type_name), default=default), now, "Asia/Shanghai", "u1")

    assert resolved("date", "today") == dt.date(2027, 7, 1)
    assert resolved("datetime", "now") == now
    assert resolved("user", "me") == "u1"
    assert resolved("choice", "closed_won") == "won"
    assert resolved("percent", 10) == Decimal("10.00")
    assert resolved("text", None) is None
    problem = defaults.check_default(Field("a", "a", "integer", {"*": "A"}, default="x"))
    assert problem is not None and problem.path == "default"


def test_every_kind_of_problem_is_said_in_both_languages() -> None:
    for code, kind in KINDS.items():
        if code.startswith(("value_", "field_", "sequence_")):
            assert set(kind.texts) == {"en", "zh"} and all(kind.texts.values()), code
