"""Judge who is absent from a full file, and let them go as the goal says; in the merge's transaction.

Asked before the file's profiles are put on their lists. Whether so many may go is the guard's to say.
"""

from collections.abc import Sequence

from services.importer.ingest import Tally
from services.importer.order import Order
from shared.domain.absent import AbsentCounts, NotJudged
from shared.runtime.desk import Desk
from shared.storage import absent, consent, list_members, merge_profiles
from shared.storage.database import Tx
from shared.storage.lists import StoredList
from shared.storage.staging import Staged

_TOLD: dict[NotJudged, tuple[str, str]] = {
    "imported_late": (
        "A later file of this goal had been imported before, so nobody counts as absent from this one.",
        "Nothing; the next full file tells who is absent.",
    ),
    "names_nobody": (
        "No row of the file names a profile, so nobody counts as absent from it.",
        "Have the sending system write the file again, if people were to stand in it.",
    ),
    "nameless_rejects": (
        "Rejected rows have identifiers that cannot be read, so nobody counts as absent: anybody could stand in them.",
        "Mend the file and drop it again as a whole; a file of rejects is no full file.",
    ),
}


async def hold_absent(tx: Tx, order: Order, held: Sequence[StoredList]) -> None:
    """Let full files that judge the same people do so one after the other; before the merge."""
    if order.goal.judges_absent:
        one = f"list {held[0].number}" if held else f"domain group {order.domain_group}"
        await absent.alone(tx, one)


async def let_absent_go(
    tx: Tx, order: Order, held: Sequence[StoredList], staged: Staged, tally: Tally, desk: Desk
) -> AbsentCounts | None:
    """Take who is absent off the list, or unsubscribe them; None where the goal keeps everybody."""
    if not order.goal.judges_absent:
        return None
    why_not = await _why_not(tx, order, staged, tally, desk)
    if why_not is not None:
        return AbsentCounts(not_judged=why_not)
    number = held[0].number if held else None
    at = min(order.file.modified_at, desk.run.started_at)
    found = await absent.find(
        tx,
        staged,
        desk.run.id,
        order.domain_group,
        number,
        written_at=at,
        spares_consent=order.goal.absent.then == "unsubscribe",
    )
    counts = AbsentCounts(looked_at=found.looked_at, found=found.absent)
    if order.goal.absent.then == "remove_from_list":
        assert number is not None, "the goal was checked when it was saved"
        removed = await list_members.remove(tx, number, found.table, run_id=desk.run.id)
        return counts.model_copy(update={"removed": removed})
    source = order.goal.opt_in.source or order.goal.name
    unsubscribed = await consent.unsubscribe(tx, found.table, run_id=desk.run.id, source=source, at=at)
    return counts.model_copy(update={"unsubscribed": unsubscribed.profiles})


async def _why_not(tx: Tx, order: Order, staged: Staged, tally: Tally, desk: Desk) -> NotJudged | None:
    why_not: NotJudged | None = None
    if tally.is_mending:
        # No full file of anything, and nothing that anybody need be told.
        return "hands_rejects_back"
    if order.is_late:
        why_not = "imported_late"
    elif staged.nameless_rejects:
        why_not = "nameless_rejects"
    elif not await merge_profiles.has_any(tx, staged):
        why_not = "names_nobody"
    if why_not is not None and all(each.code != "absent_not_judged" for each in desk.warnings):
        desk.warn("absent_not_judged", *_TOLD[why_not])
    return why_not
