"""Lists: how many at a time, and opaque cursors to go on from.

A cursor holds the sort key of the last item that was seen. It is not signed: whatever it says, a list shows only
what belongs to the caller's account.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.api.problems import FieldError, Refused
from shared.domain.failures import InvalidRequest

Item = TypeVar("Item")
Source = TypeVar("Source")
Mark = tuple[datetime, UUID]
"""The sort key of lists by time: when, and which one of that time."""

Limit = Annotated[int, Field(ge=1, le=1000, description="How many items at most")]


class PageQuery(BaseModel):
    """What every list takes. An unknown parameter is an error, so that a misspelt filter does not pass for none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 100
    cursor: Annotated[str, Field(max_length=500, description="`next_cursor` of the page before")] | None = None

    @property
    def mark(self) -> Mark | None:
        """Where to go on from in a list by time. Raises Refused."""
        if self.cursor is None:
            return None
        try:
            when, which = _read(self.cursor)
            return datetime.fromisoformat(str(when)), UUID(str(which))
        except ValueError as error:
            raise _foreign_cursor() from error

    @property
    def number(self) -> int:
        """Where to go on from in a list by number. Raises Refused."""
        if self.cursor is None:
            return 0
        try:
            (number,) = _read(self.cursor)
        except ValueError as error:
            raise _foreign_cursor() from error
        if type(number) is not int or not 0 <= number < 2**63:
            raise _foreign_cursor()
        return number


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


def page_of(
    found: Sequence[Source], limit: int, shown: Callable[[Source], Item], key: Callable[[Source], tuple[object, ...]]
) -> Page[Item]:
    """A page of what a query for `limit + 1` found; `key` is the sort key of an item."""
    items = found[:limit]
    more = len(found) > limit
    return Page(items=[shown(each) for each in items], next_cursor=_written(key(items[-1])) if more else None)


def _written(parts: tuple[object, ...]) -> str:
    plain = [
        part if isinstance(part, int) else part.isoformat() if isinstance(part, datetime) else str(part)
        for part in parts
    ]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str) -> list[object]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    parts = json.loads(raw)
    if not isinstance(parts, list):
        raise ValueError("not a cursor")
    return parts


def _foreign_cursor() -> Refused:
    detail = "This is not a cursor of this list; give next_cursor of the page before, unchanged."
    return Refused(InvalidRequest(), [FieldError(pointer="?cursor", code="invalid_value", detail=detail)])
