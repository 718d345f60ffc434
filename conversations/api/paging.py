"""Pages of lists as the official API has them: `after` is the last id of the page before."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from conversations.api.errors import APIError
from conversations.api.shapes.inputs import ListQuery

Row = TypeVar("Row", bound=Model)


def fetch_page(rows: "QuerySet[Row]", asked: ListQuery, key: str) -> tuple[list[Row], bool]:
    """Return the rows of one page, and whether more follow.

    `key` is the unique column that the rows are in order of. Raise APIError with 404 if `after` names no row.
    """
    if asked.after is not None:
        last = rows.filter(public_id=asked.after).values_list(key, flat=True).first()
        if last is None:
            raise APIError(404, "not_found", f"There is no {asked.after!r} in this list.", param="after")
        rows = rows.filter(**{f"{key}__{'gt' if asked.order == 'asc' else 'lt'}": last})
    found = list(rows.order_by(key if asked.order == "asc" else f"-{key}")[: asked.limit + 1])
    return found[: asked.limit], len(found) > asked.limit
