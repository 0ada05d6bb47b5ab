"""What came of an import: totals that add up, and the refused rows with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from metadata.problems import Problem
from runtime.jobs import rows as job_rows
from runtime.jobs.rows import JobRow
from runtime.jobs.work import Job
from runtime.transfer import sheets
from runtime.transfer.headings import LINE, REASONS
from runtime.workspace import Workspace

REFUSED = ("failed", "skipped", "incomplete")
"""Verdicts that are reported. An incomplete row was written, but for a link that led nowhere."""


@dataclass(frozen=True, slots=True)
class Totals:
    """rows = created + updated + unchanged + skipped + failed. Incomplete ones are among those written."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    incomplete: int = 0

    def plus(self, other: Totals) -> Totals:
        mine, more = asdict(self), asdict(other)
        return Totals(**{name: mine[name] + more[name] for name in mine})

    @classmethod
    def counted(cls, verdicts: Sequence[str]) -> Totals:
        found = cls(rows=len(verdicts))
        return replace(found, **{name: verdicts.count(name) for name in set(verdicts)})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not, or not wholly, written: its cells as they came and why."""

    line: int
    verdict: str
    cells: tuple[str, ...]
    problems: tuple[Mapping[str, Any], ...]
    """Each `{code, path, message: {language: text}}`."""
    record: str | None = None

    def reasons(self, language: str) -> str:
        return " ".join(each["message"].get(language) or each["message"]["en"] for each in self.problems)

    def as_row(self) -> JobRow:
        return JobRow(self.line, self.verdict, self.record, self.problems, list(self.cells))


def refusal(line: int, cells: Sequence[str], problems: Sequence[Problem], verdict: str = "failed") -> Refusal:
    return Refusal(line, verdict, tuple(cells), job_rows.told(problems))


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or would do. With `job` and no `state` of an end it is still to be done."""

    entity: str
    totals: Totals
    headers: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()
    """The first hundred; all of them are in the report file."""
    job: str | None = None
    state: str = "done"
    written: bool = True
    """False: a dry run, or all-or-nothing with something refused. Nothing is in the database."""
    file: Mapping[str, Any] = ()  # type: ignore[assignment]
    """How the file was read: encoding, delimiter, header row, ragged rows, columns passed over."""

    def as_json(self, language: str = "en") -> dict[str, Any]:
        return {
            "entity": self.entity,
            **asdict(self.totals),
            "written": self.written,
            "state": self.state,
            "job": self.job,
            "file": dict(self.file),
            "refused": [
                {"line": each.line, "verdict": each.verdict, "reasons": each.reasons(language)} for each in self.refused
            ],
        }


def of_job(ws: Workspace, job: Job) -> Report:
    """The report of an import that runs, or ran, as a job."""
    state = job.result if job.result is not None else job.progress
    rows = job_rows.read(ws, job.id, REFUSED, limit=100)
    return Report(
        entity=job.payload["entity"],
        totals=Totals(**state.get("totals", {})),
        headers=tuple(job.payload["headers"]),
        refused=tuple(Refusal(r.line, r.verdict, tuple(r.source or ()), r.problems, r.record) for r in rows),
        job=job.id,
        state=job.state,
        written=bool(state.get("written", not job.payload["options"]["dry_run"])),
        file=job.payload["file_info"],
    )


def refused_of_job(ws: Workspace, job: Job) -> Iterator[Refusal]:
    """Every row of an import's job that was refused, in the order of the file."""
    after = -1
    while rows := job_rows.read(ws, job.id, REFUSED, after):
        for row in rows:
            yield Refusal(row.line, row.verdict, tuple(row.source or ()), row.problems, row.record)
        after = rows[-1].line


def write_refused(path: Path, headers: Sequence[str], refusals: Iterator[Refusal], language: str) -> int:
    """The refused rows as CSV: the columns as they came, then the line and the reasons. Mend it and load it again."""
    written = 0
    names = [*headers, LINE.get(language, LINE["en"]), REASONS.get(language, REASONS["en"])]
    with sheets.opened(path, "csv", names) as put:
        for each in refusals:
            cells = [*each.cells[: len(headers)], *[""] * (len(headers) - len(each.cells))]
            put([*cells, sheets.Number(each.line), each.reasons(language)])
            written += 1
    return written
