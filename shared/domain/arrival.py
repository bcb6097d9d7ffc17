"""Arrivals: one sighting of one file in a drop folder."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ArrivalState(StrEnum):
    """What became of a file that was seen."""

    WAITING = "waiting"
    UNMATCHED = "unmatched"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a listing says of a file; equal stamps are taken for the same bytes."""

    path: str
    size_bytes: int
    modified_at: datetime
