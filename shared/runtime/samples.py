"""From anyone's file to what a goal would say of it: packing, encoding, dialect, columns, mapping, and open questions.

Encoding and packing are judged by the whole file, the rest by so many rows as fit into bounded memory; the findings say
how many. Nothing of the file is logged, and a file that holds no table ends as findings with its trouble.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from shared.domain.asking import Asking
from shared.domain.failures import EmptyFile, InvalidRequest, NoDecryptionKey, Permanent, UnknownFormat
from shared.domain.findings import Answer, Certainty, Findings, Found, Trouble
from shared.domain.property import Property
from shared.domain.unpack import Unpack
from shared.formats.openpgp.detect import detect as detect_message
from shared.formats.sniffing.archives import find_members
from shared.formats.sniffing.kinds import HEAD_BYTES, foreign_kind
from shared.formats.unpacking.members import Member, Members, open_members
from shared.formats.xlsx_workbook import ZIP_MAGIC
from shared.runtime.sample_seen import Seen
from shared.runtime.sample_tables import Table, read_text, read_workbook

MAX_BYTES = 10 << 30


def find(
    path: Path,
    properties: Sequence[Property] = (),
    answers: Sequence[Answer] = (),
    *,
    name: str = "",
    passwords: Sequence[str] = (),
    opened: Sequence[str] = (),
    max_bytes: int = MAX_BYTES,
    workspace: Path | None = None,
) -> Findings:
    """Look at a local file. `properties` are the account's, in their order; `answers` are a person's.

    `passwords` are tried on archives; `opened` is what was taken off before, as `openpgp`; max_bytes is what may come
    out of an archive; what must be unpacked to be read is kept in the workspace (the system's by default) until the
    end. Synchronous, for a thread. Raises InvalidRequest for an answer that is no choice, and OSError.
    """
    asking = Asking(answers)
    seen = Seen(name or path.name, path.stat().st_size, opened=tuple(opened))
    try:
        with TemporaryDirectory(prefix="tidegate-sample-", dir=workspace) as made:
            _look_at(path, properties, asking, seen, Unpacking(Path(made), max_bytes, passwords))
    except InvalidRequest:
        raise
    except Permanent as failure:
        seen.trouble = Trouble(code=failure.code, sentence=str(failure), what_to_do=failure.what_to_do)
    return seen.findings(asking)


@dataclass(frozen=True, slots=True)
class Unpacking:
    """What opening a packed sample takes."""

    workspace: Path
    max_bytes: int
    passwords: Sequence[str]


def _look_at(path: Path, properties: Sequence[Property], asking: Asking, seen: Seen, unpacking: Unpacking) -> None:
    if not seen.size_bytes:
        raise EmptyFile
    if detect_message(path) is not None:
        seen.packing = Found(value="openpgp", why=("It begins as an OpenPGP message.",))
        raise NoDecryptionKey("It must be decrypted before it can be looked at.")
    with ExitStack() as stack:
        member = _member(path, asking, seen, unpacking, stack)
        with member.open() as source:
            head = source.read(HEAD_BYTES)
        if not head:
            raise EmptyFile
        kind = foreign_kind(head)
        if kind is not None:
            raise UnknownFormat(f"Found {kind.name}. {kind.what_to_do}")
        # Of a file that may not be meant at all, nothing is asked.
        is_meant = seen.members is None or seen.members.certainty is not Certainty.OPEN
        table_asking = asking if is_meant else Asking()
        table = Table(member, unpacking.workspace, unpacking.max_bytes, properties, table_asking, seen)
        if head.startswith(ZIP_MAGIC):
            read_workbook(table)
        else:
            read_text(table)


def _member(path: Path, asking: Asking, seen: Seen, unpacking: Unpacking, stack: ExitStack) -> Member:
    """The file to look at: the sample itself, or one of an archive."""

    def opened(pattern: str) -> Members:
        try:
            how = Unpack(members=pattern)
        except ValidationError as error:
            raise InvalidRequest("The wildcard of the members cannot be used.") from error
        return stack.enter_context(
            open_members(
                path,
                how,
                workspace=unpacking.workspace,
                max_bytes=unpacking.max_bytes,
                passwords=unpacking.passwords,
            )
        )

    members = opened("*")
    seen.packing = Found(value="+".join((*seen.opened, *members.packing)) or "none", why=("By its content.",))
    if not members:
        raise EmptyFile("Found an archive without any file.")
    if next(iter(members)).name is None:
        return next(iter(members))
    names = [member.name or "" for member in members]
    seen.members = find_members(names, asking)
    if seen.members.value == "*":
        return next(iter(members))
    return next(iter(opened(seen.members.value)))
