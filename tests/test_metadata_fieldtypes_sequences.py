"""Formats of sequences: which can be read, in which period they count, what they print."""

from __future__ import annotations

import datetime as dt

import pytest

from metadata.fieldtypes.sequences import check_format, format_number, period_of

DAY = dt.date(2027, 6, 3)


@pytest.mark.parametrize(
    ("format", "period", "printed"),
    [
        ("OPP-{yyyy}{mm}-{seq:5}", "2027-06", "OPP-202706-00042"),
        ("{seq}", "", "42"),
        ("{yy}/{seq:3}", "2027", "27/042"),
        ("{dd}.{mm}.{yyyy} {seq:1}", "2027-06-03", "03.06.2027 42"),
        ("合同{yyyy}第{seq:2}号", "2027", "合同2027第42号"),
    ],
)
def test_a_number_is_printed_and_counted_in_its_period(format: str, period: str, printed: str) -> None:
    assert check_format(format) is None
    assert period_of(format, DAY) == period
    assert format_number(format, 42, DAY) == printed


def test_a_number_grows_when_its_digits_run_out() -> None:
    assert format_number("A{seq:2}", 123, DAY) == "A123"


@pytest.mark.parametrize(
    ("format", "code"),
    [
        ("OPP", "sequence_without_counter"),
        ("{seq}{seq:2}", "sequence_without_counter"),
        ("{seq:0}", "sequence_format"),
        ("{seq:13}", "sequence_format"),
        ("{year}-{seq}", "sequence_format"),
        ("{yyyy:2}-{seq}", "sequence_format"),
        ("{seq} {", "sequence_format"),
        ("{seq}\n", "sequence_format"),
        ("{mm}-{seq}", "sequence_period"),
        ("{yyyy}-{dd}-{seq}", "sequence_period"),
        ("x" * 70 + "{seq}", "sequence_too_long"),
    ],
)
def test_a_format_that_cannot_count_is_refused(format: str, code: str) -> None:
    problem = check_format(format)
    assert problem is not None and problem.code == code
    assert problem.message("en") and problem.message("zh")
