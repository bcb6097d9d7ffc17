"""How exported files are packed, split and announced. Settings only; `shared/formats/packing` carries them out."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shared.domain.model import Model

MOST_PIECES = 999
"""So that the numbers in their names have three digits, and names are in the order of the rows."""
CHECKSUM = ".sha256"
MANIFEST = ".manifest.json"
PREVIOUS = ".previous"
"""What a file is called that steps aside where a server cannot replace it."""
_OUR_OWN = (CHECKSUM, MANIFEST, PREVIOUS, ".part", ".json", ".gz", ".zip", ".zst", ".pgp", ".gpg")


class Packing(Model):
    """How files are packed. `.gz`, `.zip` or `.zst` is added to their names, unless target.file_name ends with it.

    password_id: the id of a password among the account's OpenPGP keys (`POST /v1/openpgp-keys` with kind `password`); a
    zip is encrypted with it by AES-256 (WinZip's AE-2), which 7-Zip and WinZip open and the oldest programs do not.
    A zip holds one file. Its name inside is target.file_name without what was added.
    """

    compression: Literal["none", "gzip", "zip", "zstd"] = "none"
    password_id: UUID | None = None

    @model_validator(mode="after")
    def _can_be_locked(self) -> Self:
        if self.password_id is not None and self.compression != "zip":
            raise ValueError(f"found a password with the compression {self.compression!r}; only a zip can have one")
        return self


class Split(Model):
    """Where a file ends and the next begins: exactly one of these. Never inside a record; each has the header.

    rows: so many rows in each file, without the header.
    bytes: so many bytes in each file at most, before it is packed; a record that is larger is a file of its own.

    The files of `contacts.csv` are `contacts_001.csv`, `contacts_002.csv` and so on, also where there is one; or
    target.file_name says with {number} where their number stands. More than 999 are refused. Files of the same name
    with higher numbers, of an earlier and larger delivery, are removed.
    """

    rows: int | None = Field(default=None, ge=1)
    bytes: int | None = Field(default=None, ge=1_024)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.rows is None) == (self.bytes is None):
            raise ValueError("expected exactly one of rows and bytes")
        return self


class DoneFile(Model):
    """An empty file that is there when all others are: named as the exported file, with this behind it."""

    suffix: Annotated[str, StringConstraints(pattern=r"^\.[A-Za-z0-9_-]{1,20}\z")] = ".done"

    @model_validator(mode="after")
    def _is_no_other(self) -> Self:
        if self.suffix.lower() in _OUR_OWN:
            raise ValueError(f"found {self.suffix!r}, which other files end with; expected one such as .done")
        return self
