"""Expressions written out again: what is printed is understood as the very same, by keys and by ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.expressions.conditions import Condition, Joined, conditions_of
from metadata.expressions.conditions import text_of as filter_text
from metadata.expressions.parser import parse, read
from metadata.expressions.printing import text_of
from metadata.expressions.problems import ExpressionInvalid
from metadata.expressions.syntax import Binary
from metadata.expressions.tree import Expression
from tests.test_metadata_expressions import DEAL, ENTITIES, STAGES, field, understood

_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in (*range(32), 127)]), max_size=12
)
_ID = st.sampled_from(["018f2c3e-7a10-7d3f-9a51-0c2b6d1e4f70", "018F2C3E-7A10-7D3F-9A51-0C2B6D1E4F71"])
_NUMBER = st.one_of(
    st.integers(-(10**18), 10**18).map(str),
    st.decimals(-(10**9), 10**9, places=4).map(lambda each: format(each, "f")),
    st.sampled_from(["-0", "1e5", "2.50", "-.5"]),
)
_DATE = st.one_of(st.dates().map(lambda each: f"'{each.isoformat()}'"), st.just("$today"))
_MOMENT = st.one_of(
    st.datetimes().map(lambda each: f"'{each.isoformat()}'"),
    st.datetimes().map(lambda each: f"'{each.isoformat(timespec='seconds')}Z'"),
    st.sampled_from(["$now", "$today", "'2026-01-31'", "'2026-01-31T09:30+08:00'"]),
)
_STAGE = st.sampled_from(["won", "gone", "lost", "open"]).map(lambda each: f"'{each}'")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_PARTS = st.one_of(
    st.tuples(st.sampled_from(["size", "rate", "amount", "account.limit"]), st.sampled_from("== != < <= > >=".split()))
    .flatmap(lambda each: _NUMBER.map(lambda number: f"{each[0]} {each[1]} {number}")),
    st.tuples(_NUMBER, st.sampled_from(["<", ">=", "=="])).map(lambda each: f"{each[0]} {each[1]} size"),
    _TEXT.map(lambda each: f"name == {_quoted(each)}"),
    _TEXT.map(lambda each: f"contains(account.name, {_quoted(each)})"),
    _TEXT.map(lambda each: f"starts_with(name, {_quoted(each)})"),
    _TEXT.map(lambda each: f"contains(tags, {_quoted(each)})"),
    _STAGE.map(lambda each: f"contains(needs, {each})"),
    _STAGE.map(lambda each: f"stage != {each}"),
    st.lists(st.one_of(_STAGE, st.just("null")), min_size=1).map(lambda each: f"stage in [{', '.join(each)}]"),
    st.lists(_NUMBER, min_size=1, max_size=3).map(lambda each: f"size in [{', '.join(each)}]"),
    _DATE.map(lambda each: f"close >= {each}"),
    _MOMENT.map(lambda each: f"seen < {each}"),
    _ID.map(lambda each: f"account.owner == '{each}'"),
    st.sampled_from(
        ["active", "true", "false", "active == false", "owner == $user", "account.owner.name == name", "amount > cost",
         "extra == null", "tags != null", "size == null", "about != null", "mail == 'A@Example.com'",
         "secret_margin > 1", "name == 'a\\nb\\tc\\\\'", "name == '\\u00e9\\r'"]
    ),
)  # fmt: skip
_TEXTS = st.recursive(
    _PARTS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda each: f"({each[0]}) {each[1]} ({each[2]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda each: " ".join(each)),
        inner.map(lambda each: f"not ({each})"),
    ),
    max_leaves=8,
)


def same(one: Expression, other: Expression) -> bool:
    return (one.root, one.values, one.shape) == (other.root, other.values, other.shape)


@settings(max_examples=400, deadline=None)
@given(_TEXTS)
def test_what_is_printed_is_understood_as_the_same(text: str) -> None:
    found = understood(text)
    assert same(understood(text_of(found, ENTITIES.get)), found)
    assert same(understood(text_of(found, ENTITIES.get, ids=True)), found)


@pytest.mark.parametrize(
    ("text", "printed", "by_ids"),
    [
        ("stage=='gone' and (size>1 or size<0)", "stage == 'gone' and (size > 1 or size < 0)",
         "stage == 'lost' and (size > 1 or size < 0)"),
        ("5.50 < secret_margin", "secret_margin > 5.5", "margin > 5.5"),
        ("not active", "not (active)", "not (active)"),
        ("stage in ['won', null]", "stage in ['won', null]", "stage in ['won', null]"),
        ('name == "it\'s"', "name == 'it\\'s'", "name == 'it\\'s'"),
        ("seen >= '2026-01-31T09:30:00+08:00'", "seen >= '2026-01-31T01:30:00Z'", "seen >= '2026-01-31T01:30:00Z'"),
    ],
)  # fmt: skip
def test_it_reads_as_a_person_would_write_it(text: str, printed: str, by_ids: str) -> None:
    found = understood(text)
    assert text_of(found, ENTITIES.get) == printed
    assert text_of(found, ENTITIES.get, ids=True) == by_ids


def test_a_text_with_ids_means_the_same_after_fields_and_options_are_renamed() -> None:
    found = understood("stage == 'gone' and secret_margin > 3 and contains(needs, 'won')")
    kept = text_of(found, ENTITIES.get, ids=True)
    options = tuple(replace(each, key=f"{each.key}_now") for each in STAGES)
    fields = {id: replace(each, key=f"{each.key}_now") for id, each in DEAL.fields.items()}
    fields["stage"] = replace(fields["stage"], options=options)
    fields["needs"] = replace(fields["needs"], options=options)
    renamed = replace(DEAL, fields=fields, names={each.key: id for id, each in fields.items()})
    now = parse(kept, renamed, ENTITIES.get)
    assert same(now, found)
    assert (
        text_of(now, {**ENTITIES, "deal": renamed}.get)
        == "stage_now == 'gone_now' and secret_margin_now > 3 and contains(needs_now, 'won_now')"
    )


def test_a_key_that_is_another_ones_id_gives_way_to_the_id() -> None:
    swapped = replace(
        DEAL,
        fields={**DEAL.fields, "size": field("size", "integer", "deal", key="rate"),
                "rate": field("rate", "decimal", "deal", key="size")},
    )  # fmt: skip
    found = parse("rate > 1", swapped, ENTITIES.get)
    assert text_of(found, {"deal": swapped}.get) == "rate > 1"
    options = tuple(replace(each, key={"won": "lost", "lost": "won"}.get(each.id, each.key)) for each in STAGES)
    named = replace(DEAL, fields={**DEAL.fields, "stage": replace(DEAL.fields["stage"], options=options)})
    assert text_of(parse("stage == 'won'", named, ENTITIES.get), {"deal": named}.get) == "stage == 'won'"


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_a_filter_says_what_its_expression_said(text: str) -> None:
    found = conditions_of(understood(text), ENTITIES.get)
    if found is not None:
        again = conditions_of(understood(filter_text(found)), ENTITIES.get)
        assert again == found


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("stage == 'gone'", Joined("and", (Condition("stage", "text", "is", ("gone",)),))),
        (
            "stage in ['won', 'open'] and (size > 5 or not contains(name, 'x'))",
            Joined(
                "and",
                (
                    Condition("stage", "text", "is", ("won", "open")),
                    Joined(
                        "or",
                        (
                            Condition("size", "number", "more", ("5",)),
                            Condition("name", "text", "contains_not", ("x",)),
                        ),
                    ),
                ),
            ),
        ),
        (
            "account.owner == $user or close <= $today",
            Joined(
                "or",
                (
                    Condition("account.owner", "id", "is", ("$user",)),
                    Condition("close", "date", "at_most", ("$today",)),
                ),
            ),
        ),
        ("not active", Joined("and", (Condition("active", "boolean", "is_not", ("true",)),))),
        ("amount > cost", None),
        ("size == 1 and (size == 2 or (size == 3 and size == 4))", None),
        ("stage in ['won', null]", None),
        ("not (size == 1)", None),
    ],
)
def test_an_expression_becomes_the_filter_that_it_is(text: str, joined: Joined | None) -> None:
    assert conditions_of(understood(text), ENTITIES.get) == joined


@given(st.text(max_size=20))
def test_no_value_of_a_condition_gets_out_of_its_quotes(value: str) -> None:
    for kind in ("text", "number", "boolean", "date", "id"):
        text = filter_text(Joined("and", (Condition("name", kind, "is", (value,)),)))
        try:
            syntax = read(text)
        except ExpressionInvalid:
            continue
        assert isinstance(syntax, Binary) and syntax.op == "==" and not isinstance(syntax.right, Binary)
