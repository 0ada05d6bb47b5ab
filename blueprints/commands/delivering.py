"""`deliveries`: what went outside or could not, and sending it again."""

from __future__ import annotations

import click

from blueprints.commands.output import console, json_option, opened_host, print_json, print_table


def add_to(main: click.Group) -> None:
    main.add_command(deliveries)


@click.group()
def deliveries() -> None:
    """Requests, webhooks and mail on their way outside."""


@deliveries.command("list")
@click.argument("tenant")
@click.option("--state", type=click.Choice(["queued", "sending", "done", "failed", "dead"]), help="Only these.")
@click.option("--target", help="Only those to this host (and port), or `mail`.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
def list_(tenant: str, state: str | None, target: str | None, limit: int, as_json: bool) -> None:
    """The newest deliveries of TENANT."""
    from blueprints.api.deliveries import described
    from runtime import deliveries as outbox
    from runtime import directory
    from runtime.workspace import PlatformActor, open_workspace

    with opened_host() as host, open_workspace(host, directory.find(host, tenant), PlatformActor()) as ws:
        found = [described(each) for each in outbox.listing(ws, state, target, None, limit)]
    if as_json:
        print_json(found)
        return
    columns = ["id", "about", "state", "attempt", "status", "error", "created_at"]
    print_table(columns, [tuple(each[name] for name in columns) for each in found])


@deliveries.command("replay")
@click.argument("tenant")
@click.argument("id", required=False)
@click.option("--target", help="Everything for this host (and port), or `mail`, that was not sent.")
def replay(tenant: str, id: str | None, target: str | None) -> None:
    """Have the delivery ID of TENANT sent again, or all of a target, under the keys that they have."""
    from runtime import deliveries as outbox
    from runtime import directory
    from runtime.workspace import PlatformActor, open_workspace

    if (id is None) == (target is None):
        raise click.UsageError("Name either one delivery or a target.")
    with (
        opened_host() as host,
        open_workspace(host, directory.find(host, tenant), PlatformActor(), write=True, channel="command") as ws,
    ):
        if id is not None:
            outbox.replay(ws, id)
        count = 1 if target is None else outbox.replay_target(ws, target)
    console().print(f"{count} to be sent again.")
