"""Markers, checksums and manifests of files that a hosted folder keeps no longer: they go with their files.

Left behind they would seem to wait for files that are not there. Only what is as it was when its file was taken goes,
where it stood or was put away with its file, and only once it stands for nothing else. Nothing here touches the disk.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from services.poller.lying import Lying
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.names import joined, split, unnumbered
from shared.storage import companions
from shared.storage.database import Tx
from shared.storage.retention import Known
from shared.storage.uploads import Upload

_NOBODYS = (ArrivalState.WAITING, ArrivalState.UNMATCHED)


async def stood_beside(tx: Tx, gone: Iterable[Known]) -> dict[str, FileStamp]:
    """What stood beside files that are gone and has no more to say, by the paths where it may lie now."""
    found: dict[str, FileStamp] = {}
    for known in gone:
        for each in await companions.of_arrival(tx, known.arrival_id):
            if not each.is_needed:
                found.update(dict.fromkeys(may_lie_at(each.file.path, known), each.file))
    return found


def may_lie_at(companion: str, known: Known) -> Iterator[str]:
    """Where it stood, and where it was put away if that went with it as with its file."""
    yield companion
    if known.settled_path is not None:
        yield from put_away_as(companion, known.path, known.settled_path)


def put_away_as(companion: str, came_as: str, settled_path: str) -> Iterator[str]:
    """What it is called that stood beside a file and was put away like it, but for a number behind it of its own."""
    directory = split(settled_path)[0]
    if directory != split(came_as)[0]:
        yield joined(directory, split(companion)[1])
    elif settled_path.startswith(f"{came_as}."):
        suffix = settled_path.removeprefix(came_as)
        yield companion + suffix
        # The file's own number is not its companion's.
        if unnumbered(suffix):
            yield companion + unnumbered(suffix)


def says_no_more(
    lying: Lying, stood: FileStamp, known: Collection[Known], latest: Upload | None, before: datetime
) -> bool:
    """Whether what lies there is that, and nobody has put it there anew or takes it for a file."""
    if (lying.stamp.size_bytes, lying.stamp.modified_at) != (stood.size_bytes, stood.modified_at):
        return False
    if lying.changed_at >= before or (latest is not None and latest.state != "closed"):
        return False
    return all(
        each.state in _NOBODYS and not each.has_open_runs and each.last_at < before and each.is_of(lying.stamp)
        for each in known
    )
