"""`explain`: why somebody may or may not do something with a record or a field, and who may."""

from __future__ import annotations

from dataclasses import asdict

import click

from blueprints.commands.output import console, json_option, opened_host, print_json


def add_to(main: click.Group) -> None:
    main.add_command(explain)


@click.command()
@click.argument("tenant")
@click.argument("entity")
@click.argument("id")
@click.option("--user", "login", help="The login of the person; everybody who may if not given.")
@click.option("--action", type=click.Choice(["read", "create", "update", "delete"]), default="read")
@click.option("--field", help="A field of the record.")
@click.option("--expression", help="Instead of rights: what this condition or value says of the record, and why.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en")
@json_option
def explain(
    tenant: str,
    entity: str,
    id: str,
    login: str | None,
    action: str,
    field: str | None,
    expression: str | None,
    language: str,
    as_json: bool,
) -> None:
    """Say why a person may or may not do something with the record ID of ENTITY in TENANT, or why an expression has
    its value there."""
    if expression is not None:
        _tell(tenant, entity, id, expression, login, language, as_json)
        return
    from blueprints.api.explaining import explained, told
    from runtime import accounts, directory, explaining
    from runtime.records.policies import entity_of
    from runtime.workspace import PlatformActor, open_workspace

    with opened_host() as host, open_workspace(host, directory.find(host, tenant), PlatformActor()) as ws:
        found = entity_of(ws, entity)
        if login is None:
            page = explaining.who(ws, found, id, action)
            people = [{"user": each.user, "name": each.name, **told(each.ground, language)} for each in page["data"]]
            answer = {"data": people, "next": page["next"]}
            lines = [f"{each['name']}: {each['message']}" for each in people]
        else:
            user = accounts.find(ws, login)
            answer = explained(explaining.why(ws, found, id, user, action, field), language)
            signs = {True: "+", False: "-", None: "?"}
            lines = [str(answer.get("right") or {True: "yes", False: "no"}[answer["allowed"]])]
            lines += [f"{signs[each['granted']]} {each['message']}" for each in answer["grounds"]]
    if as_json:
        print_json(answer)
        return
    for line in lines:
        console().print(line, markup=False)


def _tell(tenant: str, entity: str, id: str, text: str, login: str | None, language: str, as_json: bool) -> None:
    """The explanation of an expression, as the person sees it; without one, as the platform does."""
    from metadata.expressions.explaining import lines
    from runtime import accounts, directory
    from runtime.trying import try_on
    from runtime.workspace import AsUser, PlatformActor, open_workspace

    with opened_host() as host:
        found, identify = directory.find(host, tenant), PlatformActor()
        who: AsUser | PlatformActor = identify
        if login is not None:
            with open_workspace(host, found, identify) as ws:
                who = AsUser(accounts.find(ws, login))
        with open_workspace(host, found, who) as ws:
            explanation = try_on(ws, entity, id, text)
    if as_json:
        print_json(asdict(explanation))
        return
    for line in lines(explanation.root, language):
        console().print(line, markup=False)
