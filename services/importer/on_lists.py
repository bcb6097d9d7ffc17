"""Put the profiles that a file names on the goal's lists, in the merge's transaction.

Who was skipped by the goal's mode or was rejected is not put on any. A list that the goal makes for each file is made
here, so that a run which fails leaves none behind; where nobody would be on it, none is made. Who is taken off a list
is decided elsewhere.
"""

from collections.abc import Sequence

from services.importer.order import Order
from shared.domain.failures import ListMissing
from shared.domain.goal import AnyImport
from shared.domain.receipt import ListCounts
from shared.domain.run import ClaimedRun
from shared.storage import list_members, lists, merge_profiles
from shared.storage.database import Tx
from shared.storage.lists import StoredList
from shared.storage.staging import Staged


async def hold_lists(tx: Tx, goal: AnyImport) -> list[StoredList]:
    """The lists that the goal names, kept while the transaction lasts. Raises ListMissing."""
    wanted = goal.lists.add_to
    held = await lists.hold(tx, wanted) if wanted else []
    there = {name for each in held for name in each.references}
    missing = [each for each in wanted if each not in there]
    if missing:
        raise ListMissing(f"Found no list {', '.join(map(str, missing))}.")
    return held


async def put_on_lists(
    tx: Tx, order: Order, held: Sequence[StoredList], staged: Staged, run: ClaimedRun
) -> tuple[ListCounts, ...]:
    """Write who is on the lists, those of smaller numbers first; what that came to."""
    if not order.goal.puts_on_lists:
        return ()
    chosen = merge_profiles.imported(staged)
    imported = await merge_profiles.count_imported(tx, staged)
    found = [await _put(tx, each, chosen, imported, run) for each in held]
    new = order.goal.lists.create
    if new is not None and imported:
        name = new.named(goal=order.goal.name, file=order.file_name, arrived_at=order.arrived_at)
        made = await lists.create_for_run(tx, run.id, name)
        found.append(await _put(tx, made, chosen, imported, run, is_new=True))
    return tuple(found)


async def _put(
    tx: Tx, one: StoredList, chosen: str, imported: int, run: ClaimedRun, *, is_new: bool = False
) -> ListCounts:
    added = await list_members.add(tx, one.number, chosen, run_id=run.id)
    return ListCounts(id=one.id, number=one.number, name=one.name, is_new=is_new, added=added, already=imported - added)
