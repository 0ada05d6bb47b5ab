"""Hostile texts into every place that takes one: nothing fails, is carried out, becomes HTML or changes a row."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from metadata.compiler import compile_layers
from metadata.documents.package import read_text
from metadata.expressions.parser import parse
from metadata.expressions.problems import ExpressionInvalid
from metadata.model import Entity
from metadata.problems import PlatformError
from runtime.jobs.drain import drain
from tests import kit
from tests.audit import slots
from tests.audit.hits import formulas, hits
from tests.audit.payloads import Payload, corpus
from tests.audit.slots import ENTITY, VALUES, Target
from tests.bench.figures import Figures, Measure
from tests.doors import Site, site

EACH = 6
"""Slots that a payload is sent to, beside those that all are; they take turns."""
ALWAYS = ("where", "sort", "fields", "q")
MILLISECONDS = Measure("slowest", "ms", 1)
SHOWN = 10
_TOGETHER = 100
"""Payloads that are written, listed and put into labels at once."""


@dataclass
class Report:
    """What came of it."""

    requests: int = 0
    refused: int = 0
    covered: set[str] = field(default_factory=set)
    hits: list[str] = field(default_factory=list)


_SHAPED: Mapping[str, Callable[[str], object]] = {
    "tags": lambda text: [text[:40]],
    "person_name": lambda text: {"family": text[:60], "given": text[-60:]},
    "address": lambda text: {"country": "DE", "city": text[:60], "street": text[:100], "recipient": text[-60:]},
    "url": lambda text: f"https://example.com/{quote(text[:200])}?q={text[:200]}",
    "json": lambda text: {text[:100]: [text]},
    "text": lambda text: text[:255],
    "barcode": lambda text: text[:48],
}
"""How a text is brought into a value of a type that is not one text of any length."""


def measure(figures: Figures, count: int | None, seed: int) -> None:
    payloads, report = corpus(seed, count), Report()
    with tempfile.TemporaryDirectory(prefix="metaloom-audit-") as folder, kit.sqlite_host(Path(folder)) as host:
        at = slots.target(host)
        known = list(slots.attempts(at))
        _send_all(at, known, payloads, report)
        for begin in range(0, len(payloads), _TOGETHER):
            _values(at, payloads[begin : begin + _TOGETHER], begin, report)
        _exports(at, report)
        for begin in range(0, len(payloads), _TOGETHER):
            _labels(at, payloads[begin : begin + _TOGETHER], report)
        slowest = _expressions(at, payloads, report)
    _documents(payloads, report)
    for each in report.hits[:SHOWN]:
        print(each)
    figures.must(
        "G8_injections",
        not report.hits,
        payloads=len(payloads),
        slots=f"{len(report.covered)}/{len(known)}",
        requests=report.requests,
        refused=report.refused,
        hits=len(report.hits),
        seed=seed,
    )
    figures.at_most("G8_expression_refused", slowest, 10.0, MILLISECONDS, {"payloads": len(payloads)}, seed=seed)


def _send_all(at: Target, known: Sequence[slots.Attempt], payloads: Sequence[Payload], report: Report) -> None:
    """Into every slot in turns, and into the slots of a list each of them."""
    fixed = [each for each in known if each[0] in {f"argument /api/v1/<entity> {name}" for name in ALWAYS}]
    before, turn = at.kept.now(), 0
    for payload in payloads:
        chosen = [known[(turn + step) % len(known)] for step in range(EACH)]
        turn += EACH
        for slot, send in (*fixed, *chosen):
            answer = send(payload.text)
            report.requests += 1
            report.covered.add(slot)
            report.hits += [f"{slot}: {payload.family} {payload.text[:80]!r}: {each}" for each in hits(answer)]
            if 400 <= answer.status_code < 500:
                report.refused += 1
            if slot.startswith(("argument", "address GET")) or 400 <= answer.status_code < 500:
                if (after := at.kept.now()) != before:
                    report.hits.append(f"{slot}: {payload.text[:80]!r}: {answer.status_code} has changed rows")
                    before = after
            else:
                before = at.kept.now()


def _values(at: Target, payloads: Sequence[Payload], begin: int, report: Report) -> None:
    """As values of every type: refused, or shown as nothing but texts."""
    ids: list[str] = []
    for name in VALUES:
        operations = [
            {"action": "create", "values": {"name": f"{begin + n}", name: _SHAPED.get(name, str)(each.text)}}
            for n, each in enumerate(payloads)
        ]
        body = {"operations": operations, "all_or_nothing": False}
        answer = at.api.post(f"/{ENTITY}/bulk", body)
        _judge(report, f"value {name}", answer)
        made = [each["id"] for each in answer.get_json().get("data", ()) if each["id"]]
        report.refused += len(operations) - len(made)
        ids += made[begin % 7 :: 50]
    names = [{"action": "create", "values": {"name": each.text[:200]}} for each in payloads]
    _judge(report, "value name", at.api.post(f"/{ENTITY}/bulk", {"operations": names, "all_or_nothing": False}))
    for path in (f"/app/{ENTITY}?sort=-created_at", f"/app/{ENTITY}?view=all&sort=-created_at", "/app/-/bin"):
        _judge(report, "list", at.browser.get(path))
    for id in ids:
        for end in ("", "/edit", "/delete"):
            _judge(report, f"record{end}", at.browser.get(f"/app/{ENTITY}/{id}{end}"))
        _judge(report, "history", at.browser.get(f"/app/-/record/{ENTITY}/{id}/history"))
        _judge(report, "history", at.api.get(f"/{ENTITY}/{id}/history"))


def _judge(report: Report, slot: str, answer: object) -> None:
    report.requests += 1
    report.hits += [f"{slot}: {each}" for each in hits(answer)]  # type: ignore[arg-type]


def _exports(at: Target, report: Report) -> None:
    """What a spreadsheet opens calculates nothing of it."""
    for kind in ("csv", "xlsx"):
        job = at.api.post(f"/{ENTITY}/export", {"kind": kind}).get_json()["job"]
        _finished(at, job)
        data = at.api.get(f"/jobs/{job}/file").get_data()
        report.requests += 2
        if kind == "csv":
            rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
            report.hits += [f"export csv: {each}" for each in formulas(cell for row in rows for cell in row)]
            continue
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            for name in book.namelist():
                if b"<f>" in book.read(name) or b"<hyperlink" in book.read(name):
                    report.hits.append(f"export xlsx: a formula in {name}")


def _finished(at: Target, job: str) -> None:
    """Work on until a job is done: one turn takes a few seconds at most."""
    for _ in range(100):
        drain(at.here.host, at.here.tenant)
        state = at.api.get(f"/jobs/{job}").get_json()["state"]
        if state not in ("queued", "running", "waiting"):
            break
    assert state == "done", state


def _labels(at: Target, payloads: Sequence[Payload], report: Report) -> None:
    """As labels and messages of a description: pages show them as texts."""
    texts = [each.text[:100] for each in payloads if each.text[:100].strip()]
    if not texts:
        return
    fields = {f"f{n}": {"type": "text", "label": text, "help": text} for n, text in enumerate(texts)}
    described = json.loads(slots.package())
    entity: dict[str, Any] = {
        "label": {"en": texts[0], "zh": texts[-1]},
        "title": "name",
        "fields": {"name": {"type": "text"}, **fields},
    }
    options = {f"o{n}": {"label": text} for n, text in enumerate(texts)}
    entity["fields"]["stage"] = {"type": "choice", "options": options}
    described["entities"]["odd"] = entity
    described["views"] = {
        "odd": {"entity": "odd", "label": texts[0], "columns": {each: {} for each in list(fields)[:40]}}
    }
    here = _described(at, json.dumps(described, indent=1))
    if here is None:
        report.refused += len(texts) if len(payloads) == 1 else 0
        half = len(payloads) // 2
        for some in (payloads[:half], payloads[half:]) if half else ():
            _labels(at, some, report)
        return
    admin = here.person("admin")
    browser, api = here.browser(person=admin), here.api(person=admin)
    made = api.made("odd", name="x", stage="o0")
    for path in (
        "/app/odd",
        "/app/odd?view=odd",
        "/app/odd/new",
        f"/app/odd/{made['id']}",
        f"/app/odd/{made['id']}/edit",
    ):
        _judge(report, "labels", browser.get(path))
    for path in ("/openapi.json", "/meta/odd"):
        _judge(report, "labels", api.get(path))


def _described(at: Target, text: str) -> Site | None:
    """A tenant of this description; None when it is refused."""
    try:
        return site(at.here.host, text)
    except PlatformError:
        return None


def _expressions(at: Target, payloads: Sequence[Payload], report: Report) -> float:
    """Read as conditions; the milliseconds that the slowest refusal took of a processor."""
    with kit.workspace(at.here.host, at.here.tenant, write=False) as ws:
        entity, entities = ws.model.entity(ENTITY), ws.model.entity
    assert entity is not None
    _refusal("name ==", entity, entities)  # builds the grammar
    slowest = 0.0
    for payload in payloads:
        # Of three the quickest: the machine may have been busy with something else.
        took, refused = min(_refusal(payload.text, entity, entities) for _ in range(3))
        slowest = max(slowest, took)
        if payload.family == "expressions" and not refused:
            report.hits.append(f"expression {payload.text[:80]!r} is understood")
    return slowest


def _refusal(text: str, entity: Entity, entities: object) -> tuple[float, bool]:
    began = time.process_time()
    try:
        parse(text, entity, entities)  # type: ignore[arg-type]
    except ExpressionInvalid:
        return 1_000 * (time.process_time() - began), True
    return 1_000 * (time.process_time() - began), False


def _documents(payloads: Sequence[Payload], report: Report) -> None:
    """As a description of its own: read, or refused with problems, and nothing else."""
    for payload in _of("yaml", payloads):
        try:
            compile_layers(kit.layers(read_text(f"{payload.text}\n")))
        except PlatformError:
            report.refused += 1


def _of(family: str, payloads: Sequence[Payload]) -> Iterator[Payload]:
    return (each for each in payloads if each.family == family)
