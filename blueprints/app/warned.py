"""Warnings of rules on pages without scripts: which rule a refusal asks to confirm, and which have been."""

from __future__ import annotations

from flask import request

from metadata.problems import Problem
from runtime.records.checking.rules import WARNING


def confirmed() -> tuple[str, ...]:
    """The rules whose warnings the person has read and ticked."""
    return tuple(request.form.getlist("confirm"))


def to_confirm(problem: Problem) -> str | None:
    """The rule whose warning this is; None for what cannot be confirmed."""
    return str(problem.params["rule"]) if problem.code == WARNING.code else None
