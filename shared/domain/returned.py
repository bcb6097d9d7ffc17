"""What is put into a drop folder for a file's sender when its run has ended: its names, and the acknowledgement.

Pure. The names begin with the file's own, so that a person finds them, and fit to what servers can hold.
"""

import json
from uuid import UUID

from pydantic import Field, StrictBool, field_validator

from shared.domain.model import Model
from shared.domain.names import MAX_NAME_BYTES, MAX_PATH_BYTES, Directory, cut, joined, shown, split, to_bytes
from shared.domain.receipt import Receipt
from shared.domain.unpack import Fingerprint

REJECTS = ".rejects.csv"
VALUE_REJECTS = ".value-rejects.csv"
ACKNOWLEDGEMENT = ".ack"
SEALED = ".gpg"
_LONGEST = max(map(len, (REJECTS, VALUE_REJECTS, ACKNOWLEDGEMENT))) + len(SEALED)
_ID_DIGITS = 8
_LONGEST_RETURN_TO = 768


class ReturnedRejects(Model):
    """What is put into the drop folder for the sender when a run has ended: rejects, and an acknowledgement.

    return_to: a directory that no goal of the connection watches. A file `contacts.csv` comes back as
    `contacts.csv.rejects.csv` (its rejected rows) and `contacts.csv.value-rejects.csv` (its rejected values), where
    there are any, as `/v1/runs/{id}/rejects.csv` has them. Where a file of such a name lies there already, the names of
    the run's files carry the first eight digits of its id behind the file's own name.
    encrypt_to: fingerprints of the account's OpenPGP keys; rejects are encrypted to all of them, and their names end
    with `.gpg`. Needed where files must be encrypted: rejects of a file that came encrypted, or in an archive under a
    password, are not put there plain.
    acknowledge: also write `contacts.csv.ack`, after the others: JSON of `file`, `size_bytes`, `sha256`, `run_id`,
    `state`, `reason_code`, `finished_at`, `mends`, the receipt's counts of rows, `rejects_file` and
    `value_rejects_file` (null where there is none; names that are no UTF-8 are escaped). Written however the run ended,
    and never encrypted: it holds no value of any row.
    """

    return_to: Directory
    encrypt_to: tuple[Fingerprint, ...] = Field(default=(), max_length=20)
    acknowledge: StrictBool = True

    @field_validator("return_to")
    @classmethod
    def _leaves_room(cls, value: str) -> str:
        if len(value.encode()) > _LONGEST_RETURN_TO:
            raise ValueError(f"expected at most {_LONGEST_RETURN_TO} bytes, so that there is room for the files' names")
        return value


def stems(path: str, directory: str, run_id: UUID) -> tuple[str, str]:
    """How the paths of a run's files may begin: as the file is called, or with the run's id where that is taken."""
    name = split(path)[1]
    room = min(MAX_NAME_BYTES, MAX_PATH_BYTES - len(to_bytes(directory)) - 1) - _LONGEST
    suffix = f".{run_id.hex[:_ID_DIGITS]}"
    return joined(directory, cut(name, room)), joined(directory, cut(name, room - len(suffix)) + suffix)


def all_of(stem: str) -> list[str]:
    """Every path that a run may put files under."""
    rejects = [stem + kind + sealed for kind in (REJECTS, VALUE_REJECTS) for sealed in ("", SEALED)]
    return [*rejects, stem + ACKNOWLEDGEMENT]


def acknowledgement(receipt: Receipt, path: str, rejects_file: str | None, value_rejects_file: str | None) -> bytes:
    """What the sender is told of a run: its end and its counts, and no value of any row.

    A reason's detail stays here: it may name what the file holds.
    """
    file = receipt.file
    told = {
        "file": _told(path),
        "size_bytes": None if file is None else file.size_bytes,
        "sha256": None if file is None else file.sha256,
        "run_id": str(receipt.run_id),
        "state": receipt.state.value,
        "reason_code": None if receipt.reason is None else receipt.reason.code,
        "finished_at": None if receipt.finished_at is None else receipt.finished_at.isoformat(),
        "mends": None if receipt.mends is None else str(receipt.mends),
        **{name: getattr(receipt, name) for name in _TOLD},
        "rejects_file": None if rejects_file is None else _told(rejects_file),
        "value_rejects_file": None if value_rejects_file is None else _told(value_rejects_file),
    }
    return json.dumps(told, indent=2).encode() + b"\n"


def _told(path: str) -> str:
    """A file's name as its sender wrote it, which JSON can hold where it is UTF-8; escaped where it is not."""
    name = split(path)[1]
    return name if to_bytes(name) == name.encode() else shown(name)


_TOLD = (
    *("rows_read", "created", "updated", "unchanged", "skipped", "rejected"),
    *("skipped_by_reason", "rejects_by_code", "values_rejected_by_code"),
)
"""Counts of the file's rows. What else a receipt counts (opt-ins withheld, who was absent) is none of the sender's."""
