"""Look at a kept file: brought to disk, decrypted with the account's keys, and read in a process of its own.

Whatever the file does ends as findings, or as a preview; one that cannot be read has its trouble in them. Nothing of it
is logged.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Literal
from uuid import UUID

from shared.domain.failures import DecryptionTooSlow, FileFailure, GnupgFailed, InvalidGoal, InvalidRequest
from shared.domain.findings import Answer, Findings, Found, Looked, Trouble
from shared.domain.goal import AnyImport, ImportEvents
from shared.domain.openpgp_key import Bundle
from shared.domain.preview import Preview
from shared.formats.openpgp.gpg import Programs
from shared.formats.openpgp.limits import Limits
from shared.formats.openpgp.message import Policy, decrypt
from shared.processing.event_columns import properties_of
from shared.runtime import preview_process, sample_process
from shared.runtime.apart import Apart
from shared.runtime.preview_process import PreviewOrder
from shared.runtime.sample_process import SampleAnswer, SampleOrder
from shared.runtime.workspace import has_room
from shared.storage import event_types, kept_files, openpgp_keys, properties
from shared.storage.database import Database
from shared.storage.kept_files import KeptFile
from shared.storage.secrets import KeyRing

AT_A_TIME = 2
"""So many files are looked at in one process; who comes when all are busy waits. Memory and disk are given by that."""
MAX_UNPACKED_BYTES = 1 << 30
"""May come out of a sample, also decrypted; of an import the operator's setting holds."""
DECRYPTION_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Looking:
    """What looking at files takes."""

    database: Database
    keys: KeyRing
    work_directory: Path
    gpg: Programs | None
    apart: Apart
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))

    async def look(self, account_id: UUID, file: KeptFile, answers: Sequence[Answer] = ()) -> Findings:
        """What is found out about a kept file.

        Raises InvalidRequest for an answer that is no choice, KeptFileGone, DiskFull, StorageUnavailable.
        """
        async with self.database.account(account_id, read_only=True) as tx:
            known = tuple(await properties.list_all(tx))
            bundle = await openpgp_keys.bundle_of(tx, self.keys)
        try:
            async with self.opened(account_id, file, bundle) as plain:
                order = SampleOrder(
                    file=plain.path,
                    name=file.name,
                    properties=known,
                    answers=tuple(answers),
                    passwords=bundle.passwords,
                    opened=("openpgp",) if plain.was_message else (),
                    max_bytes=MAX_UNPACKED_BYTES,
                    workspace=plain.path.parent,
                )
                told = await self.apart(sample_process.MODULE, order.model_dump_json(by_alias=True).encode())
                made = SampleAnswer.model_validate_json(told)
        except (FileFailure, DecryptionTooSlow, GnupgFailed) as failure:
            return _troubled(file, failure)
        if made.findings is None:
            raise InvalidRequest(made.refused)
        return made.findings

    async def preview(self, account_id: UUID, file: KeptFile, goal: AnyImport, rows: int) -> Preview:
        """The first rows of a kept file as the goal would read them.

        Raises KeptFileGone, DiskFull, StorageUnavailable.
        """
        async with self.database.account(account_id, read_only=True) as tx:
            known = tuple(await properties.list_all(tx))
            types = {each.name: each for each in await event_types.list_all(tx)}
            bundle = await openpgp_keys.bundle_of(tx, self.keys)
        how = goal.unpack
        try:
            if isinstance(goal, ImportEvents):
                known += properties_of(goal.event, types)
            async with self.opened(account_id, file, bundle, how.decrypt, how.require_signature_by) as plain:
                order = PreviewOrder(
                    file=plain.path,
                    goal=goal,
                    properties=known,
                    passwords=bundle.passwords,
                    rows=rows,
                    workspace=plain.path.parent,
                    max_bytes=min(MAX_UNPACKED_BYTES, how.max_unpacked_bytes or MAX_UNPACKED_BYTES),
                )
                made = await self.apart(preview_process.MODULE, order.model_dump_json(by_alias=True).encode())
        except (FileFailure, DecryptionTooSlow, GnupgFailed, InvalidGoal) as failure:
            return Preview(trouble=_trouble(failure))
        return Preview.model_validate_json(made)

    @asynccontextmanager
    async def opened(
        self,
        account_id: UUID,
        file: KeptFile,
        bundle: Bundle,
        how: Literal["auto", "required", "never"] = "auto",
        signers: Iterable[str] = (),
    ) -> AsyncIterator["Plain"]:
        """A kept file on disk, its plain content where it was encrypted; in a directory that is nobody else's.

        Raises what `message.decrypt` raises, KeptFileGone, DiskFull.
        """
        async with self.turns:
            with has_room(), TemporaryDirectory(prefix="sample-", dir=self.work_directory) as made:
                sealed = Path(made) / "kept"
                with sealed.open("xb") as target:
                    async for chunk in kept_files.read(self.database, account_id, file):
                        await asyncio.to_thread(_write, target, chunk)
                limits = Limits(output_bytes=MAX_UNPACKED_BYTES, seconds=DECRYPTION_SECONDS)
                policy = Policy(decrypt=how, require_signature_by=frozenset(signers), limits=limits)
                opened = await decrypt(sealed, sealed.with_name("decrypted"), bundle, policy, gpg=self.gpg)
                yield Plain(opened.path, was_message=opened.path != sealed)


@dataclass(frozen=True, slots=True)
class Plain:
    """A file that can be read."""

    path: Path
    was_message: bool
    """Whether it came out of an OpenPGP message."""


def _write(target: BinaryIO, chunk: bytes) -> None:
    target.write(chunk)


def _troubled(file: KeptFile, failure: FileFailure | DecryptionTooSlow | GnupgFailed) -> Findings:
    """All that is known of a file that could not even be opened."""
    return Findings(
        name=file.name,
        looked=Looked(size_bytes=file.size_bytes, rows=0, whole=False),
        packing=Found(value="unknown"),
        trouble=_trouble(failure),
    )


def _trouble(failure: FileFailure | DecryptionTooSlow | GnupgFailed | InvalidGoal) -> Trouble:
    sentence = f"{failure.sentence} {failure.detail}".strip()
    return Trouble(code=failure.code, sentence=sentence, what_to_do=failure.what_to_do)
