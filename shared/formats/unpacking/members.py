"""Open a local file as its members: the files that a goal takes out of it, however they are packed.

What is packed within something packed is opened too, a layer at a time: each layer but the last is written into the
workspace, so that there is never more than one decoder at work, and whatever needs to seek can. The members themselves
stream out of the last layer, and can be read again.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from shared.domain.failures import FileTypeChanged, MemberNameTwice, NoMemberMatches
from shared.domain.unpack import Unpack, is_hidden
from shared.formats.source import ByteSource
from shared.formats.unpacking import seven_zip, tar, zip_members
from shared.formats.unpacking.budget import Budget, Limits, Meter, stricter
from shared.formats.unpacking.content import Content, LocalFile, Made, Spill, head
from shared.formats.unpacking.entry import Entry
from shared.formats.unpacking.names import shown
from shared.formats.unpacking.packing import (
    DENSE,
    HEAD_BYTES,
    STREAMS,
    SUFFIXES,
    Packing,
    is_tar,
    packing_of,
    without_suffix,
)
from shared.formats.unpacking.seven_zip_coders import Keys
from shared.formats.unpacking.streams import decoded
from shared.formats.unpacking.zip_directory import has_end_record, read_directory


@dataclass(slots=True)
class Member:
    """One file to import."""

    number: int
    """1, 2, ... in the order of the names."""
    name: str | None
    """Its path in the archive, for showing; None where the file was no archive. Never use it on a disk."""
    size_bytes: int | None
    """Unpacked, where the archive says so; reading proves it."""
    _content: Content
    _spill: Spill

    def open(self) -> AbstractContextManager[ByteSource]:
        """The member's bytes from their start; as often as needed.

        Opening and reading raise UnpackedTooLarge, UnpackRatioTooHigh, UnpackingNeedsMemory, DamagedArchive,
        ArchivePasswordMissing, ArchivePasswordWrong and PackingNotSupported.
        """
        return self._content.open()

    def as_file(self) -> Path:
        """A local file with just these bytes, for readers that must seek. Raises what reading raises."""
        if not isinstance(self._content, LocalFile):
            self._content = LocalFile(self._spill.keep(self._content))
        return self._content.path


@dataclass(frozen=True, slots=True)
class Members(Sequence[Member]):
    """The members of a file, by name; numbered from 1."""

    _members: list[Member]
    packing: tuple[Packing, ...]
    """How the file itself is packed, from the outside in, as far as it is the same for all: (gzip, tar)."""
    passed_over: int
    """Files of the archive that the goal does not take."""
    had_password: bool = False
    """Whether anything in the archive is under a password."""

    @overload
    def __getitem__(self, index: int) -> Member: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Member]: ...

    def __getitem__(self, index: int | slice) -> Member | Sequence[Member]:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)


@contextmanager
def open_members(
    path: Path,
    how: Unpack,
    *,
    workspace: Path,
    max_bytes: int,
    passwords: Sequence[str] = (),
    limits: Limits | None = None,
) -> Iterator[Members]:
    """The members of a local file, in the order of their names. Synchronous: it belongs into a thread.

    A file that is not packed is one member without a name; so is one that is only compressed. An archive without any
    file has no members. max_bytes: what may come out of all members together, in bytes; `limits` are the operator's
    others. Passwords are tried one after the other. What cannot stream is kept in the workspace, under names of ours,
    until the end of the block.
    Raises FileTypeChanged where the file is not packed as `how` says, NoMemberMatches where it holds other files only,
    TooManyMembers, PackedTooDeep, UnsafeArchive and InconsistentArchive with their kinds, and what `Member.open`
    raises.
    """
    allowed = (limits or Limits()).narrowed(how)
    budget = Budget(allowed, stricter(max_bytes, how.max_unpacked_bytes), path.stat().st_size)
    spill = Spill(workspace)
    try:
        yield _Opening(how, budget, passwords, spill).members(path)
    finally:
        spill.clear()


@dataclass(slots=True)
class _Found:
    path: str
    content: Content
    size_bytes: int | None


@dataclass(slots=True)
class _Opening:
    how: Unpack
    budget: Budget
    passwords: Sequence[str] = field(repr=False)
    spill: Spill
    packing: list[Packing] = field(default_factory=list)
    found: list[_Found] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    passed_over: int = 0
    keys: Keys = field(default_factory=Keys, repr=False)

    def members(self, path: Path) -> Members:
        packing = self._packing_of(path, head(LocalFile(path), HEAD_BYTES))
        _demand(self.how, packing, is_outermost=True)
        size = path.stat().st_size
        if packing is None:
            return Members([Member(1, None, size, LocalFile(path, Meter(self.budget)), self.spill)], (), 0)
        alone = self._open(path, packing, depth=1, counts=True)
        had_password = self.budget.had_password
        if alone is not None:
            return Members([Member(1, None, None, alone, self.spill)], tuple(self.packing), 0, had_password)
        if not self.found and self.passed_over:
            raise NoMemberMatches(f"Found {self.passed_over} files, none of them fits {self.how.members!r}.")
        self.found.sort(key=lambda each: each.path)
        members = [
            Member(number, each.path, each.size_bytes, each.content, self.spill)
            for number, each in enumerate(self.found, start=1)
        ]
        return Members(members, tuple(self.packing), self.passed_over, had_password)

    def _packing_of(self, path: Path, start: bytes) -> Packing | None:
        asked = self.how.compression
        found = None if asked == "none" else packing_of(start)
        if found is None and asked == "zip" and has_end_record(path):
            # It begins with something else: the directory's reader says what is wrong with that.
            return "zip"
        if found is None and asked == "tar" and is_tar(start):
            return "tar"
        return found

    def _open(self, path: Path, packing: Packing, *, depth: int, counts: bool, under: str = "") -> Content | None:
        """Open one layer. Gives its content where that is a single one without a name; the files of an archive are
        noted."""
        self.budget.check_depth(depth)
        if packing in DENSE:
            self.budget.expect_density()
        if not under:
            self.packing.append(packing)
        if packing in STREAMS:
            return self._open_stream(path, packing, depth=depth, under=under)
        if packing == "zip":
            directory = read_directory(path, self.budget)
            if zip_members.is_document(directory) and not (depth == 1 and self.how.compression == "zip"):
                if not under:
                    self.packing.pop()
                return LocalFile(path, Meter(self.budget) if counts else None)
            entries = zip_members.entries(path, directory, self.budget, self.passwords)
        elif packing == "tar":
            entries = tar.entries(path, self.budget, counts=counts)
        else:
            entries = seven_zip.entries(path, self.budget, self.passwords, self.spill, self.keys)
        for entry in entries:
            self._take(entry, depth=depth, under=under)
        return None

    def _open_stream(self, path: Path, packing: Packing, *, depth: int, under: str) -> Content | None:
        content = Made(LocalFile(path), lambda source: decoded(packing, source), Meter(self.budget))
        inner = packing_of(head(content, HEAD_BYTES))
        if not under and depth == 1:
            _demand(self.how, inner, is_outermost=False)
        if inner is None:
            return content
        self.budget.check_depth(depth + 1)
        return self._open(self.spill.keep(content), inner, depth=depth + 1, counts=False, under=under)

    def _take(self, entry: Entry, *, depth: int, under: str) -> None:
        """Note a file of an archive, or what is packed in it."""
        path = f"{under}/{entry.path}" if under else entry.path
        is_wanted = self.how.takes(path)
        if not is_wanted and (is_hidden(path) or not path.lower().endswith(SUFFIXES)):
            self.passed_over += 1
            return
        inner = packing_of(head(entry.content, HEAD_BYTES))
        content: Content | None = entry.content
        size_bytes = entry.size_bytes
        if inner is not None:
            self.budget.check_depth(depth + 1)
            kept = self.spill.keep(entry.content)
            content = self._open(kept, inner, depth=depth + 1, counts=False, under=path)
            is_wanted = is_wanted or self.how.takes(without_suffix(path))
            size_bytes = None
        if content is None:
            return
        if is_wanted:
            # An archive in the archive may be called as a directory of it is.
            if path in self.paths:
                raise MemberNameTwice(f"Found {shown(path)} twice.")
            self.paths.add(path)
            self.found.append(_Found(path, content, size_bytes))
        else:
            self.passed_over += 1


def _demand(how: Unpack, packing: Packing | None, *, is_outermost: bool) -> None:
    """Raise FileTypeChanged where the goal demands another packing."""
    asked = how.compression
    if asked in ("auto", "none") or (asked != "tar" and not is_outermost):
        return
    if packing == asked or (asked == "tar" and is_outermost and packing in STREAMS):
        return
    raise FileTypeChanged(f"Expected {asked}, found {packing or 'content that is not packed'}.")
