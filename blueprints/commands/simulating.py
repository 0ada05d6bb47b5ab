"""`simulate`: what changed packages would have decided of the past; nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from blueprints.commands.output import console, json_option, opened_host, print_json


def add_to(main: click.Group) -> None:
    main.add_command(simulate)


@click.command()
@click.argument("tenant")
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE...")
@click.option("--since", help="How far back: 30d, 12h, P1M, or a day such as 2027-03-01. Everything if not given.")
@click.option("--events", type=click.IntRange(1), help="The newest so many events instead.")
@click.option("--entity", help="Only the past of this entity.")
@click.option("--only", help="Only this: rule:<entity>.<rule>, workflow:<name> or approval:<name>, changed or not.")
@click.option("--all", "everything", is_flag=True, help="Also ask what is the same in both descriptions.")
@click.option("--samples", type=click.IntRange(0, 50), default=5, help="Records shown of each difference.")
@click.option("--language", type=click.Choice(["en", "zh"]), default=None, help="That of the terminal if not given.")
@json_option
def simulate(
    tenant: str,
    packages: tuple[str, ...],
    since: str | None,
    events: int | None,
    entity: str | None,
    only: str | None,
    everything: bool,
    samples: int,
    language: str | None,
    as_json: bool,
) -> None:
    """Replay TENANT's past with these packages in place of its own, and tell what would have differed.

    It changes nothing: rules, workflows and approvals that decide otherwise are asked of every save of the past.
    """
    import datetime as dt

    from blueprints.commands.output import language as spoken
    from blueprints.serving import layer_at
    from runtime import directory
    from runtime.simulating.asking import Asked, moment
    from runtime.simulating.report import told
    from runtime.simulating.run import simulate as replay

    begun = None if since is None else moment(since, dt.datetime.now(dt.UTC))
    asked = Asked(begun, events, entity, only, everything, samples)
    lang = language or spoken()
    with opened_host() as host:
        found = directory.find(host, tenant)
        with _progress(quiet=as_json) as tell:
            report = replay(host, found, [layer_at(each) for each in packages], asked, tell=tell)
    data = told(report.as_json(), lang)
    if as_json:
        print_json(data)
        return
    for line in lines(data, lang):
        console().print(line, markup=False)


def _progress(*, quiet: bool) -> Any:
    """A bar on the terminal's error output; what is given is told (events done, events in all)."""
    import contextlib

    @contextlib.contextmanager
    def shown() -> Iterator[Any]:
        out = console(errors=True)
        if quiet or not out.is_terminal:
            yield None
            return
        from rich.progress import Progress

        with Progress(console=out, transient=True) as bar:
            task = bar.add_task("", total=None)

            def tell(done: int, total: int) -> bool:
                bar.update(task, completed=done, total=max(done, total))
                return True

            yield tell

    return shown()


_SIGNS = {"added": "+", "changed": "~", "removed": "-", "same": " "}
_TITLES = {
    "newly_refuses": ("newly refused", "新拒绝"),
    "no_longer_refuses": ("no longer refused", "不再拒绝"),
    "newly_warns": ("newly warned of", "新警告"),
    "no_longer_warns": ("no longer warned of", "不再警告"),
    "sets_differently": ("other values", "值不同"),
    "newly_starts": ("newly starts", "新触发"),
    "no_longer_starts": ("no longer starts", "不再触发"),
    "takes_another_path": ("another way", "路径不同"),
    "newly_asked": ("newly needed", "新需要"),
    "no_longer_asked": ("no longer needed", "不再需要"),
    "asks_otherwise": ("another way or other people", "路径或审批人不同"),
}


def lines(report: Mapping[str, Any], lang: str) -> Iterator[str]:
    """The report for a terminal."""
    yield report["summary"]
    for each in report["definitions"]:
        yield f"{_SIGNS[each['change']]} {each['kind']} {each['entity']}.{each['name']}: {each['message']}"
        for sample in each["samples"]:
            yield from _sample(sample, lang)
    for limit in report["limits"]:
        yield f"  * {limit['message']}"


def _sample(sample: Mapping[str, Any], lang: str) -> Iterator[str]:
    title = _TITLES[sample["difference"]][lang == "zh"]
    yield f"    {title}: {sample['title'] or sample['record']} ({sample['at'][:16]}, {sample['who'] or '–'})"
    yield f"      /app/{sample['entity']}/{sample['record']}"
    before, after = sample["before"] or {}, sample["after"] or {}
    if before.get("sets") or after.get("sets"):
        yield f"      {before.get('sets') or '–'} -> {after.get('sets') or '–'}"
    if before.get("way") != after.get("way"):
        yield f"      - {_way(before.get('way'))}"
        yield f"      + {_way(after.get('way'))}"
    for sign, held in (("-", before), ("+", after)):
        for why in held.get("why", ()):
            yield from (f"      {sign} {line}" for line in _steps(why["root"], lang, 0))


def _way(way: Any) -> str:
    shown = []
    for each in way or ():
        people = ", ".join(person["name"] for person in each.get("people", ()))
        words = [each.get("step") or each.get("node") or "", each.get("what", ""), each.get("way", ""), people]
        shown.append(" ".join(str(word) for word in words if word))
    return " > ".join(shown) or "–"


def _steps(step: Mapping[str, Any], lang: str, depth: int) -> Iterator[str]:
    mark = {True: "✓", False: "✗", None: " "}[step["holds"]]
    apart = "：" if lang == "zh" else ": "
    yield f"{'  ' * depth}{mark} {step['text']}" + (f"{apart}{step['result']}" if step["result"] else "")
    for each in step["parts"]:
        yield from _steps(each, lang, depth + 1)
