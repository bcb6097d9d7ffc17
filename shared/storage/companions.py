"""Files that said of others that they are complete: markers, checksums, manifests. Writes `companions`.

Nothing here commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.domain.arrival import FileStamp
from shared.storage.database import Tx


@dataclass(frozen=True, slots=True)
class Companion:
    """A file beside an arrival."""

    file: FileStamp
    is_manifest: bool = False
    names: int | None = None
    """How many of the files that it stands for, or as a manifest names, goals take."""
    is_file: bool = False
    """Whether another goal takes it as its file: it is put away when that was imported."""
    is_needed: bool = False
    """Whether it is not to be put away: it is a file itself, or still stands for others that are not taken or not put
    away yet, or whose import failed."""


async def add(tx: Tx, connection_id: UUID, companions: Mapping[UUID, Sequence[Companion]]) -> None:
    """Note what stood beside arrivals, by their ids, when they were taken."""
    rows = [(arrival_id, each) for arrival_id, several in companions.items() for each in several]
    if not rows:
        return
    await tx.execute(
        "companions.add",
        tx.account_id,
        connection_id,
        [arrival_id for arrival_id, _ in rows],
        [each.file.path for _, each in rows],
        [each.file.size_bytes for _, each in rows],
        [each.file.modified_at for _, each in rows],
        [each.is_manifest for _, each in rows],
        [each.names for _, each in rows],
        [each.is_file for _, each in rows],
    )


async def of_arrival(tx: Tx, arrival_id: UUID) -> list[Companion]:
    """What stood beside an arrival."""
    rows = await tx.fetch("companions.of_arrival", tx.account_id, arrival_id)
    return [
        Companion(FileStamp(row["path"], row["size_bytes"], row["modified_at"]), is_needed=row["is_needed"])
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Stood:
    """A file that stood beside another one, which was put away or is being so."""

    file: FileStamp
    came_as: str
    """The path under which the other one was found."""
    settled_path: str | None
    """Where that was put; None while it is being put away, or nobody has written down yet where."""


async def put_away(tx: Tx, connection_id: UUID, paths: Sequence[str]) -> list[Stood]:
    """What stood under these paths beside files that were put away, or are being so: it is put away like them."""
    rows = await tx.fetch("companions.put_away", tx.account_id, connection_id, paths) if paths else []
    return [
        Stood(FileStamp(row["path"], row["size_bytes"], row["modified_at"]), row["came_as"], row["settled_path"])
        for row in rows
    ]


async def moved(tx: Tx, connection_id: UUID) -> list[tuple[str, str]]:
    """From which directories goals of the connection ever moved files, and where to; none where none had companions."""
    rows = await tx.fetch("companions.moved", tx.account_id, connection_id)
    return [(row["directory"], row["move_to"]) for row in rows]


async def taken(tx: Tx, connection_id: UUID, manifests: Sequence[FileStamp]) -> dict[str, frozenset[str]]:
    """By the path of each manifest, the paths of the files that were taken because it names them."""
    found: dict[str, set[str]] = {}
    by_path = {each.path: each for each in manifests}
    for row in await tx.fetch("companions.taken", tx.account_id, connection_id, list(by_path)):
        if FileStamp(row["manifest"], row["size_bytes"], row["modified_at"]) == by_path[row["manifest"]]:
            found.setdefault(row["manifest"], set()).add(row["path"])
    return {path: frozenset(paths) for path, paths in found.items()}
