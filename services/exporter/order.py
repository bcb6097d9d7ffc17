"""What an export run has to work with, read in one short transaction; what it selects is read in its own snapshot."""

from dataclasses import dataclass, field

from services.exporter.tools import Tools
from shared.domain.connection import Login
from shared.domain.export_goal import ExportGoal
from shared.domain.export_names import ExportName
from shared.domain.failures import InvalidGoal
from shared.domain.names import joined
from shared.domain.openpgp_key import OwnKey, PartnerKey
from shared.domain.place import DropPlace
from shared.domain.run import ClaimedRun
from shared.formats.openpgp.message import require_able
from shared.storage import connections, goals, openpgp_keys, runs, segments
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx


@dataclass(frozen=True, slots=True)
class Secrets:
    """What files are locked with; lives in memory only."""

    recipients: tuple[PartnerKey, ...] = ()
    signer: OwnKey | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """One export as it was ordered."""

    goal: ExportGoal
    connection: StoredConnection
    place: DropPlace
    login: Login
    secrets: Secrets
    name: ExportName
    """Of the main file. It belongs to the run, so that a repeat replaces its own file."""

    def path_of(self, name: str) -> str:
        """Where a file of that name goes."""
        return joined(self.goal.target.directory, name)


async def read_order(tools: Tools, run: ClaimedRun) -> Order:
    """Read what the run is about, and fix the name it is delivered under.

    Raises InvalidGoal, LeaseLost; NotFound, OpenPgpKeyExpired, OpenPgpKeyUnfit of what the goal names.
    """
    async with tools.database.account(run.account_id) as tx:
        goal = await goals.version(tx, run.goal_id, run.goal_version)
        if not isinstance(goal, ExportGoal):
            raise InvalidGoal("The run is not an export's.")
        connection = await connections.get(tx, run.connection_id)
        called = await segments.name_of(tx, goal.named_after)
        asked = goal.name_of(goal.target.named(run.queued_at, called))
        names = list(asked.alike(run.id)) if goal.target.is_new_each_time else [asked.whole]
        return Order(
            goal=goal,
            connection=connection,
            place=connection.drop_place,
            login=await connections.login_of(tx, tools.keys, run.connection_id),
            secrets=await _secrets(tx, tools, goal),
            name=goal.name_of(await runs.name_delivery(tx, run, names)),
        )


async def _secrets(tx: Tx, tools: Tools, goal: ExportGoal) -> Secrets:
    """A key that has expired since the goal was saved is refused before anything is selected."""
    recipients = await openpgp_keys.partners_of(tx, goal.encrypt_to) if goal.encrypt_to else ()
    signer = None if goal.sign_with is None else await openpgp_keys.own_of(tx, tools.keys, goal.sign_with)
    if recipients:
        require_able(recipients, signer)
    locked = goal.packing.password_id
    password = None if locked is None else await openpgp_keys.password_of(tx, tools.keys, locked)
    return Secrets(recipients, signer, password)
