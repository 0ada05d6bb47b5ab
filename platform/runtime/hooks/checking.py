"""What must be right of a webhook before it is kept: that it can work, and that nobody gives away what he lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from channels.egress import place_of
from metadata.expressions.problems import ExpressionInvalid
from metadata.fieldtypes.secrets import Plain
from metadata.granting import is_whole
from metadata.problems import Invalid, Problem, kind
from runtime.deliveries.secrets import SHARED, WEBHOOK
from runtime.hooks.rows import INCOMING, actor_of
from runtime.workspace import Workspace

if TYPE_CHECKING:
    from runtime.records.drafts import Draft
    from runtime.records.plans import WritePlan

UNKNOWN_ROLE = kind(
    "webhook.unknown_role",
    en="There is no role “{name}”. Use the key of a role of this system.",
    zh="没有名为“{name}”的角色。请使用系统中角色的键。",
)
ROLE_BEYOND = kind(
    "webhook.role_beyond",
    en="A webhook has the rights of its role, and you do not have the role “{name}” yourself. Choose one of yours, or "
    "ask somebody who may configure this system.",
    zh="Webhook 拥有其角色的权限，而您本人没有角色“{name}”。请选择您拥有的角色，或联系可配置系统的人员。",
)
UNKNOWN_ENTITY = kind(
    "webhook.unknown_entity",
    en="There is no entity “{name}” of which messages can be sent. Use the key of an entity of this system.",
    zh="没有可推送的实体“{name}”。请使用系统中实体的键。",
)
BAD_CONDITION = kind(
    "webhook.bad_condition",
    en="The condition cannot be asked with the rights of this role: {reason}",
    zh="无法以此角色的权限判断该条件：{reason}",
)
SHORT_SECRET = kind(
    "webhook.short_secret",
    en="A secret of fewer than {least} characters can be guessed. Use a longer one, made by chance.",
    zh="少于 {least} 个字符的密钥容易被猜中，请使用更长的随机密钥。",
)
BAD_NAME = kind(
    "webhook.bad_name",
    en="The name is a part of an address: small letters, digits, - and _, at most 40. Correct it.",
    zh="名称是地址的一部分：仅限小写字母、数字、- 和 _，最多 40 个字符，请更正。",
)

SHORTEST = 24
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CHECKED = frozenset({WEBHOOK, INCOMING, SHARED})


def check_hooks(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft]) -> None:
    """Tell drafts of webhooks and secrets what is wrong with them. Costs nothing for other entities."""
    entity = plan.entity
    if entity.id not in _CHECKED:
        return
    checks = {WEBHOOK: _webhook, INCOMING: _incoming, SHARED: _secret}
    for draft in drafts:
        for problem in checks[entity.id](ws, draft.values):
            field = entity.fields.get(problem.path)
            draft.wrong(problem if field is None else replace(problem, path=field.key))


def _secret(ws: Workspace, values: Any) -> Iterator[Problem]:
    given = values.get("secret")
    if isinstance(given, Plain) and len(given.text) < SHORTEST:
        yield SHORT_SECRET("secret", least=SHORTEST)


def _webhook(ws: Workspace, values: Any) -> Iterator[Problem]:
    yield from _secret(ws, values)
    yield from _role(ws, values.get("role"))
    if isinstance(values.get("url"), str):
        try:
            place_of(values["url"])
        except Invalid as error:
            yield replace(error.problems[0], path="url")
    about = values.get("about")
    if not isinstance(about, str):
        return
    entity = ws.model.entity(about)
    if entity is None or entity.id in _CHECKED:
        yield UNKNOWN_ENTITY("about", name=about)
        return
    role, condition = ws.model.role(values.get("role") or ""), values.get("condition")
    if role is not None and condition:
        from runtime import queries

        try:
            seen = replace(ws, actor=actor_of(ws, role, "webhook", "job"))
            queries.expression_of(seen, entity, condition)
        except ExpressionInvalid as error:
            reason = {"en": error.problems[0].message("en"), "zh": error.problems[0].message("zh")}
            yield BAD_CONDITION("condition", reason=reason)


def _incoming(ws: Workspace, values: Any) -> Iterator[Problem]:
    yield from _secret(ws, values)
    yield from _role(ws, values.get("role"))
    # The workflow may come with a later release: until then messages are refused in words that say so.
    name = values.get("name")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        yield BAD_NAME("name")


def _role(ws: Workspace, name: Any) -> Iterator[Problem]:
    if not isinstance(name, str):
        return
    role = ws.model.role(name)
    if role is None:
        yield UNKNOWN_ROLE("role", name=name)
    elif not is_whole(ws.actor):  # the webhook would do and tell what the token may not
        yield ROLE_BEYOND("role", name=name)
    elif not ws.actor.platform and role.id not in ws.actor.roles:
        held = (ws.model.role(each) for each in ws.actor.roles)
        if not any(each is not None and "configure" in each.capabilities for each in held):
            yield ROLE_BEYOND("role", name=name)
