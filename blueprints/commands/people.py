"""`user` and `token`: who may come in, and by what."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from blueprints.commands.output import console, json_option, opened_host, print_json

if TYPE_CHECKING:
    from runtime.directory import Tenant
    from runtime.host import Host


def add_to(main: click.Group) -> None:
    main.add_command(user)
    main.add_command(operator)
    main.add_command(token)


@click.group()
def user() -> None:
    """People who sign in."""


@user.command("add")
@click.argument("tenant")
@click.argument("login")
@click.option("--name", help="The person's name; the login if not given.")
@click.option("--role", "roles", multiple=True, help="A role's key; may be given several times.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made.")
@json_option
def user_add(
    tenant: str, login: str, name: str | None, roles: tuple[str, ...], password_stdin: bool, as_json: bool
) -> None:
    """Add a person who can sign in to TENANT as LOGIN."""
    from runtime import directory

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _new_password()
    with opened_host() as host:
        id = add_user(host, directory.find(host, tenant), login, name or login, list(roles), password)
    if as_json:
        print_json({"id": id, "login": login, "password": None if password_stdin else password})
        return
    console().print(f"{login} can sign in to {tenant}.")
    if not password_stdin:
        console().print(f"Password (shown only now): {password}", markup=False)


@click.group()
def operator() -> None:
    """Who runs the installation: they see the console at /admin and nothing of any tenant's records."""


@operator.command("add")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made.")
@json_option
def operator_add(login: str, password_stdin: bool, as_json: bool) -> None:
    """Add an operator. With the first one the console is there."""
    from runtime import operators

    password = _chosen_password(password_stdin)
    with opened_host() as host:
        made = operators.add(host, login, password)
    if as_json:
        print_json({"id": made.id, "login": made.login, "password": None if password_stdin else password})
        return
    console().print(f"{made.login} can sign in at /admin.")
    if not password_stdin:
        console().print(f"Password (shown only now): {password}", markup=False)


@operator.command("password")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made.")
def operator_password(login: str, password_stdin: bool) -> None:
    """Set an operator's password. Every session of the operator ends."""
    from runtime import operators

    password = _chosen_password(password_stdin)
    with opened_host() as host:
        operators.set_password(host, login, password)
    if not password_stdin:
        console().print(f"Password (shown only now): {password}", markup=False)


@operator.command("remove")
@click.argument("login")
def operator_remove(login: str) -> None:
    """Take an operator's account away. Without any the console is gone."""
    from runtime import operators

    with opened_host() as host:
        operators.remove(host, login)


@operator.command("list")
@json_option
def operator_list(as_json: bool) -> None:
    """Every operator."""
    from runtime import operators

    with opened_host() as host:
        found = operators.listing(host)
    if as_json:
        print_json([{"id": each.id, "login": each.login, "created_at": each.created_at} for each in found])
        return
    for each in found:
        console().print(f"{each.login}  {each.created_at:%Y-%m-%d}", markup=False)


def _chosen_password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else _new_password()


def _new_password() -> str:
    import secrets

    return secrets.token_urlsafe(12)


def add_user(
    host: Host,
    tenant: Tenant,
    login: str,
    name: str,
    roles: list[str],
    password: str,
    more: Mapping[str, Any] | None = None,
) -> str:
    """A person with an account and roles, in one transaction; the user's id."""
    from runtime import accounts, assignments
    from runtime.workspace import PlatformActor, open_workspace

    with open_workspace(host, tenant, PlatformActor(), write=True, channel="command") as ws:
        values: dict[str, Any] = {"name": name, **(more or {})}
        entity = ws.model.entity("user")
        if "@" in login and entity is not None and entity.find("email") is not None:
            values["email"] = login
        id = accounts.create_user(ws, login, values, password)
        assignments.set_roles(ws, id, roles)
    return id


@user.command("password")
@click.argument("tenant")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made.")
def user_password(tenant: str, login: str, password_stdin: bool) -> None:
    """Set a person's password. Every session ends, every token is revoked."""
    from runtime import accounts

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _new_password()
    with _writing(tenant) as ws:
        accounts.set_password(ws, accounts.find(ws, login), password)
    if not password_stdin:
        console().print(f"Password (shown only now): {password}", markup=False)


@user.command("roles")
@click.argument("tenant")
@click.argument("login")
@click.argument("roles", nargs=-1)
def user_roles(tenant: str, login: str, roles: tuple[str, ...]) -> None:
    """Give a person exactly these ROLES. Every session ends."""
    from runtime import accounts, assignments

    with _writing(tenant) as ws:
        assignments.set_roles(ws, accounts.find(ws, login), roles)


@user.command("disable")
@click.argument("tenant")
@click.argument("login")
def user_disable(tenant: str, login: str) -> None:
    """Lock a person out at once."""
    from runtime import accounts

    with _writing(tenant) as ws:
        accounts.disable(ws, accounts.find(ws, login))


@user.command("enable")
@click.argument("tenant")
@click.argument("login")
def user_enable(tenant: str, login: str) -> None:
    """Let a person in again."""
    from runtime import accounts

    with _writing(tenant) as ws:
        accounts.enable(ws, accounts.find(ws, login))


@click.group()
def token() -> None:
    """Secrets by which programs use the API."""


@token.command("create")
@click.argument("tenant")
@click.argument("login")
@click.option("--scope", "scopes", multiple=True, required=True, help="read, write, read:<entity> or write:<entity>.")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option("--role", help="Only with the rights of this one of the person's roles.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366))
@json_option
def token_create(
    tenant: str, login: str, scopes: tuple[str, ...], name: str, role: str | None, days: int, as_json: bool
) -> None:
    """Make a token by which a program acts as LOGIN. It is shown once."""
    from runtime import accounts, tokens

    with _writing(tenant) as ws:
        made = tokens.create(ws, accounts.find(ws, login), name, list(scopes), role=role, days=days)
    if as_json:
        print_json({"id": made.id, "token": made.secret, "expires_at": made.expires_at.isoformat()})
        return
    click.echo(made.secret)
    console(errors=True).print(f"Valid until {made.expires_at:%Y-%m-%d}. It is shown only now.")


def _writing(tenant: str) -> Any:
    """A writing workspace of the platform on a tenant."""
    import contextlib

    @contextlib.contextmanager
    def opened() -> Any:
        from runtime import directory
        from runtime.workspace import PlatformActor, open_workspace

        with (
            opened_host() as host,
            open_workspace(host, directory.find(host, tenant), PlatformActor(), write=True, channel="command") as ws,
        ):
            yield ws

    return opened()
