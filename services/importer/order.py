"""What an import run has to work with, read from the ledger and the configuration in one short transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.importer.one_shot import OneShot
from services.importer.tools import Tools
from shared.domain.arrival import FileStamp
from shared.domain.connection import Login
from shared.domain.failures import FileChanged, InvalidGoal
from shared.domain.goal import AnyImport, ImportEvents
from shared.domain.openpgp_key import Bundle
from shared.domain.place import OneShotPlace, Place
from shared.domain.property import Property
from shared.domain.run import ClaimedRun
from shared.domain.trimmed import folded
from shared.processing.event_columns import properties_of
from shared.storage import (
    arrivals,
    connections,
    domain_groups,
    event_types,
    goals,
    one_shots,
    openpgp_keys,
    properties,
    runs,
)
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.one_shots import Errand


@dataclass(frozen=True, slots=True)
class Order:
    """One import as it was ordered."""

    goal: AnyImport
    properties: tuple[Property, ...]
    domain_group: int
    place: Place
    login: Login
    file: FileStamp
    expected_sha256: str | None
    """What a checksum or a manifest says of its bytes."""
    expired: str | None
    """Why the file was removed by now, where it was."""
    file_name: str
    """Its path when it arrived; where a run is repeated, the file may lie elsewhere by then."""
    arrived_at: datetime
    upload_id: UUID | None
    kept_file_id: UUID | None
    """Where the content is kept of a file that a client sent to the gateway."""
    one_shot: OneShot | None
    """Of a one-shot import: whatever is found under the file's name is what was asked for."""
    bundle: Bundle
    """The keys and passwords that a file may be opened with."""
    known_columns: frozenset[str]
    """Folded names of columns that the goal's latest effective runs have seen and told of; empty before the first."""
    is_late: bool
    """Whether a later file of this goal has been imported already."""
    connection: StoredConnection | None = None
    """As it was read, and is stopped where its place does not let us in."""


async def read_order(tools: Tools, run: ClaimedRun) -> Order:
    """Read what the run is about. Raises FileChanged where a later upload took the file's place."""
    assert run.arrival_id is not None
    async with tools.database.account(run.account_id) as tx:
        goal = await goals.version(tx, run.goal_id, run.goal_version)
        arrival = await arrivals.get(tx, run.arrival_id)
        if not isinstance(goal, AnyImport) or arrival is None:
            raise InvalidGoal("The run is not an import's.")
        # A file that was put away keeps its content, whatever was uploaded under its old name since.
        if not arrival["is_latest_upload"] and arrival["settled_path"] is None:
            raise FileChanged("A later upload took its name.")
        connection = await connections.get(tx, run.connection_id)
        errand = await one_shots.find(tx, tools.keys, run.arrival_id, arrival["path"])
        return Order(
            goal=goal,
            properties=await _properties(tx, goal),
            domain_group=await domain_groups.number_of(tx, goal.domain_group),
            place=connection.settings.place,
            login=await connections.login_of(tx, tools.keys, run.connection_id),
            file=FileStamp(
                path=arrival["settled_path"] or arrival["path"],
                size_bytes=arrival["size_bytes"],
                modified_at=arrival["modified_at"],
            ),
            expected_sha256=arrival["expected_sha256"],
            expired=None if arrival["expired_at"] is None else arrival["reason_detail"],
            file_name=arrival["path"],
            arrived_at=arrival["seen_at"],
            upload_id=arrival["upload_id"],
            kept_file_id=arrival["kept_file_id"],
            one_shot=None if errand is None else _one_shot(run.id, connection, errand),
            bundle=await openpgp_keys.bundle_of(tx, tools.keys),
            known_columns=frozenset(map(folded, await runs.columns_seen(tx, run))),
            is_late=await runs.is_older_than_completed(tx, run.id),
            connection=connection,
        )


def _one_shot(run_id: UUID, connection: StoredConnection, errand: Errand) -> OneShot:
    place = connection.settings.place
    assert isinstance(place, OneShotPlace)
    entered = place.entered_by(errand.username, errand.path)
    return OneShot(run_id, connection.id, entered, errand.login, errand.email_position, errand.warnings)


async def _properties(tx: Tx, goal: AnyImport) -> tuple[Property, ...]:
    """The account's, and what an event's columns go into. Raises InvalidGoal."""
    known = await properties.list_all(tx)
    if not isinstance(goal, ImportEvents):
        return tuple(known)
    types = await event_types.hold(tx, goal.event.types)
    return (*known, *properties_of(goal.event, types))
