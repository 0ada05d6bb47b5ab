"""`test`: plays the scenarios of packages and says which fail, where and why, and what none of them puts to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from blueprints.commands.output import console, json_option, language, print_json, problem_json

if TYPE_CHECKING:
    from metadata.compiler import Compiled
    from metadata.documents.package import Layer
    from metadata.problems import Problem
    from runtime.scenarios import Result
    from runtime.scenarios.report import Covered


def add_to(main: click.Group) -> None:
    main.add_command(test)


@click.command()
@click.argument("packages", nargs=-1)
@click.option("--only", multiple=True, metavar="KEY", help="Only this scenario; may be repeated.")
@click.option("--coverage", is_flag=True, help="Tell what of the packages no scenario puts to use.")
@json_option
@click.pass_context
def test(
    context: click.Context, packages: tuple[str, ...], only: tuple[str, ...], coverage: bool, as_json: bool
) -> None:
    """Play the scenarios of PACKAGES (folders, files or codes; the folder here if none) and of all that they require.

    They run on the real engine in a tenant that is thrown away, with a clock of its own; nothing goes outside.
    """
    from blueprints.serving import layers_of
    from runtime.scenarios import report

    names = list(packages) or ["."]
    layers = layers_of(names)
    results = []
    compiled: Compiled | None = None
    _require_known(report.names_of(layers), only)
    for result, compiled in report.played(layers, only):
        results.append(result)
        if not as_json:
            show(result, str(report.place(compiled, result.scenario)))
    covered = report.coverage(compiled, _codes(names), results) if coverage and compiled is not None else None
    failed = sum(not each.passed for each in results)
    if as_json:
        print_json({**results_json(results, compiled), **({} if covered is None else {"coverage": _json(covered)})})
    else:
        if covered is not None:
            _show_coverage(covered)
        console().print(summary(len(results), failed))
    if failed:
        context.exit(1)


def _require_known(known: Sequence[str], only: Sequence[str]) -> None:
    for each in only:
        if each not in known:
            raise click.BadParameter(f"There is no scenario “{each}”. There are: {', '.join(known) or '–'}.")


def _codes(names: list[str]) -> set[str]:
    from blueprints.serving import layer_at

    return {layer_at(name).code for name in names}


def summary(count: int, failed: int) -> str:
    """How many scenarios there were and how many failed, in the language of the terminal."""
    if language() == "zh":
        if not count:
            return "没有场景。"
        return f"{count} 个场景全部通过。" if not failed else f"{count} 个场景，{failed} 个失败。"
    if not count:
        return "There are no scenarios."
    many = "1 scenario" if count == 1 else f"{count} scenarios"
    return f"{many} passed." if not failed else f"{many}, {failed} failed."


def show(result: Result, place: str) -> None:
    """One line for a scenario, and of one that failed each thing that is not as expected."""
    from rich.text import Text

    from metadata.problems import say

    lang, out = language(), console()
    line = Text("✓ " if result.passed else "✗ ", "green" if result.passed else "red")
    line.append(result.scenario.key, "bold").append(f"  {say(result.scenario.label, lang)}")
    out.print(line.append(f"  {result.seconds:.2f} s" if result.passed else f"  {place}", "dim"))
    for each in result.problems:
        out.print(Text(f"  {each.position}: ", "bold").append(each.path, "cyan"))
        out.print(Text(f"    {each.message(lang)}"))


def results_json(results: Sequence[Result], compiled: Compiled | None) -> dict[str, Any]:
    """What `show` tells, for machines."""
    failed = sum(not each.passed for each in results)
    told = [_result(each, compiled) for each in results if compiled is not None]
    return {"passed": len(results) - failed, "failed": failed, "scenarios": told}


def _result(result: Result, compiled: Any) -> dict[str, Any]:
    from metadata.problems import say
    from runtime.scenarios import report

    place = report.place(compiled, result.scenario)
    return {
        "key": result.scenario.key,
        "label": say(result.scenario.label, language()),
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "file": place.file,
        "line": place.line,
        "problems": [_problem(each) for each in result.problems],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    from metadata.problems import say

    steps = problem.path.split(".")
    told = {
        name: say(value, language()) if isinstance(value, Mapping) else value
        for name, value in problem.params.items()
        if name in ("expected", "found")
    }
    return {"step": steps[1] if steps[0] == "steps" else None, **problem_json(problem), **told}


_KINDS = {
    "rules": {"en": "rules fired", "zh": "触发过的规则"},
    "triggers": {"en": "triggers of workflows", "zh": "工作流触发器"},
    "branches": {"en": "ways in workflows", "zh": "工作流分支"},
    "nodes": {"en": "nodes of approvals", "zh": "审批节点"},
    "decisions": {"en": "decisions at nodes", "zh": "节点决定"},
    "ways": {"en": "ways in approvals", "zh": "审批分支"},
    "states": {"en": "options of records", "zh": "记录的选项"},
}


def _show_coverage(covered: Mapping[str, Covered]) -> None:
    from rich.text import Text

    lang, out = language(), console()
    for kind, each in covered.items():
        if not each.total:
            continue
        out.print(Text(f"{each.touched}/{each.total} {_KINDS[kind][lang]}", "yellow" if each.missing else "green"))
        for name in each.missing:
            out.print(Text(f"  {name}", "dim"))


def _json(covered: Mapping[str, Covered]) -> dict[str, Any]:
    return {
        kind: {"touched": each.touched, "total": each.total, "missing": list(each.missing)}
        for kind, each in covered.items()
    }


def of_plan(layers: Sequence[Layer], *, show_failed: bool) -> tuple[list[Result], Compiled | None]:
    """The scenarios of what is planned, those that fail and their number shown."""
    from runtime.scenarios import report

    results: list[Result] = []
    compiled: Compiled | None = None
    for result, compiled in report.played(layers):
        results.append(result)
        if show_failed and not result.passed:
            show(result, str(report.place(compiled, result.scenario)))
    if show_failed and results:
        console().print(summary(len(results), sum(not each.passed for each in results)))
    return results, compiled
