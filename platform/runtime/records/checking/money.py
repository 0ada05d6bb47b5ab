"""Money of a record: one currency for all of it, and each amount in the tenant's base currency beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from metadata.expressions.binding import zone
from metadata.model import Entity, Field
from metadata.money import CURRENCIES, Money
from metadata.problems import kind
from runtime import rates
from runtime.records.computing.loading import currencies
from runtime.records.drafts import Draft
from runtime.records.plans import BASE, WritePlan
from runtime.workspace import Workspace

OTHER_CURRENCY = kind(
    "records.other_currency",
    en="{label} is in {given}, but this record is in {currency}. "
    "Send it in {currency}, or change the currency of the record.",
    zh="{label}的币种为{given}，而该记录的币种为{currency}。请使用{currency}，或修改记录的币种。",
)
ROW_CURRENCY = kind(
    "records.row_currency",
    en="Amounts of this record are added up in {label}, so its currency is {currency} as there, not {given}. "
    "Leave the currency out, or change that of {label}.",
    zh="该记录的金额汇总到{label}，其币种须与之相同，为{currency}，不能是{given}。请不要提交币种，或修改{label}的币种。",
)
BAD_CURRENCY = kind(
    "records.bad_currency",
    en="{given} is not a currency. Send its three letters of ISO 4217, like CNY or USD.",
    zh="{given}不是货币代码，请使用 ISO 4217 三位字母代码，例如 CNY 或 USD。",
)
NO_RATE = kind(
    "records.no_rate",
    en="There is no exchange rate from {currency} to {base} for {date}. Enter one dated on or before that day under "
    "exchange rates, or choose {base}.",
    zh="没有 {date} 当日有效的 {currency} 兑 {base} 汇率。请在汇率中录入该日或之前的汇率，或选择 {base}。",
)
TOO_LARGE = kind(
    "records.amount_too_large",
    en="{label} is too large in the base currency. Check the amount and the exchange rate.",
    zh="{label}折合本位币后过大，请检查金额和汇率。",
)
_LARGEST = Decimal(10) ** 24


def settle_money(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], *, anew: bool = False) -> None:
    """Give each draft its currency, turn its money into plain amounts and add what they are in the base currency.

    `anew`: look up the currency of what a draft belongs to although the draft itself says nothing new about it.
    """
    entity = plan.entity
    if not entity.has_currency:
        return
    base_currency = rates.base_currency(ws)
    if entity.shares_currency:
        _share(ws, plan, drafts, base_currency, anew)
    due: list[tuple[Draft, list[Field], str]] = []
    for draft in drafts:
        currency = _currency(entity, draft, base_currency)
        fields = _amounts(plan, draft, currency)
        if fields:
            due.append((draft, fields, currency))
    if not due:
        return
    known = rates.load(ws, {currency for _, _, currency in due})
    for draft, fields, currency in due:
        day = ws.now.date() if currency == base_currency else rate_day(ws, entity, draft)
        rate = known.rate(currency, day)
        if rate is None:
            if currency in CURRENCIES:
                draft.wrong(NO_RATE(fields[0].key, currency=currency, base=known.base, date=day.isoformat()))
            continue  # what is no currency at all has been told already
        for field in fields:
            amount = draft.values.get(field.id)
            base = None if amount is None else rates.in_base(amount, rate) if rate != 1 else amount
            if base is not None and abs(base) >= _LARGEST:
                draft.wrong(TOO_LARGE(field.key, label=field.label))
            draft.values[field.id + BASE] = base


def _share(ws: Workspace, plan: WritePlan, drafts: Sequence[Draft], base_currency: str, anew: bool) -> None:
    """Rows whose amounts are added up as they are have the currency of what they belong to, and no other."""
    link = plan.entity.fields[plan.entity.currency_from or ""]
    theirs: dict[str, str] = {}
    wanted: list[Draft] = []
    for draft in drafts:
        owner, before = draft.values.get(link.id), draft.before
        if owner is None:
            continue
        if draft.parent is not None and draft.parent.id == owner:
            theirs[owner] = str(draft.parent.values.get("currency") or base_currency)
        elif anew or before is None or before.get(link.id) != owner or "currency" in draft.sent:
            wanted.append(draft)
    owners = {str(draft.values[link.id]) for draft in wanted} - theirs.keys()
    target = ws.model.entity(link.to[0])
    if owners and target is not None:
        found = currencies(ws, target, owners)
        theirs.update((id, currency or base_currency) for id, currency in found.items())
    for draft in drafts:
        currency = theirs.get(str(draft.values.get(link.id)))
        if currency is None:
            continue
        given = draft.sent.get("currency")
        if given not in (None, currency) and given != (draft.before or {}).get("currency"):
            draft.wrong(ROW_CURRENCY("currency", given=str(given)[:20], currency=currency, label=link.label))
        draft.values["currency"] = currency


def _currency(entity: Entity, draft: Draft, base_currency: str) -> str:
    given = draft.values.get("currency")
    if given is None:
        if entity.currency_from is not None and draft.parent is not None:
            given = draft.parent.values.get("currency")
        given = given or draft.learned.get("currency") or base_currency
        draft.values["currency"] = given
    elif given not in CURRENCIES and "currency" in draft.sent:
        draft.wrong(BAD_CURRENCY("currency", given=str(given)[:20]))
    return str(given)


def _amounts(plan: WritePlan, draft: Draft, currency: str) -> list[Field]:
    """The money fields whose base amount has to be worked out; sent money becomes a plain amount."""
    before = draft.before
    anew = before is None or before.get("currency") != currency
    rate_date = plan.entity.rate_date
    if before is not None and rate_date is not None and draft.values.get(rate_date) != before.get(rate_date):
        anew = True
    fields = []
    for field in plan.money:
        if "currency" in field.props:
            continue  # computed in the base currency
        value = draft.values.get(field.id)
        if isinstance(value, Money):
            if value.currency not in (None, currency):
                draft.wrong(OTHER_CURRENCY(field.key, label=field.label, given=value.currency, currency=currency))
            value = draft.values[field.id] = value.amount
        if value is not None if anew else value != (before or {}).get(field.id):
            fields.append(field)
    return fields


def rate_day(ws: Workspace, entity: Entity, draft: Draft) -> dt.date:
    """The day whose exchange rate counts for a record."""
    value = draft.values.get(entity.rate_date) if entity.rate_date else None
    value = value or (draft.before or {}).get("created_at") or ws.now
    if isinstance(value, dt.datetime):
        return value.astimezone(zone(str(ws.model.settings.get("timezone", "UTC")))).date()
    return value if isinstance(value, dt.date) else ws.now.date()
