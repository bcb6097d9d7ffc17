"""What an export run has to work with, read in one short transaction."""

from dataclasses import dataclass

from services.exporter.tools import Tools
from shared.domain.connection import DropPlace, Login
from shared.domain.export_goal import ExportProfiles
from shared.domain.failures import InvalidGoal
from shared.domain.names import joined
from shared.domain.property import Property
from shared.domain.run import ClaimedRun
from shared.storage import connections, domain_groups, goals, properties, runs


@dataclass(frozen=True, slots=True)
class Order:
    """One export as it was ordered."""

    goal: ExportProfiles
    columns: tuple[tuple[str, Property], ...]
    """Header and property of each column."""
    domain_group: int
    place: DropPlace
    login: Login
    path: str
    """Where the file goes. It belongs to the run, so that a repeat replaces its own file."""


async def read_order(tools: Tools, run: ClaimedRun) -> Order:
    """Read what the run is about, and fix the name it is delivered under. Raises InvalidGoal, LeaseLost."""
    async with tools.database.account(run.account_id) as tx:
        goal = await goals.version(tx, run.goal_id, run.goal_version)
        if not isinstance(goal, ExportProfiles):
            raise InvalidGoal("The run is not an export's.")
        known = {each.name: each for each in await properties.list_all(tx)}
        connection = await connections.get(tx, run.connection_id)
        name = await runs.name_delivery(tx, run, goal.target.named(run.queued_at))
        return Order(
            goal=goal,
            columns=_columns(goal, known),
            domain_group=await domain_groups.number_of(tx, goal.domain_group),
            place=connection.drop_place,
            login=await connections.login_of(tx, tools.keys, run.connection_id),
            path=joined(goal.target.directory, name),
        )


def _columns(goal: ExportProfiles, known: dict[str, Property]) -> tuple[tuple[str, Property], ...]:
    missing = [column.property for column in goal.columns if column.property not in known]
    if missing:
        raise InvalidGoal(f"There is no property {missing[0]!r}.")
    return tuple((column.header or column.property, known[column.property]) for column in goal.columns)
