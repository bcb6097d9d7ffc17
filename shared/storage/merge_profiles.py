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


async def note(work: Work) -> None:
    """Make the table of the file's profiles: `id`, each once, and `is_imported`; it is dropped with what was staged.

    That is false of a profile whose rows were all skipped or rejected.
    """
    # A profile that was there before is none that `create_only` imports.
    creates_only = work.mode is Mode.CREATE_ONLY
    slots = {}
    if work.is_resolved:
        slots["is_imported"] = "false" if creates_only else "true"
        found = [statement("merge_profiles.found_before"), statement("merge_profiles.made")]
    else:
        (slots["same"],) = work.same_profile("s")
        slots["is_imported"] = "p.created_by_run = '{run}'" if creates_only else "true"
        found = [statement("merge_profiles.named")]
    text = " UNION ".join(found)
    if work.staged.names_rejects:
        rejected = statement("merge_profiles.rejected").replace("{named}", profiles_named(work))
        text = statement("merge_profiles.each_once").replace("{found}", f"{text} UNION {rejected}")
    own = {"of_file": work.staged.table(OF_FILE), "run": str(work.run_id)}
    await work.run("merge_profiles.note", **({"found": text} | slots | own))


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
