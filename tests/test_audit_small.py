"""The audit with small counts, and that what looks for hits finds them."""

from __future__ import annotations

from random import Random

import pytest
from flask import Response
from werkzeug.test import TestResponse

from tests.audit import differential, injections, permissions, random_expressions, recompute, simulation, tenants
from tests.audit.hits import formulas, hits
from tests.audit.interpreter import MISSING, node
from tests.audit.payloads import DONE, FAMILIES, MARK, corpus
from tests.audit.sides import UNKNOWN
from tests.bench.figures import Figures


def test_expressions_are_answered_alike_four_ways(postgres: str, capsys: pytest.CaptureFixture[str]) -> None:
    if node() is None:
        pytest.skip(MISSING)
    figures = Figures(word="audit")
    differential.measure(figures, count=80, seed=7, rows=30)
    assert figures.missed == [], capsys.readouterr().out


def test_a_difference_is_told_and_only_a_form_may_leave_an_answer_to_the_server() -> None:
    model = random_expressions.model()
    expression = random_expressions.made(model, Random(1))
    tally = differential.Tally()
    tally.compare("sqlite", expression, [True, None], [True, False])
    tally.compare("sqlite", expression, [True], [UNKNOWN])
    tally.compare("browser", expression, [True], [True])
    tally.compare("browser", expression, [True], [UNKNOWN])
    tally.compare("browser", expression, [True], None)
    assert len(tally.differing) == 2 and tally.left_out["browser"] == 1 and tally.compared["browser"] == 1


def test_hostile_texts_do_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures(judge=False, word="audit")
    injections.measure(figures, count=28, seed=7)
    assert figures.missed == [], capsys.readouterr().out


def test_nobody_gets_in_where_he_must_not(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures(word="audit")
    tenants.measure(figures, "sqlite", seed=7, small=True)
    assert figures.missed == [], capsys.readouterr().out


def test_sums_are_exact_whoever_writes_at_the_same_time(postgres: str, capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures(judge=False, word="audit")
    recompute.measure(figures, seed=7, small=True)
    assert figures.missed == [], capsys.readouterr().out


def test_rights_are_as_written_and_nothing_else_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures(word="audit")
    permissions.measure_worlds(figures, count=2, seed=7)
    permissions.measure_pairs(figures, count=4, seed=7)
    assert figures.missed == [], capsys.readouterr().out


def test_a_simulation_leaves_everything_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures(word="audit")
    simulation.measure(figures, count=300, seed=7, database="sqlite")
    assert figures.missed == [], capsys.readouterr().out


def test_there_are_many_hostile_texts_and_every_run_can_be_repeated() -> None:
    assert len(corpus(1)) > 1_500 and len({each.text for each in corpus(1)}) > 1_500
    assert corpus(1) == corpus(1) != corpus(2)
    assert {each.family for each in corpus(3, 7)} == set(FAMILIES)


def _answer(text: str, kind: str = "text/html", status: int = 200, **headers: str) -> TestResponse:
    made = Response(text, status, headers, content_type=kind)
    return TestResponse(made.response, made.status, made.headers, None)  # type: ignore[arg-type]


def _marked() -> TestResponse:
    """An answer with a header that a text has made."""
    made = _answer("")
    made.headers[f"X-{MARK}"] = "1"
    return made


@pytest.mark.parametrize(
    "answer",
    [
        _answer("sorry", status=500),
        _answer("sqlite3.OperationalError: no such column: x", "application/json", 400),
        _answer(f"<p>{DONE}</p>"),
        _answer(f"<p><{MARK}></p>"),
        _answer(f"<script>{MARK}()</script>"),
        _answer("<img src=x onerror=x()>"),
        _answer(f'<a href="java\tscript:{MARK}()">x</a>'),
        _answer(f'<p title="" {MARK}="1">x</p>'),
        _answer(f"<{MARK}>", "application/json"),
        _answer("root:x:0:0:root:/root:/bin/bash", "text/plain"),
        _answer("", status=303, Location="//evil.example/"),
        _answer("", status=303, Location="/\\evil.example/"),
        _marked(),
    ],
)
def test_a_hit_is_seen(answer: TestResponse) -> None:
    assert list(hits(answer))


def test_what_is_shown_as_text_is_no_hit() -> None:
    page = f'<p title="&lt;{MARK}&gt;">&lt;script&gt;{MARK}()&lt;/script&gt;</p><a href="/app?q=%3C{MARK}%3E">x</a>'
    assert list(hits(_answer(page, status=303, Location="/app/case"))) == []
    assert list(formulas(iter(["=1+1", "@x", "\t=1", "-1+1"]))) and not list(formulas(iter(["-12.5", "'=1", "x=1"])))


def test_the_matrix_says_who_must_not_get_in(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is a request that would be a hole."""
    from blueprints.policies import API, PAGE

    read = tenants.Attempt("GET", "/api/v1/<entity>/<id>", "api.get", API, "case")
    write = tenants.Attempt("PATCH", "/api/v1/<entity>/<id>", "api.update", API, "case")
    page = tenants.Attempt("GET", "/app/<entity>/<id>", "app.show", PAGE, "vault")
    for attempt, caller, variant in (
        (read, "anonymous", "own"),
        (read, "operator", "own"),
        (read, "admin", "other"),
        (read, "admin", "random"),
        (read, "nobody", "own"),
        (write, "reader", "own"),
        (write, "token", "own"),
        (page, "token", "own"),
        (page, "manager", "own"),
    ):
        assert tenants.unexpected(attempt, caller, variant), (attempt.rule, caller, variant)  # type: ignore[arg-type]
    for attempt, caller in ((read, "reader"), (read, "token"), (write, "own"), (page, "admin")):
        assert tenants.unexpected(attempt, caller, "own") is None
