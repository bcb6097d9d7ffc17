"""Arrivals: one sighting of one file in a drop folder."""

from datetime import datetime
from enum import StrEnum

from shared.domain.model import Model


class ArrivalState(StrEnum):
    """What became of a file that was seen."""

    WAITING = "waiting"
    UNMATCHED = "unmatched"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    VANISHED = "vanished"


class FileStamp(Model):
    """What a listing says of a file; equal stamps are taken for the same bytes."""

    path: str
    size_bytes: int
    modified_at: datetime
