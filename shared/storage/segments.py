"""Segments of an account: conditions with a name. Writes `segments`.

Whether a condition makes sense is not judged here: `shared/processing/condition_checks.py` does, before it is saved,
given what `asking.py` reads. Who is in a segment is asked by `segment_profiles.py` and by exports.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.condition import Leaf, Node, leaves
from shared.domain.failures import AlreadyExists, NotFound, SegmentInUse, TooManySegments
from shared.domain.profile_conditions import InSegment
from shared.domain.segment import MAX_SEGMENTS, Segment
from shared.storage.database import Record, Tx
from shared.storage.errors import names_guarded


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment as it is stored."""

    id: UUID
    segment: Segment
    version: int
    created_at: datetime


async def begin_saving(tx: Tx) -> None:
    """Let no other segment of the account be saved or deleted until the transaction ends."""
    await tx.execute("segments.lock_account", tx.account_id)


async def create(tx: Tx, new: Segment) -> StoredSegment:
    """Save a new segment. Raises AlreadyExists, TooManySegments. The caller has begun saving."""
    if await tx.value("segments.count", tx.account_id) >= MAX_SEGMENTS:
        raise TooManySegments(f"Expected at most {MAX_SEGMENTS}.")
    row = await tx.row("segments.insert", tx.account_id, new.name, _settings(new))
    if row is None:
        raise AlreadyExists(f"Found a segment {new.name!r} already.")
    return _segment(row)


async def get(tx: Tx, segment_id: UUID) -> StoredSegment:
    """One segment. Raises NotFound."""
    return _segment(await tx.row("segments.get", tx.account_id, segment_id))


async def lock(tx: Tx, segment_id: UUID) -> StoredSegment:
    """One segment, held until the transaction ends. Raises NotFound. The caller has begun saving."""
    return _segment(await tx.row("segments.lock", tx.account_id, segment_id))


async def page(tx: Tx, *, name: str | None, after: str, limit: int) -> list[StoredSegment]:
    """Segments by their names, of one name or all; `after` is empty at the start."""
    return [_segment(row) for row in await tx.fetch("segments.page", tx.account_id, name, after, limit)]


async def conditions(tx: Tx) -> dict[UUID, Node]:
    """What the profiles of each segment must be like."""
    rows = await tx.fetch("segments.list", tx.account_id)
    return {found.id: found.segment.condition for found in map(_segment, rows)}


async def names(tx: Tx) -> dict[UUID, str]:
    """What each segment is called, by name."""
    found = map(_segment, await tx.fetch("segments.list", tx.account_id))
    return {each.id: each.segment.name for each in sorted(found, key=lambda each: each.segment.name)}


async def name_of(tx: Tx, segment_id: UUID | None) -> str | None:
    """What a segment is called; None for none. Raises NotFound."""
    return None if segment_id is None else (await get(tx, segment_id)).segment.name


async def hold(tx: Tx, segment_ids: Collection[UUID]) -> set[UUID]:
    """Those of these segments that there are, kept from being deleted until the transaction ends."""
    return {row["segment_id"] for row in await tx.fetch("segments.hold", tx.account_id, list(segment_ids))}


async def change(tx: Tx, held: StoredSegment, changed: Segment) -> StoredSegment:
    """Save a change of a held segment: a new version. Raises AlreadyExists."""
    if changed.name != held.segment.name and await page(tx, name=changed.name, after="", limit=1):
        raise AlreadyExists(f"Found a segment {changed.name!r} already.")
    with names_guarded():
        return _segment(await tx.row("segments.change", tx.account_id, held.id, changed.name, _settings(changed)))


async def delete(tx: Tx, held: StoredSegment) -> None:
    """Take a held segment away; nobody's data goes with it. Raises SegmentInUse where something names it."""
    users = await tx.fetch("segments.goals", tx.account_id, {"segment": str(held.id)})
    if users:
        raise SegmentInUse(f"Found the goals {', '.join(str(row['goal_id']) for row in users)}.")
    others = await asking(tx, lambda leaf: isinstance(leaf, InSegment) and leaf.segment == held.id)
    if others:
        raise SegmentInUse(f"Found the segments {', '.join(map(str, others))}.")
    await tx.execute("segments.delete", tx.account_id, held.id)


async def asking(tx: Tx, is_it: Callable[[Leaf], bool]) -> list[UUID]:
    """Ten at most of the segments that ask for a thing, which the caller holds so that no new one can."""
    found = [one for one, node in (await conditions(tx)).items() if any(is_it(leaf) for _, leaf in leaves(node))]
    return found[:10]


def _settings(segment: Segment) -> dict[str, object]:
    return segment.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _segment(row: Record | None) -> StoredSegment:
    if row is None:
        raise NotFound
    return StoredSegment(row["segment_id"], Segment.model_validate(row["settings"]), row["version"], row["created_at"])
