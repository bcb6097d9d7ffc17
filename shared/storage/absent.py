"""Who is absent from a full file: those looked at whom no row of it names. Writes a working table only.

It goes by what the merge noted of the file's profiles (`merge_profiles`), rejected rows included, and is asked before
anybody is put on a list. What becomes of them is written by `list_members` and `consent`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shared.storage.database import Tx
from shared.storage.merge_profiles import OF_FILE
from shared.storage.staging import Staged
from shared.storage.statements import statement

ABSENT = "_a"
"""What the name of the table ends in that holds them; it is dropped with what was staged."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many are absent, of how many, and the quoted table with their `id`."""

    looked_at: int
    absent: int
    table: str


async def alone(tx: Tx, looked_at: str) -> None:
    """Keep other full files from judging the same people until this transaction ends; asked before the merge.

    `looked_at` names them: two at once would each miss whom the other puts there.
    """
    await tx.execute("absent.be_patient")
    await tx.execute("absent.alone", f"{tx.account_id} absent {looked_at}")


async def find(
    tx: Tx,
    staged: Staged,
    run_id: UUID,
    domain_group: int,
    list_number: int | None,
    *,
    written_at: datetime,
    spares_consent: bool,
) -> Found:
    """Note who is absent: of a list's members in the domain group, or of all its contacts where no list is given.

    Who came by another way after the file was written (`written_at`) cannot stand in it, however late it is imported.
    `spares_consent`: nor is anybody looked at who has opted in since.
    """
    looked_at = statement("absent.looked_at_of_group" if list_number is None else "absent.looked_at_on_list")
    slots = {
        "looked_at": looked_at,
        "spared": f" {statement('absent.spared').strip()}" if spares_consent else "",
        "own_runs": statement("absent.own_runs"),
        "account": str(tx.account_id),
        # Servers tell times in whole seconds.
        "written": (written_at + timedelta(seconds=1)).isoformat(),
        "absent": staged.table(ABSENT),
        "of_file": staged.table(OF_FILE),
        "schema": tx.schema,
        "domain_group": str(int(domain_group)),
        "list": str(int(list_number or 0)),
        "run": str(run_id),
    }
    count = int(await tx.connection.fetchval(_filled("absent.count_looked_at", slots)))
    status = await tx.connection.execute(_filled("absent.find", slots))
    return Found(count, int(status.rsplit(" ", 1)[-1]), slots["absent"])


def _filled(name: str, slots: dict[str, str]) -> str:
    text = statement(name)
    for slot, fragment in slots.items():
        text = text.replace("{" + slot + "}", fragment)
    return text
