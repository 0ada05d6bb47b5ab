"""The functions of the expression language on PostgreSQL: `docs/expressions.md` in SQL, in the schema `platform`.

Each is pure and total: whatever it is given, it answers or is NULL and never fails, whichever branch is folded into a
plan beforehand. So numbers are brought into the range of an argument before they are cast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import orjson

from metadata.expressions.functions import LONGEST_TEXT
from metadata.folding import lower, upper

_BLANKS = "E' \\t\\n\\r'"
_FIRST, _LAST = "DATE '0001-01-01'", "DATE '9999-12-31'"
_MONTH = "(extract(year FROM $1)::integer * 12 + extract(month FROM $1)::integer - 1)"
_BEFORE = "-62135596800 - extract(epoch FROM $1)::numeric"
_AFTER = "253402300799.999999 - extract(epoch FROM $1)::numeric"
"""Seconds from a moment to the first one of the calendar, and to the last."""

_NUMBERS = (
    # A result: rounded half away from zero to 12 places, empty out of range.
    (
        "x_number(numeric)",
        "numeric",
        "CASE WHEN abs(round($1, 12)) < 1000000000000000000000000 THEN round($1, 12) END",
    ),
    ("x_add(numeric, numeric)", "numeric", "platform.x_number($1 + $2)"),
    ("x_subtract(numeric, numeric)", "numeric", "platform.x_number($1 - $2)"),
    ("x_multiply(numeric, numeric)", "numeric", "platform.x_number($1 * $2)"),
    # The quotient of whole numbers is exact, so that it is rounded once: `/` would round to places of its own choice.
    (
        "x_divide(numeric, numeric)",
        "numeric",
        "CASE WHEN $2 <> 0 THEN platform.x_number(sign($1) * sign($2)"
        " * div(2000000000000 * abs($1) + abs($2), 2 * abs($2)) * 0.000000000001) END",
    ),
    ("x_remainder(numeric, numeric)", "numeric", "CASE WHEN $2 <> 0 THEN $1 % $2 END"),
    (
        "x_round(numeric, numeric)",
        "numeric",
        "CASE WHEN abs(trunc($2)) <= 12"
        " THEN platform.x_number(round($1, greatest(least(trunc($2), 12), -12)::integer)) END",
    ),
    ("x_round(numeric)", "numeric", "platform.x_number(round($1))"),
    ("x_floor(numeric)", "numeric", "platform.x_number(floor($1))"),
    ("x_ceil(numeric)", "numeric", "platform.x_number(ceil($1))"),
    # As a column of so many places holds it; empty where a column of SQLite would have no room for its digits.
    (
        "x_fitted(numeric, integer)",
        "numeric",
        "CASE WHEN abs(round($1, $2)) < 9223372036854775808 * power(10::numeric, -$2) THEN round($1, $2) END",
    ),
    # The whole part, as an argument of the functions of the database.
    ("x_whole(numeric)", "integer", "greatest(least(trunc($1), 100000000), -100000000)::integer"),
)
_TEXTS = (
    ("x_text(text)", "text", f"CASE WHEN char_length($1) BETWEEN 1 AND {LONGEST_TEXT} THEN $1 END"),
    ("x_length(text)", "numeric", "char_length($1)::numeric"),
    ("x_trim(text)", "text", f"platform.x_text(btrim($1, {_BLANKS}))"),
    ("x_left(text, numeric)", "text", "platform.x_text(left($1, greatest(platform.x_whole($2), 0)))"),
    ("x_right(text, numeric)", "text", "platform.x_text(right($1, greatest(platform.x_whole($2), 0)))"),
    (
        "x_substring(text, numeric)",
        "text",
        "platform.x_text(substr($1, greatest(platform.x_whole($2), 1)))",
    ),
    (
        "x_substring(text, numeric, numeric)",
        "text",
        "platform.x_text(substr($1, greatest(platform.x_whole($2), 1), greatest(platform.x_whole($3), 0)))",
    ),
    # The length is known before the text is made: a short one could become one of gigabytes.
    (
        "x_replace(text, text, text)",
        "text",
        "CASE WHEN $2 = '' THEN platform.x_text($1) WHEN char_length($1)::bigint"
        " + (char_length($1) - char_length(replace($1, $2, ''))) / char_length($2)"
        f" * (char_length($3) - char_length($2))::bigint <= {LONGEST_TEXT}"
        " THEN platform.x_text(replace($1, $2, $3)) END",
    ),
    ("x_text_of(numeric)", "text", "trim_scale($1)::text"),
    ("x_text_of(date)", "text", "to_char($1, 'YYYY-MM-DD')"),
    ("x_text_of(timestamptz)", "text", """to_char(timezone('UTC', $1), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""),
    ("x_text_of(boolean)", "text", "CASE WHEN $1 THEN 'true' ELSE 'false' END"),
    ("x_text_of(uuid)", "text", "$1::text"),
    ("x_text_of(text)", "text", "platform.x_text($1)"),
    (
        "x_number_of(text)",
        "numeric",
        f"CASE WHEN btrim($1, {_BLANKS}) COLLATE \"C\" ~ '^-?[0-9]{{1,24}}(\\.[0-9]{{1,12}})?$'"
        f" THEN btrim($1, {_BLANKS})::numeric END",
    ),
    ("x_ends(text, text)", "boolean", "right($1, char_length($2)) = $2"),
)
_DATES = (
    ("x_day(date)", "date", f"CASE WHEN $1 BETWEEN {_FIRST} AND {_LAST} THEN $1 END"),
    ("x_date(timestamptz, text)", "date", "platform.x_day(timezone($2, $1)::date)"),
    (
        "x_hour(timestamptz, text)",
        "numeric",
        f"CASE WHEN timezone($2, $1)::date BETWEEN {_FIRST} AND {_LAST} THEN extract(hour FROM timezone($2, $1)) END",
    ),
    ("x_year(date)", "numeric", "extract(year FROM $1)"),
    ("x_quarter(date)", "numeric", "extract(quarter FROM $1)"),
    ("x_month(date)", "numeric", "extract(month FROM $1)"),
    ("x_day_of(date)", "numeric", "extract(day FROM $1)"),
    ("x_weekday(date)", "numeric", "extract(isodow FROM $1)"),
    ("x_start_of_week(date)", "date", "$1 - (extract(isodow FROM $1)::integer - 1)"),
    ("x_start_of_month(date)", "date", "$1 - (extract(day FROM $1)::integer - 1)"),
    ("x_end_of_month(date)", "date", "(date_trunc('month', $1::timestamp) + INTERVAL '1 month')::date - 1"),
    ("x_start_of_quarter(date)", "date", "date_trunc('quarter', $1::timestamp)::date"),
    ("x_start_of_year(date)", "date", "date_trunc('year', $1::timestamp)::date"),
    # What is added is kept within the calendar before it is tried: dates of the database begin in 4713 BC.
    (
        "x_add_days(date, numeric)",
        "date",
        f"CASE WHEN trunc($2) BETWEEN {_FIRST} - $1 AND {_LAST} - $1"
        f" THEN $1 + least(greatest(platform.x_whole($2), {_FIRST} - $1), {_LAST} - $1) END",
    ),
    (
        "x_add_months(date, numeric)",
        "date",
        f"CASE WHEN trunc($2) BETWEEN 12 - {_MONTH} AND 119999 - {_MONTH} THEN ($1 + make_interval(months =>"
        f" least(greatest(platform.x_whole($2), 12 - {_MONTH}), 119999 - {_MONTH})))::date END",
    ),
    ("x_days_between(date, date)", "numeric", "($2 - $1)::numeric"),
    (
        "x_months_between(date, date)",
        "numeric",
        "CASE WHEN $1 <= $2 THEN platform.x_months($1, $2) ELSE -platform.x_months($2, $1) END",
    ),
    (
        "x_add_hours(timestamptz, numeric)",
        "timestamptz",
        # Whole seconds of ten thousand years are exact as floating numbers, and so are they times a million.
        f"CASE WHEN round($2 * 3600) BETWEEN {_BEFORE} AND {_AFTER}"
        f" THEN $1 + INTERVAL '1 second' * least(greatest(round($2 * 3600), {_BEFORE}), {_AFTER})::float8 END",
    ),
    (
        "x_hours_between(timestamptz, timestamptz)",
        "numeric",
        "platform.x_divide((extract(epoch FROM $2) - extract(epoch FROM $1))::numeric, 3600)",
    ),
    # How often a month fits between two days, the first of which is not the later one.
    (
        "x_months(date, date)",
        "numeric",
        "(SELECT n - CASE WHEN ($1 + make_interval(months => n))::date > $2 THEN 1 ELSE 0 END"
        " FROM (SELECT (extract(year FROM $2) - extract(year FROM $1))::integer * 12"
        " + (extract(month FROM $2) - extract(month FROM $1))::integer AS n) AS o)::numeric",
    ),
)


def _extremes() -> Iterable[tuple[str, str, str]]:
    for kind, collate in (("numeric", ""), ("date", ""), ("timestamptz", ""), ("text", ' COLLATE "C"')):
        yield f"x_least({kind}, {kind})", kind, f"CASE WHEN $1{collate} <= $2 THEN $1 ELSE $2 END"
        yield f"x_greatest({kind}, {kind})", kind, f"CASE WHEN $1{collate} >= $2 THEN $1 ELSE $2 END"


def language_functions() -> str:
    """The SQL that makes them all but `x_lower` and `x_upper`."""
    # In plpgsql: a simple expression costs it far less than a function of SQL that is not taken into the plan.
    made = [*_NUMBERS, *_TEXTS, *_DATES, *_extremes()]
    return "".join(
        f"CREATE OR REPLACE FUNCTION platform.{name} RETURNS {gives} LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE"
        f" AS $$ BEGIN RETURN {body}; END $$;\n"
        for name, gives, body in made
    )


# -- letters

ICU = 'COLLATE "und-x-icu"'
CASES = f"""
SELECT * FROM (
  SELECT i, lower(chr(i) {ICU}) AS lowered, upper(chr(i) {ICU}) AS uppered FROM generate_series(1, 131071) AS i
  WHERE i NOT BETWEEN 55296 AND 57343 OFFSET 0
) AS made WHERE lowered <> chr(i) OR uppered <> chr(i)
"""
"""What ICU makes of single characters."""


def case_functions(cases: Iterable[tuple[int, str, str]]) -> str:
    """The SQL of `x_lower` and `x_upper`: letter by letter as `metadata.folding` does, whatever Unicode ICU knows.

    ICU does it where both agree; a text with a letter on which they differ is put together from single ones.
    """
    lowered, uppered = {}, {}
    for point, without, with_ in cases:
        lowered[chr(point)], uppered[chr(point)] = without, with_
    # A capital sigma is the only letter of which ICU makes another one at the end of a word.
    made = (
        ("x_lower", f"lower(replace($1, 'Σ', 'σ') {ICU})", lowered, lower),
        ("x_upper", f"upper($1 {ICU})", uppered, upper),
    )
    return "".join(
        f"CREATE OR REPLACE FUNCTION platform.{name}(text) RETURNS text"
        f" LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN platform.x_text({_corrected(body, known, case)});\n"
        for name, body, known, case in made
    )


def _corrected(body: str, known: Mapping[str, str], case: Callable[[str], str]) -> str:
    """The body, but for texts with letters of which ICU makes something else."""
    wrong = {letter: other for letter, other in _made(case) if known.get(letter, letter) != other}
    if not wrong:
        return body
    of_each = body.replace("$1", "c")
    return (
        f'CASE WHEN $1 COLLATE "C" !~ {_quoted("[" + "".join(wrong) + "]")} THEN {body} ELSE (SELECT string_agg('
        f"coalesce({_quoted(orjson.dumps(wrong).decode())}::jsonb ->> c, {of_each}), '' ORDER BY n)"
        f" FROM unnest(string_to_array($1, NULL)) WITH ORDINALITY AS s(c, n)) END"
    )


@cache
def _made(case: Callable[[str], str]) -> Sequence[tuple[str, str]]:
    """Every letter that some script writes in two cases, and more: beyond are ideographs."""
    letters = map(chr, (*range(1, 0xD800), *range(0xE000, 0x20000)))
    return [(each, case(each)) for each in letters]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
