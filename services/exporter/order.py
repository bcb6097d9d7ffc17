"""What an export run has to work with, read in one short transaction."""

from dataclasses import dataclass

from services.exporter.select import selections_of
from services.exporter.tools import Tools
from shared.domain.connection import DropPlace, Login
from shared.domain.export_goal import ExportGoal
from shared.domain.failures import InvalidGoal
from shared.domain.names import joined
from shared.domain.run import ClaimedRun
from shared.storage import connections, goals, runs
from shared.storage.selections.selection import Selection


@dataclass(frozen=True, slots=True)
class Order:
    """One export as it was ordered."""

    goal: ExportGoal
    selections: tuple[Selection, ...]
    """What becomes a file each, the main one first."""
    place: DropPlace
    login: Login
    name: str
    """Of the main file. It belongs to the run, so that a repeat replaces its own file."""

    def path_of(self, part: str) -> str:
        """Where a file goes."""
        return joined(self.goal.target.directory, part_named(self.name, part))


def part_named(name: str, part: str) -> str:
    """The name of a part's file, beside the main one: `all_order.csv` beside `all.csv`."""
    if not part:
        return name
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}_{part}{dot}{suffix}" if stem else f"{name}_{part}"


async def read_order(tools: Tools, run: ClaimedRun) -> Order:
    """Read what the run is about, and fix the name it is delivered under. Raises InvalidGoal, LeaseLost."""
    async with tools.database.account(run.account_id) as tx:
        goal = await goals.version(tx, run.goal_id, run.goal_version)
        if not isinstance(goal, ExportGoal):
            raise InvalidGoal("The run is not an export's.")
        connection = await connections.get(tx, run.connection_id)
        return Order(
            goal=goal,
            selections=await selections_of(tx, goal, now=run.queued_at),
            place=connection.drop_place,
            login=await connections.login_of(tx, tools.keys, run.connection_id),
            name=await runs.name_delivery(tx, run, goal.target.named(run.queued_at)),
        )
