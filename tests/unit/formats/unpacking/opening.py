"""Open packed bytes as a goal would, and read everything that comes out, twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.domain.failures import Failure
from shared.domain.unpack import Unpack
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import Limits
from shared.formats.unpacking.members import Member, open_members

Found = list[tuple[str | None, bytes]]


def opened(
    place: Path,
    packed: bytes,
    *,
    passwords: Sequence[str] = (),
    max_bytes: int = 1 << 30,
    limits: Limits | None = None,
    **how: Any,
) -> Found:
    """Name and content of each member. What was read first must come again, and nothing may be left behind."""
    file = place / "arrived"
    file.write_bytes(packed)
    settings = Unpack.model_validate(how)
    with open_members(
        file, settings, workspace=place, max_bytes=max_bytes, passwords=passwords, limits=limits
    ) as members:
        found = [(member.name, read(member)) for member in members]
        assert found == [(member.name, read(member)) for member in members]
        assert [member.number for member in members] == list(range(1, len(members) + 1))
    assert [path.name for path in place.iterdir()] == ["arrived"]
    return found


def fault(place: Path, packed: bytes, **settings: Any) -> str:
    """The code of the failure that reading these bytes ends with; empty where it succeeds."""
    try:
        opened(place, packed, **settings)
    except Failure as failure:
        found = failure
    else:
        return ""
    assert found.sentence.endswith(".")
    assert found.what_to_do
    return found.code


def read(member: Member) -> bytes:
    """All bytes of a member."""
    with member.open() as source:
        return drained(source)


def drained(source: ByteSource, size: int = 50_000) -> bytes:
    """All bytes of a source, which never gives more than it was asked for."""
    found = []
    while data := source.read(size):
        assert len(data) <= size
        found.append(data)
    return b"".join(found)
