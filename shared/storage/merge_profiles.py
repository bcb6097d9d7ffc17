"""Whom the rows of a file name: their profiles, for what follows the merge in its transaction.

Noted once the profiles are written, so that those which the file made are among them. Rows that change nothing or
that the goal's mode skips name theirs; rows that were rejected too, where it is kept whom they name. Nothing here
says what follows from it.
"""

from shared.domain.merge import Mode
from shared.storage.database import Tx
from shared.storage.merge_work import Work
from shared.storage.named_rejects import profiles_named
from shared.storage.staging import Staged
from shared.storage.statements import statement

OF_FILE = "_i"
"""What the name of the table ends in that holds the profiles."""


BLOCKS = "_b"
"""What the name of the table ends in that holds the profiles whose rows took effect, as a set of bits."""


async def note(work: Work, *, is_planned: bool) -> None:
    """Make the table of the file's profiles: `id`, each once, and `is_imported`; it is dropped with what was staged.

    That is false of a profile whose rows were all skipped or rejected. To be asked before {plan} goes; where there is
    none (`is_planned`), the file is the first and all its profiles are new.
    """
    # A profile that was there before is none that `create_only` imports.
    text = _found(is_planned=is_planned, known="false" if work.mode is Mode.CREATE_ONLY else "true")
    if work.staged.names_rejects:
        rejected = statement("merge_profiles.rejected").replace("{named}", profiles_named(work))
        text = statement("merge_profiles.each_once").replace("{found}", f"{text} UNION ALL {rejected}")
    own = {"of_file": work.staged.table(OF_FILE), "run": str(work.run_id)}
    await work.run("merge_profiles.note", **({"found": text} | own))


async def note_exchanged(work: Work, *, is_planned: bool) -> None:
    """Make the table of the profiles that were created, updated or left as they are, as `exchanges` takes it.

    As `note`.
    """
    # What `create_only` does to a known profile is to hear that it opts out.
    text = _found(
        is_planned=is_planned, known="coalesce(x.differs, false)" if work.mode is Mode.CREATE_ONLY else "true"
    )
    await note_blocks(work, text)


async def note_blocks(work: Work, found: str, **slots: str) -> None:
    """Make that table of those that a select finds: `id`, as often as it likes, and `is_imported`."""
    own = {"blocks": work.staged.table(BLOCKS), "run": str(work.run_id)}
    await work.run("merge_profiles.blocks", **({"found": found} | slots | own))


def _found(*, is_planned: bool, known: str) -> str:
    made = statement("merge_profiles.made")
    if not is_planned:
        return made
    return statement("merge_profiles.known").replace("{is_imported}", known) + "\nUNION ALL\n" + made


async def has_any(tx: Tx, staged: Staged) -> bool:
    """Whether the file names anybody."""
    text = statement("merge_profiles.has_any").replace("{of_file}", staged.table(OF_FILE))
    return bool(await tx.connection.fetchval(text))


async def count_imported(tx: Tx, staged: Staged) -> int:
    """How many profiles there are whose rows took effect."""
    text = statement("merge_profiles.count_imported").replace("{of_file}", staged.table(OF_FILE))
    return int(await tx.connection.fetchval(text))


def imported(staged: Staged) -> str:
    """A select of the `id` of each profile whose rows took effect, in brackets."""
    return "(" + statement("merge_profiles.imported").replace("{of_file}", staged.table(OF_FILE)) + ")"


def exchanged(staged: Staged) -> str:
    """The quoted table of the profiles whose rows took effect, as a set of bits."""
    return staged.table(BLOCKS)
