"""Every statement, built once, so that SQLAlchemy finds each compiled in its cache."""

from __future__ import annotations

import sqlalchemy as sa

from tests.bench.handwritten.tables import account, event, opportunity, sign_in, token

OPPORTUNITY_COLUMNS = tuple(each for each in opportunity.c if each.name not in ("f_amount__base", "deleted_at"))
ACCOUNT_COLUMNS = tuple(each for each in account.c if each.name != "deleted_at")
PAGE = 50

_living = opportunity.c.deleted_at.is_(None)

SIGN_IN = (
    sa.select(token.c.account)
    .join(sign_in, sign_in.c.id == token.c.account)
    .where(
        token.c.hash == sa.bindparam("hash"),
        token.c.expires_at > sa.bindparam("now"),
        token.c.revoked_at.is_(None),
        sign_in.c.disabled_at.is_(None),
    )
)

READ = (
    sa.select(*OPPORTUNITY_COLUMNS, *ACCOUNT_COLUMNS)
    .join(account, account.c.id == opportunity.c.f_account)
    .where(opportunity.c.id == sa.bindparam("id"), _living)
)
READ_FOR_UPDATE = (
    sa.select(*OPPORTUNITY_COLUMNS).where(opportunity.c.id == sa.bindparam("id"), _living).with_for_update()
)

_listed = sa.select(*OPPORTUNITY_COLUMNS).where(_living).limit(sa.bindparam("limit")).offset(sa.bindparam("offset"))
_matching = (opportunity.c.f_stage == sa.bindparam("stage"), opportunity.c.f_amount__base > sa.bindparam("over"))
_by_date = (opportunity.c.f_close_date, opportunity.c.id)

LIST = _listed.where(*_matching).order_by(*_by_date)
COUNT = sa.select(sa.func.count()).select_from(opportunity).where(_living, *_matching)
CONTAINING = _listed.where(opportunity.c.f_name.ilike(sa.bindparam("pattern"), escape="\\")).order_by(*_by_date)
BY_STAGE = (
    sa.select(opportunity.c.f_stage, sa.func.count(), sa.func.sum(opportunity.c.f_amount__base))
    .where(_living)
    .group_by(opportunity.c.f_stage)
    .order_by(opportunity.c.f_stage)
)

INSERT = sa.insert(opportunity)
INSERT_EVENT = sa.insert(event)


def update(fields: frozenset[str]) -> sa.Update:
    """The update that sets these columns, the version and who did it when."""
    if fields not in _updates:
        _updates[fields] = (
            sa.update(opportunity)
            .where(opportunity.c.id == sa.bindparam("record"))
            .values({name: sa.bindparam(name) for name in sorted(fields)})
        )
    return _updates[fields]


_updates: dict[frozenset[str], sa.Update] = {}
