"""Ids grow, folding is one table, currencies have their decimals."""

from __future__ import annotations

import multiprocessing
import threading
import time
import uuid
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from metadata.folding import digits, fold, plain
from metadata.ids import is_uuid, short_id, uuid7
from metadata.money import CURRENCIES, amount_text, format_money, minor_units


def test_ids_are_uuid7_of_now_and_grow_strictly() -> None:
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))
    first = uuid.UUID(made[0])
    assert first.version == 7 and first.variant == uuid.RFC_4122 and str(first) == made[0]
    assert before <= first.int >> 80 <= time.time_ns() // 1_000_000
    assert is_uuid(made[0]) and not is_uuid(made[0] + "\n") and not is_uuid(7) and not is_uuid("x")


def test_ids_of_threads_and_forked_workers_differ() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(uuid7() for _ in range(2_000))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        found.extend(id for ids in pool.map(_ids, [500] * 4) for id in ids)
    assert len(set(found)) == len(found) == 18_000


def _ids(count: int) -> list[str]:
    return [uuid7() for _ in range(count)]


def test_short_ids_are_readable() -> None:
    assert len(short_id()) == 8 and len(short_id(12)) == 12
    assert not set("".join(short_id(50) for _ in range(20))) & set("01oil")


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_folding_knows_one_sigma() -> None:
    assert fold("ΟΔΟΣ") == fold("οδος") == "οδοσ"
    assert plain(" １２Ａ　") == "12A"
    assert digits("+86 (138) ００００-1111") == "8613800001111"


def test_amounts_have_the_decimals_of_their_currency() -> None:
    assert [minor_units(each) for each in ("CNY", "JPY", "KWD", None)] == [2, 0, 3, 2]
    assert all(len(each) == 3 and each.isupper() for each in CURRENCIES)
    assert amount_text(Decimal("-0.0000"), "CNY") == "0.00"
    assert amount_text(Decimal("1E+3"), "JPY") == "1000"
    assert format_money(Decimal("1234567.8"), "USD") == "$1,234,567.80"
    assert format_money(Decimal("-5"), "JPY", "zh") == "-JP¥5"
    assert format_money(Decimal("5"), None) == "5.00"
