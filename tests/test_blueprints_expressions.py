"""The interpreter of expressions in the browser: letters, days and size; `tests/audit` compares all the rest."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from random import Random

import pytest

from metadata import folding
from metadata.expressions.browser import zone_table
from tests.audit.interpreter import MISSING, Interpreter, node, packed_size

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LETTERS = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Interpreter]:
    program = node()
    if program is None:
        pytest.skip(MISSING)
    with Interpreter(program) as found:
        yield found


@pytest.mark.parametrize("around", ["{}", "A{}Σ", "ΑΣ{}a"])
def test_every_letter_has_the_same_case_in_a_browser(interpreter: Interpreter, around: str) -> None:
    """Alone, and where a sigma could look at it to see whether a word ends."""
    size = 1024
    lines = [around.format(each) for each in LETTERS]
    texts = ["\n".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    expected = [[folding.lower(each), folding.upper(each), folding.fold(each)] for each in texts]
    found = interpreter.ask(texts=texts)
    assert [at * size for at, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b] == []


def test_a_case_that_is_younger_than_unicode_14_is_none_in_python_either() -> None:
    assert folding.lower("\u1c89\ua7dcA") == "\u1c89\ua7dca" and folding.upper("\u019b\u0264ß") == "\u019b\u0264SS"
    assert folding.lower("ΑΣ") == "ας".replace("ς", "σ") and folding.lower("ς") == "ς"


ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory", "posixrules"})


def test_a_moment_is_in_every_zone_on_the_same_day_in_a_browser(interpreter: Interpreter) -> None:
    """Around the changes of the clock, and anywhere."""
    random = Random(42)
    for name in (*random.sample(ZONES, 12), "Asia/Shanghai", "America/New_York", "Pacific/Apia", "Africa/Freetown"):
        table = zone_table(name)
        end = min(table[-1][0], 253402300800 - 86400)
        seconds = [random.randint(table[0][0] + 2 * 86400, end - 86400) for _ in range(200)]
        seconds += [second + shift for second, _ in table[1:-1] for shift in (-1, 0, 1, 3599, 86399)]
        moments = [EPOCH + dt.timedelta(seconds=each) for each in seconds if each < end]
        there = [each.astimezone(zoneinfo.ZoneInfo(name)) for each in moments]
        expected = [[each.date().isoformat(), str(each.hour * 10**12)] for each in there]
        asked = [str((each - EPOCH) // dt.timedelta(microseconds=1)) for each in moments]
        assert interpreter.ask(moments=asked, zone=table) == expected, name


def test_the_interpreter_is_small() -> None:
    program = node()
    if program is None:
        pytest.skip(MISSING)
    assert packed_size(program) < 6_000
