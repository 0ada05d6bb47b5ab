"""Lists of records: the page, its filter, columns, groups, saved views, bulk edits and exports."""

from __future__ import annotations

from blueprints.app.lists import bulk, exporting, filters, groups, looks, one, page, saving
from blueprints.app.lists.asked import views_of
from blueprints.app.lists.columns import Head, columns_of
from blueprints.app.lists.rows import rows_of

ROUTES = (
    *filters.ROUTES,
    *groups.ROUTES,
    *looks.ROUTES,
    *saving.ROUTES,
    *one.ROUTES,
    *bulk.ROUTES,
    *exporting.ROUTES,
    *page.ROUTES,
)

__all__ = ["ROUTES", "Head", "columns_of", "rows_of", "views_of"]
