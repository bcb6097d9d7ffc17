"""How a goal's files are packed, which of an archive's files it takes, and how much may come out.

Settings only; `shared/formats/unpacking` carries them out. A limit left out is the operator's, and one that is set
can only be stricter than the operator's.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.domain.model import Model
from shared.domain.names import matches, split
from shared.domain.openpgp_key import FINGERPRINT_PATTERN

Compression = Literal["auto", "none", "gzip", "zip", "bzip2", "xz", "zstd", "7z", "tar"]

MemberPattern = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+\z")]


Fingerprint = Annotated[str, StringConstraints(pattern=FINGERPRINT_PATTERN)]


class Unpack(Model):
    """How the file is packed, and which files of an archive are taken.

    decrypt: OpenPGP comes before all packing. `auto` goes by content, `required` refuses a file that is not encrypted,
    `never` takes the bytes as they are. require_signature_by: fingerprints of keys, of which one must have signed.
    compression: `auto` goes by content, `none` takes the bytes as they are; any other is demanded of the file itself,
    while what lies within it goes by content. `tar` may lie in a gzip, bzip2, xz or zstd.
    members: a wildcard as in `source.pattern`. With a `/` in it the whole path in the archive must fit, without one
    the name alone. `contacts.csv.gz` fits where `contacts.csv` would. Hidden files never fit (a leading dot, and what
    macOS adds under `__MACOSX`). A file that is no archive is taken whatever its name.
    """

    decrypt: Literal["auto", "required", "never"] = "auto"
    require_signature_by: tuple[Fingerprint, ...] = Field(default=(), max_length=20)
    compression: Compression = "auto"
    members: MemberPattern = "*"
    max_unpacked_bytes: int | None = Field(default=None, ge=1)
    max_ratio: int | None = Field(default=None, ge=1, description="Unpacked bytes for each packed one.")
    max_members: int | None = Field(default=None, ge=1, description="Entries of the archive, taken or not.")
    max_depth: int | None = Field(default=None, ge=1, description="Packings within each other; tar in gzip is two.")

    def takes(self, path: str) -> bool:
        """Whether the goal wants the file of this path in the archive."""
        return not is_hidden(path) and matches(self.members, path if "/" in self.members else split(path)[1])


def is_hidden(path: str) -> bool:
    """Whether no goal wants the file of this path in an archive, nor what is packed in it."""
    directory, name = split(path)
    return name.startswith(".") or "__MACOSX" in directory.split("/")
