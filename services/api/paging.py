"""Lists: how many at a time, filters, and opaque cursors to go on from.

A cursor holds the sort key of the last item that was seen, sealed for the account, the list and the filters that it
was given for: one that was made up, changed, or comes from elsewhere is refused. It outlives inserts, because the
next page begins behind a key and not behind a count.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.api.access import Visit
from services.api.problems import FIELD_CODES, FieldError, Refused
from shared.domain.failures import InvalidRequest, SecretKeyMissing
from shared.domain.moment import Moment
from shared.storage.secrets import KeyRing, Place, SealBroken

Item = TypeVar("Item")
Source = TypeVar("Source")
Mark = tuple[datetime, UUID]
"""The sort key of lists by time: when, and which one of that time."""

Limit = Annotated[int, Field(ge=1, le=1000, description="How many items at most")]
MAX_CURSOR_LENGTH = 2_000


class PageQuery(BaseModel):
    """What every list takes. An unknown parameter is an error, so that a misspelt filter does not pass for none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 100
    cursor: (
        Annotated[
            str,
            Field(max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the page before, with the same filters"),
        ]
        | None
    ) = None


class TimedQuery(PageQuery):
    """A list by time takes a part of it."""

    since: Annotated[Moment, Field(description="Not before this time")] | None = None
    until: Annotated[Moment, Field(description="Before this time")] | None = None


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it was asked for: the caller's, with these filters, from here on."""

    limit: int
    _cursor: str | None
    _ring: KeyRing
    _place: Place

    @classmethod
    def of(cls, visit: Visit, query: PageQuery, more: Mapping[str, object] | None = None) -> "Listing":
        """The list of this request; `more` are filters that the query's model does not have."""
        filters = query.model_dump(mode="json", exclude={"limit", "cursor"}) | dict(more or {})
        return cls.at(
            visit.tools.keys, visit.caller.account_id, visit.request.scope["path"], filters, query.limit, query.cursor
        )

    @classmethod
    def at(
        cls, ring: KeyRing, account_id: UUID, path: str, filters: dict[str, object], limit: int, cursor: str | None
    ) -> "Listing":
        """The list at a path."""
        asked = json.dumps([path, filters], sort_keys=True).encode()
        which = UUID(bytes=hashlib.sha256(asked).digest()[:16])
        return cls(limit, cursor, ring, Place(account_id, "lists", which, "cursor"))

    @property
    def wanted(self) -> int:
        """How many items to look for: one more than is shown tells whether there are more."""
        return self.limit + 1

    @property
    def mark(self) -> Mark | None:
        """Where to go on from in a list by time. Raises Refused."""
        key = self.key
        return None if key is None else (datetime.fromisoformat(str(key[0])), UUID(str(key[1])))

    @property
    def number(self) -> int:
        """Where to go on from in a list by number. Raises Refused."""
        key = self.key
        return 0 if key is None else int(str(key[0]))

    @property
    def key(self) -> list[object] | None:
        """The sort key to go on behind, as `page` was given it; None at the start. Raises Refused."""
        if self._cursor is None:
            return None
        try:
            sealed = base64.b64decode(self._cursor + "=" * (-len(self._cursor) % 4), altchars=b"-_", validate=True)
            key: list[object] = json.loads(self._ring.open(sealed, self._place))
        except (ValueError, binascii.Error, SealBroken, SecretKeyMissing) as error:
            code = "foreign_cursor"
            found = FieldError(pointer="?cursor", code=code, detail=FIELD_CODES[code])
            raise Refused(InvalidRequest(), [found]) from error
        return key

    def page(
        self,
        found: Sequence[Source],
        shown: Callable[[Source], Item],
        key: Callable[[Source], tuple[object, ...]],
    ) -> Page[Item]:
        """The page of what a query for `wanted` items found; `key` is the sort key of an item."""
        items = found[: self.limit]
        more = len(found) > self.limit
        return Page(items=[shown(each) for each in items], next_cursor=self._written(key(items[-1])) if more else None)

    def _written(self, key: tuple[object, ...]) -> str:
        plain = [
            part if isinstance(part, int) else part.isoformat() if isinstance(part, datetime) else str(part)
            for part in key
        ]
        sealed = self._ring.seal(json.dumps(plain, ensure_ascii=False), self._place)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
