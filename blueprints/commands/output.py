"""How commands speak: tables and problems for people, JSON for machines, exit codes that mean something."""

from __future__ import annotations

import locale
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from metadata.problems import Problem
    from runtime.host import Host

_JSON = "metaloom.json"
_SHOWN = 50
"""Problems told at the end of a command; `check` tells all of them."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class Group(click.Group):
    """A group whose commands tell what is wrong in sentences and end with 1."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Remembered before anything runs: what goes wrong is told as what goes right.
        ctx.meta.setdefault(_JSON, "--json" in args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        from metadata.problems import PlatformError

        try:
            return super().invoke(ctx)
        except PlatformError as error:
            as_json = bool(ctx.meta.get(_JSON))
            show_problems(error.problems if as_json else error.problems[:_SHOWN], as_json)
            if not as_json and len(error.problems) > _SHOWN:
                click.echo(f"... and {len(error.problems) - _SHOWN} more", err=True)
            ctx.exit(1)


def language() -> str:
    """The language of the terminal."""
    name = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if name.lower().startswith("zh") else "en"


def console(*, errors: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=errors, highlight=False, soft_wrap=True)


def show_problems(problems: Iterable[Problem], as_json: bool = False) -> None:
    """Every problem: where, its code, the sentence with the remedy, what was perhaps meant."""
    found = list(problems)
    if as_json:
        print_json({"problems": [problem_json(each) for each in found]})
        return
    from rich.text import Text

    out, lang = console(errors=True), language()
    for each in found:
        line = Text(f"{each.position}: " if each.position else "", "bold")
        line.append(each.code, "red").append(f" {each.path}" if each.path else "", "cyan")
        line.append("\n  " + each.message(lang))
        if each.suggestion:
            meant = f"是否想用 {each.suggestion}？" if lang == "zh" else f"Did you mean {each.suggestion}?"
            line.append("\n  " + meant, "yellow")
        out.print(line)


def problem_json(problem: Problem) -> dict[str, Any]:
    position = problem.position
    return {
        "code": problem.code,
        "path": problem.path,
        "message": problem.message(language()),
        "suggestion": problem.suggestion,
        "file": position.file if position else None,
        "line": position.line if position else None,
        "column": position.column if position else None,
    }


def print_json(value: Any) -> None:
    import orjson

    click.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(table)


@contextmanager
def opened_host() -> Iterator[Host]:
    """The host of the settings in the environment, closed at the end."""
    from blueprints.serving import open_host

    host = open_host()
    try:
        yield host
    finally:
        host.close()
