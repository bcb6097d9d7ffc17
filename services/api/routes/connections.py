"""`/v1/connections`: places, their secrets (write-only) and their host keys.

The gateway never contacts a partner: `verify` is asked of the poller through the ledger.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, TypeAdapter

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.patches import MergePatch, judged, merged
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked, SecretShown
from services.api.routes.connection_sent import (
    SECRET_NAMES,
    ConnectionSent,
    require_secrets_again,
    require_usable,
    secrets_of,
    settings_of,
)
from services.api.routes.inquiries import InquiryShown, await_answer, shown_inquiry
from shared.domain.blackout import Blackouts, blackout_until
from shared.domain.failures import IntegrationOff
from shared.domain.host_key import fingerprint_of
from shared.domain.integration import integration_of
from shared.domain.legacy import warnings_of
from shared.domain.place import HostedPlace, Place
from shared.domain.run import Reason
from shared.domain.schedule import Times
from shared.domain.scope import Scope
from shared.runtime.desk import reason_of
from shared.storage import connections, inquiries, integrations, pinned_keys, removal
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.inquiries import Inquiry

router = APIRouter(prefix="/v1/connections", tags=["connections"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

Verify = Annotated[
    bool,
    Query(
        description="Have the connection tried once it is saved, unless it or its integration is paused, or in a "
        "blackout; `not_tried` says which. At a hosted folder there is nothing to try"
    ),
]

_TRIED_WITHIN_SECONDS = 20.0
"""Then it is looked at although nobody has tried it."""
_NOT_ASKED = Reason(code="not_asked", detail="The request said `verify=false`.")

_SENT: TypeAdapter[ConnectionSent] = TypeAdapter(ConnectionSent)


class ConnectionQuery(PageQuery):
    """Which connections to list."""

    name: Annotated[str, Field(max_length=200)] | None = None
    active: bool | None = None
    stopped: Annotated[bool, Field(description="Whether they wait for a person to act")] | None = None
    transport: Literal["sftp", "ftps", "webdav", "directory", "hosted", "manual", "one_shot"] | None = None
    drop_folder_id: UUID | None = None


class OfferedHostKey(BaseModel):
    """What the server showed and nobody has accepted yet. Compare the fingerprint with the server's operator."""

    fingerprint: str
    host_key: str


class ConnectionShown(BaseModel):
    """A connection as it is read."""

    id: UUID
    name: str
    active: bool
    interval_seconds: int
    place: Place
    password: SecretShown
    private_key: SecretShown
    passphrase: SecretShown
    version: int
    stopped: Reason | None = Field(description="Why it is not looked at until a person acts")
    offered_host_key: OfferedHostKey | None
    verification: InquiryShown | None = Field(description="How it was last tried; asked for by each save")
    not_tried: Reason | None = Field(
        default=None,
        description="Why this save had it not tried; null where it has, at hosted folders, and where nothing was saved",
    )
    warnings: list[Reason] = Field(description="What the last login took that is weak, and allowed by the operator")
    failures_in_a_row: int
    looked_at: datetime | None
    when: tuple[Times, ...]
    blackouts: Blackouts
    next_due_at: datetime | None = Field(
        description="When all its active goals are next carried out in order; null where it has no times, or is off"
    )
    next_look_at: datetime | None = Field(description="null for connections that are built in: nobody looks there")
    created_at: datetime


class HostKeyAccepted(Asked):
    """Which key to accept."""

    fingerprint: str = Field(min_length=1, max_length=200, description="As it was shown: `SHA256:...`")


@router.post("", status_code=201, responses=CONFLICT)
async def create_connection(
    body: ConnectionSent, visit: Writer, response: Response, verify: Verify = True
) -> ConnectionShown:
    """Make a connection; it is tried (`verification` says how that goes), and looked at soon."""
    await require_usable(body, visit)
    async with visit.writing() as tx:
        await integrations.require(tx, integration_of(body.place))
        made = await connections.create(
            tx, visit.tools.keys, settings_of(body, visit), secrets_of(body), email=visit.caller.email
        )
        shown = await _tried(tx, made, verify=verify)
    response.headers["Location"] = f"/v1/connections/{made.id}"
    versions.show(response, made.version)
    return shown


@router.get("")
async def list_connections(visit: Reader, query: Annotated[ConnectionQuery, Query()]) -> Page[ConnectionShown]:
    """The account's connections, oldest first."""
    listing = Listing.of(visit, query)
    chosen = connections.ConnectionFilter(
        name=query.name,
        is_active=query.active,
        is_stopped=query.stopped,
        transport=query.transport,
        drop_folder_id=query.drop_folder_id,
        after=listing.mark,
    )
    async with visit.reading() as tx:
        found = await connections.page(tx, chosen, listing.wanted)
        tried = await inquiries.verifications(tx, [each.id for each in found])
    return listing.page(found, lambda each: _shown(each, tried.get(each.id)), lambda each: (each.created_at, each.id))


@router.get("/{connection_id}", responses=ABSENT)
async def get_connection(connection_id: UUID, visit: Reader, response: Response) -> ConnectionShown:
    """One connection."""
    async with visit.reading() as tx:
        found = await connections.get(tx, connection_id)
        tried = await _verification(tx, found)
    versions.show(response, found.version)
    return _shown(found, tried)


@router.put("/{connection_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def update_connection(
    connection_id: UUID,
    body: ConnectionSent,
    visit: Writer,
    response: Response,
    if_match: versions.IfMatch,
    verify: Verify = True,
) -> ConnectionShown:
    """Give a connection other settings. Where host, port, url or user change, secrets must be sent again."""
    await require_usable(body, visit)
    async with visit.writing() as tx:
        stored = await _held(tx, connection_id, if_match)
        saved = await _saved(tx, visit, stored, body)
        shown = await _tried(tx, saved, verify=verify)
    versions.show(response, saved.version)
    return shown


@router.patch("/{connection_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_connection(
    connection_id: UUID,
    body: MergePatch,
    visit: Writer,
    response: Response,
    if_match: versions.IfMatch,
    verify: Verify = True,
) -> ConnectionShown:
    """Change some of a connection's settings; those that are not sent stay. A secret that is null is taken away."""
    async with visit.writing() as tx:
        stored = await _held(tx, connection_id, if_match)
        # A secret's null means something to the model, and what is stored holds no secrets.
        secrets = {name: body[name] for name in SECRET_NAMES if name in body}
        sent = judged(_SENT, merged(stored.settings.model_dump(mode="json", by_alias=True), body) | secrets)
        await require_usable(sent, visit)
        saved = await _saved(tx, visit, stored, sent)
        shown = await _tried(tx, saved, verify=verify)
    versions.show(response, saved.version)
    return shown


@router.delete("/{connection_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_connection(connection_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a connection away with its goals and secrets. Its runs, receipts and arrivals stay readable.

    Refused while a run of it has not ended. With a connection of one-shot imports goes the host key that was pinned:
    the next import from there pins the one that it sees first.
    """
    async with visit.writing() as tx:
        stored = await connections.lock(tx, connection_id)
        stored.require_removable()
        if_match.require(stored.version)
        await removal.remove_connection(tx, connection_id)


@router.post(
    "/{connection_id}/verify",
    responses=ABSENT | CONFLICT | {202: {"model": InquiryShown, "description": "Not answered yet"}},
)
async def verify_connection(connection_id: UUID, visit: Writer, response: Response) -> InquiryShown:
    """Try the connection step by step, also while it is paused; where the answer takes longer see `Location`.

    Refused while its integration is off or paused: then nothing of it is contacted.
    """
    async with visit.writing() as tx:
        place = (await connections.get(tx, connection_id)).drop_place
        await integrations.require_active(tx, integration_of(place))
        inquiry_id = await inquiries.ask(tx, connection_id)
        asked = shown_inquiry(await inquiries.get(tx, inquiry_id))
    location = f"/v1/inquiries/{inquiry_id}"
    response.headers["Location"] = location
    # The poller sees the question once it is committed, and a repeated request must not ask it again.
    await visit.settle(202, location, asked)
    shown = await await_answer(visit, inquiry_id, visit.tools.verify_seconds)
    response.status_code = 200 if shown.answer is not None else 202
    return shown


@router.post("/{connection_id}/host-keys/accept", responses=ABSENT | CONFLICT)
async def accept_host_key(
    connection_id: UUID, body: HostKeyAccepted, visit: Writer, response: Response
) -> ConnectionShown:
    """Trust the host key that the server showed, beside those trusted already; the connection is looked at again."""
    async with visit.writing() as tx:
        saved = await pinned_keys.accept_host_key(tx, connection_id, body.fingerprint)
        tried = await _verification(tx, saved)
    versions.show(response, saved.version)
    return _shown(saved, tried)


@router.post("/{connection_id}/pause", responses=ABSENT | CONFLICT)
async def pause_connection(connection_id: UUID, visit: Writer, response: Response) -> ConnectionShown:
    """Switch a connection off: nothing is begun until it is resumed. Runs in the queue wait, those in hand go on."""
    return await _switched(connection_id, visit, response, is_on=False)


@router.post("/{connection_id}/resume", responses=ABSENT | CONFLICT)
async def resume_connection(connection_id: UUID, visit: Writer, response: Response) -> ConnectionShown:
    """Switch a connection on: it is looked at, and its runs in the queue begin. Times that passed stay passed."""
    return await _switched(connection_id, visit, response, is_on=True)


async def _held(tx: Tx, connection_id: UUID, if_match: versions.Condition) -> StoredConnection:
    """A connection, held for a change. Raises NotFound, ManualConnection, VersionRequired, VersionStale."""
    stored = await connections.lock(tx, connection_id)
    stored.require_settable()
    if_match.require(stored.version)
    return stored


async def _switched(connection_id: UUID, visit: Visit, response: Response, *, is_on: bool) -> ConnectionShown:
    async with visit.writing() as tx:
        saved = await connections.lock(tx, connection_id)
        saved.require_settable()
        if saved.settings.active != is_on:
            settings = saved.settings.model_copy(update={"active": is_on})
            saved = await connections.update(tx, visit.tools.keys, connection_id, settings, {})
        tried = await _verification(tx, saved)
    versions.show(response, saved.version)
    return _shown(saved, tried)


async def _saved(tx: Tx, visit: Visit, stored: StoredConnection, sent: ConnectionSent) -> StoredConnection:
    require_secrets_again(stored, sent)
    return await connections.update(tx, visit.tools.keys, stored.id, settings_of(sent, visit), secrets_of(sent))


async def _tried(tx: Tx, saved: StoredConnection, *, verify: bool) -> ConnectionShown:
    """Have a connection that was saved tried: nobody waits for it here. It is shown with its latest trial.

    A hosted folder is Tidegate's own: there is nothing to log in at, and so nothing that was left untried.
    """
    if isinstance(saved.drop_place, HostedPlace):
        return _shown(saved, await _verification(tx, saved))
    why_not = await _why_not_tried(tx, saved) if verify else _NOT_ASKED
    if why_not is None:
        await inquiries.ask(tx, saved.id)
        await connections.look_after(tx, saved.id, _TRIED_WITHIN_SECONDS)
        saved = await connections.get(tx, saved.id)
    return _shown(saved, await _verification(tx, saved)).model_copy(update={"not_tried": why_not})


async def _why_not_tried(tx: Tx, saved: StoredConnection) -> Reason | None:
    """What is paused is left alone, as in its blackouts."""
    settings = saved.settings
    if not settings.active:
        return inquiries.PAUSED
    until = blackout_until(settings.blackouts, datetime.now(UTC))
    if until is not None:
        return Reason(code="blackout", detail=f"Nothing is begun until {until:%Y-%m-%dT%H:%M:%SZ}.")
    try:
        await integrations.require_active(tx, integration_of(saved.drop_place))
    except IntegrationOff as failure:
        return reason_of(failure)
    return None


async def _verification(tx: Tx, stored: StoredConnection) -> Inquiry | None:
    return (await inquiries.verifications(tx, [stored.id])).get(stored.id)


def _shown(stored: StoredConnection, tried: Inquiry | None) -> ConnectionShown:
    offered = stored.offered_host_key
    return ConnectionShown(
        id=stored.id,
        name=stored.settings.name,
        active=stored.settings.active,
        interval_seconds=stored.settings.interval_seconds,
        place=stored.settings.place,
        password=SecretShown(set=stored.has_password),
        private_key=SecretShown(set=stored.has_private_key),
        passphrase=SecretShown(set=stored.has_passphrase),
        version=stored.version,
        stopped=None
        if stored.stopped_code is None
        else Reason(code=stored.stopped_code, detail=stored.stopped_detail or ""),
        offered_host_key=None
        if offered is None
        else OfferedHostKey(fingerprint=fingerprint_of(offered), host_key=offered),
        verification=None if tried is None else shown_inquiry(tried),
        warnings=warnings_of(stored.legacy_algorithms),
        failures_in_a_row=stored.failures_in_a_row,
        looked_at=stored.looked_at,
        when=stored.settings.when,
        blackouts=stored.settings.blackouts,
        next_due_at=stored.round_due_at if stored.settings.active else None,
        next_look_at=None if stored.is_built_in else stored.next_look_at,
        created_at=stored.created_at,
    )
