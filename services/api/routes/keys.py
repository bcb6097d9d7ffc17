"""`/v1/keys`: API keys of one's own account, and by the operator of any. The secret is shown once."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed, effective_scopes, in_account
from services.api.once import SHOWN_ONCE
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.email_address import EmailAddress
from shared.domain.failures import Conflict, InvalidRequest, NotFound, ScopeMissing
from shared.domain.moment import Moment
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES, Scope
from shared.storage import accounts, keys
from shared.storage.accounts import OPERATOR

router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.KEYS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.KEYS_WRITE))]


class NewKey(Asked):
    """What makes a key."""

    name: str = Field(min_length=1, max_length=200)
    scopes: frozenset[Scope] = Field(min_length=1)
    email: EmailAddress | None = Field(default=None, description="Whom receipts of its goals go to by default")
    expires_at: Moment | None = None
    account_id: UUID | None = Field(default=None, description="Another account than the caller's: operator only")


class KeyQuery(PageQuery):
    """Which keys to list."""

    name: Annotated[str, Field(max_length=200)] | None = None
    prefix: Annotated[str, Field(max_length=200)] | None = None
    state: Annotated[keys.KeyState, Field(description="Whether they let anybody in now")] | None = None


class KeyShown(BaseModel):
    """A key, without its secret."""

    id: UUID
    prefix: str
    name: str
    email: str | None
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    version: int


class KeyChange(Asked):
    """What changes of a key; what is not named stays. Its secret stays too: a new one is a new key."""

    name: str = Field(default="", min_length=1, max_length=200)
    scopes: frozenset[Scope] = Field(default=frozenset(), min_length=1)
    email: EmailAddress | None = None
    expires_at: Moment | None = Field(default=None, description="null: it does not expire")


class KeyMade(KeyShown):
    """A new key."""

    key: Annotated[str, SHOWN_ONCE] = Field(description="The key itself: shown this once, stored nowhere")


@router.post("", status_code=201, responses=ABSENT)
async def create_key(body: NewKey, visit: Writer, response: Response) -> KeyMade:
    """Make a key with no more scopes than one's own; the operator gives a tenant's key any of a tenant's scopes."""
    account_id = body.account_id or visit.caller.account_id
    _judge(body, visit, account_id)
    new = keys.NewKey(name=body.name, scopes=body.scopes, email=body.email, expires_at=body.expires_at)
    async with visit.writing() if account_id == visit.caller.account_id else in_account(visit, account_id) as tx:
        if account_id != OPERATOR and await accounts.get(tx) is None:
            raise NotFound
        made, token = await keys.create(tx, new)
    response.headers["Location"] = f"/v1/keys/{made.id}"
    versions.show(response, made.version)
    return KeyMade(**_shown(made).model_dump(), key=token)


@router.get("")
async def list_keys(visit: Reader, query: Annotated[KeyQuery, Query()]) -> Page[KeyShown]:
    """The account's keys, oldest first, revoked ones too where no state is asked for."""
    listing = Listing.of(visit, query)
    chosen = keys.KeyFilter(name=query.name, prefix=query.prefix, state=query.state, after=listing.mark)
    async with visit.reading() as tx:
        found = await keys.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each.created_at, each.id))


@router.get("/{key_id}", responses=ABSENT)
async def get_key(key_id: UUID, visit: Reader, response: Response) -> KeyShown:
    """One key."""
    async with visit.reading() as tx:
        found = await keys.get(tx, key_id)
    if found is None:
        raise NotFound
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{key_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_key(
    key_id: UUID, body: KeyChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> KeyShown:
    """Give a key another name, address, scopes or end. Nobody gives, or prolongs, scopes that they do not have."""
    async with visit.writing() as tx:
        held = await keys.hold(tx, key_id)
        if_match.require(held.version)
        before = keys.NewKey(name=held.name, scopes=held.scopes, email=held.email, expires_at=held.expires_at)
        wanted = replace(before, **{name: getattr(body, name) for name in body.model_fields_set})
        _judge_change(held, wanted, visit)
        if wanted != before:
            held = await keys.update(tx, held, wanted)
    versions.show(response, held.version)
    return _shown(held)


@router.delete("/{key_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def revoke_key(key_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """End a key for good, from the next request on. The account's last key that makes keys is refused."""
    async with visit.writing() as tx:
        held = await keys.hold(tx, key_id)
        if_match.require(held.version)
        await keys.revoke(tx, held)


def _judge_change(held: keys.Key, wanted: keys.NewKey, visit: Visit) -> None:
    if held.revoked_at is not None:
        raise Conflict("The key is revoked for good; make a new one.")
    if wanted.expires_at != held.expires_at:
        _require_to_come(wanted.expires_at)
    is_prolonged = held.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > held.expires_at)
    given = wanted.scopes if is_prolonged else wanted.scopes - held.scopes
    _require_givable(given, effective_scopes(visit.caller))


def _judge(body: NewKey, visit: Visit, account_id: UUID) -> None:
    _require_to_come(body.expires_at)
    if account_id != visit.caller.account_id:
        visit.require(Scope.ADMIN)
        givable = OPERATOR_SCOPES if account_id == OPERATOR else OWNER_SCOPES
    else:
        givable = effective_scopes(visit.caller)
    _require_givable(body.scopes, givable)


def _require_to_come(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= datetime.now(UTC):
        error = FieldError(pointer="/expires_at", code="invalid_value", detail="Expected a time that is to come.")
        raise Refused(InvalidRequest(), [error])


def _require_givable(scopes: frozenset[Scope], givable: frozenset[Scope]) -> None:
    beyond = sorted(scopes - givable)
    if beyond:
        raise ScopeMissing(f"These scopes cannot be given by this key to that account: {', '.join(beyond)}.")


def _shown(key: keys.Key) -> KeyShown:
    return KeyShown(
        id=key.id,
        prefix=key.prefix,
        name=key.name,
        email=key.email,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        version=key.version,
    )
