"""Simulating a change on pages: edit one document, have the past replayed, read what would have differed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, redirect, request, url_for

from blueprints import context
from blueprints.api.simulations import linked, one
from blueprints.app.processes.looks import moment
from blueprints.app.reading import Reader, reader_of
from blueprints.app.shell import page
from blueprints.policies import PAGE, Route
from blueprints.texts import Words
from metadata.problems import PlatformError, Problem
from runtime.jobs import table as jobs
from runtime.simulating import job as simulations
from runtime.simulating.report import told
from runtime.workspace import Workspace

_SPANS = (7, 30, 90, 365)
_RUNNING = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Latest:
    """One of the simulations that somebody has asked for."""

    url: str
    at: str
    state: str
    documents: str


def process_simulations() -> Response:
    """The form; `?document=` opens one, `?from=` takes up what a simulation of one's own had."""

    def found(ws: Workspace) -> Response:
        given = request.args.get("from", "")
        if given:
            payload = one(ws, given).payload
            name, text = next(iter(payload["files"].items()))
            return _form(ws, name, text or "", str(payload["asked"].get("since", "")))
        known = simulations.documents(ws)
        name = request.args.get("document", "")
        name = name if name in known else next(iter(sorted(known, key=_order)), "")
        return _form(ws, name, known.get(name, ""))

    return context.perform(found)


def process_simulate() -> Response:
    """Have it replayed; what is wrong with the text is shown beside it."""
    name, text = request.form.get("document", ""), request.form.get("text", "").replace("\r\n", "\n")
    since = request.form.get("since", "")
    asked = {"since": since} if since else {}
    try:
        files = simulations.files_of({name: text})
        context.perform(lambda ws: simulations.check(ws, files, asked))
        id = context.perform(lambda ws: simulations.queue(ws, files, asked), write=True)
    except PlatformError as error:
        if error.status not in (400, 422):
            raise
        problems, status = error.problems, error.status
        return context.perform(lambda ws: _form(ws, name, text, since, problems, status))
    return make_response(redirect(url_for("app.process_simulation", id=id), 303))


def process_simulation(id: str) -> Response:
    """One simulation: how far it is, or its report."""

    def found(ws: Workspace) -> Response:
        reader, job = reader_of(ws), one(ws, id)
        report = simulations.report_of(ws, job)
        shown = None if report is None else linked(told(report, context.language()))
        return page(
            ws,
            "simulation.html",
            job=job,
            running=job.state in _RUNNING,
            progress=job.progress if "total" in job.progress else None,
            documents=", ".join(job.payload["files"]),
            report=shown,
            definitions=[] if shown is None else [_definition(reader, each) for each in shown["definitions"]],
            problems=_problems(job.error),
        )

    return context.perform(found)


def process_simulation_cancel(id: str) -> Response:
    """Stop it."""

    def command(ws: Workspace) -> None:
        jobs.cancel(ws, one(ws, id).id)

    context.perform(command, write=True)
    return make_response(redirect(url_for("app.process_simulation", id=id), 303))


def _form(
    ws: Workspace, name: str, text: str, since: str = "30d", problems: Sequence[Problem] = (), status: int = 200
) -> Response:
    reader = reader_of(ws)
    lang = context.language()
    return page(
        ws,
        "simulate.html",
        status,
        documents=[(each, each == name) for each in sorted(simulations.documents(ws), key=_order)],
        document=name,
        text=text,
        spans=[(f"{days}d", days, since == f"{days}d") for days in _SPANS],
        everything=since == "",
        longest=simulations.MOST_TEXT,
        problems=[(str(each.position or each.path), each.message(lang)) for each in problems],
        latest=[_latest(reader, each) for each in simulations.latest(ws)],
    )


def _order(name: str) -> tuple[bool, str]:
    """What decides of processes first, the platform's own packages last."""
    return name.startswith("core/"), name


def _latest(reader: Reader, job: Any) -> Latest:
    return Latest(
        url_for("app.process_simulation", id=job.id),
        moment(reader, job.created_at.isoformat()),
        reader.words(f"state_{job.state}"),
        ", ".join(job.payload["files"]),
    )


def _problems(error: Mapping[str, Any] | None) -> list[str]:
    lang = context.language()
    return [str(each["message"].get(lang, "")) for each in (error or {}).get("problems", ())]


# -- the report


def _definition(reader: Reader, each: Mapping[str, Any]) -> dict[str, Any]:
    samples = [_sample(reader, each["kind"], sample) for sample in each["samples"]]
    return {**each, "samples": samples}


def _sample(reader: Reader, kind: str, sample: Mapping[str, Any]) -> dict[str, Any]:
    sides = {
        name: [] if sample[name] is None else list(_does(reader.words, kind, sample[name]))
        for name in ("before", "after")
    }
    whys = (sample["after"] or {}).get("why") or (sample["before"] or {}).get("why") or []
    return {**sample, **sides, "at": moment(reader, sample["at"]), "whys": [each["root"] for each in whys]}


def _does(words: Words, kind: str, side: Mapping[str, Any]) -> Iterator[str]:
    """What a definition does with one save, line by line."""
    if kind == "rule":
        yield words.simulation_refused if side["refuses"] else words.simulation_not_refused
        if side["warns"]:
            yield words.simulation_warned
        for name in ("demands", "closed", "not_offered"):
            if side[name]:
                fields = ", ".join(each or words.simulation_something for each in side[name])
                yield words(f"simulation_{name}", fields=fields)
        for field, value in side["sets"].items():
            yield words("simulation_sets", field=field, value=_value(words, value))
        return
    yes, no = ("starts", "starts_not") if kind == "workflow" else ("asked", "asked_not")
    yield words(f"simulation_{yes if side['does'] else no}")
    for line in side["way"] or ():
        yield _step(words, line)


def _value(words: Words, value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("title") or value.get("amount") or words.simulation_hidden)
    return words.simulation_empty if value is None else str(value)


def _step(words: Words, line: Mapping[str, Any]) -> str:
    if "node" in line:
        people = ", ".join(each["name"] for each in line["people"]) or words.simulation_nobody
        return f"{line['node']}: {', '.join(line['ways']) if line['ways'] else people}"
    said = words(f"simulation_what_{line['what']}", way=line.get("way", ""))
    values = ", ".join(f"{name} = {_value(words, value)}" for name, value in line.get("values", {}).items())
    return ": ".join(each for each in (line.get("step", ""), said, values) if each)


ROUTES = (
    Route("/app/-/simulations", "GET", process_simulations, PAGE),
    Route("/app/-/simulations", "POST", process_simulate, PAGE),
    Route("/app/-/simulations/<id>", "GET", process_simulation, PAGE),
    Route("/app/-/simulations/<id>/cancel", "POST", process_simulation_cancel, PAGE),
)
