"""`/v1/openpgp-keys`: one's own OpenPGP keys, partners' public ones, and passwords that files are encrypted with.

Private keys, passphrases and passwords are write-only. Keys are read and made in a thread: those under a passphrase
take a good part of a second on purpose.
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, Field, SecretStr, StringConstraints, model_validator

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked, SecretShown
from shared.domain.failures import Conflict, Failure, InvalidRequest, UnsupportedOpenPgpKey, WrongPassphrase
from shared.domain.moment import Moment
from shared.domain.openpgp_key import FINGERPRINT_PATTERN, KeyUse, OwnKey, PartnerKey
from shared.domain.scope import Scope
from shared.formats.openpgp import keys
from shared.storage import openpgp_keys
from shared.storage.openpgp_keys import Kind, StoredKey

router = APIRouter(prefix="/v1/openpgp-keys", tags=["openpgp keys"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

Name = Annotated[str, Field(min_length=1, max_length=200)]
Material = Annotated[
    SecretStr,
    Field(min_length=1, max_length=2 * keys.MAX_BYTES, description="Armored, or base64 of the binary form; write-only"),
]

_LEAST_LIFE, _LONGEST_LIFE = timedelta(minutes=1), timedelta(seconds=2**32 - 1)
"""RFC 4880, section 5.2.3.6: a key's life is 32 bits of seconds, and 0 is forever."""


def _one_line(value: SecretStr) -> SecretStr:
    """GnuPG takes a passphrase as a line."""
    if any(ord(char) < 32 or ord(char) == 127 for char in value.get_secret_value()):
        raise ValueError("found a control character")
    return value


Password = Annotated[
    SecretStr, Field(min_length=1, max_length=200, description="Write-only"), AfterValidator(_one_line)
]
# RFC 4880, section 5.11: by convention a name and an address; neither is demanded.
UserId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\z")]


class KeyToGenerate(Asked):
    """What a new key of one's own is to be."""

    user_id: UserId = Field(description="Whom partners see: `Shop <files@shop.example>`")
    algorithm: Literal["rsa3072", "rsa4096", "curve25519"] = Field(
        default="rsa3072", description="RSA is read by every program, Curve25519 by those of the last ten years"
    )
    expires_at: Moment | None = Field(default=None, description="null: it does not expire")


class NewOpenPgpKey(Asked):
    """A key to import or to generate, or a password: one of `key`, `generate`, `password`."""

    name: Name
    key: Material | None = None
    passphrase: Password | None = Field(default=None, description="Of a private `key`, if it has one; write-only")
    generate: KeyToGenerate | None = None
    password: Password | None = Field(default=None, description="What files are encrypted with; write-only")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> "NewOpenPgpKey":
        if sum(each is not None for each in (self.key, self.generate, self.password)) != 1:
            raise ValueError("expected exactly one of key, generate and password")
        if self.passphrase is not None and self.key is None:
            raise ValueError("a passphrase belongs to a key that is imported")
        return self


class OpenPgpKeyChange(Asked):
    """What changes of a key; what is not sent stays."""

    name: Name | None = None
    key: Material | None = Field(default=None, description="The same key as it is now, for example prolonged")
    passphrase: Password | None = Field(default=None, description="Of a private `key`; write-only")


class OpenPgpKeyQuery(PageQuery):
    """Which keys to list."""

    kind: Kind | None = None
    fingerprint: Annotated[str, Field(pattern=FINGERPRINT_PATTERN)] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None


class OpenPgpKeyShown(BaseModel):
    """A key or password, without what is secret of it."""

    id: UUID
    name: str
    kind: Kind
    fingerprint: str | None = Field(description="null of a password, as is all that a key tells of itself")
    user_ids: list[str]
    algorithm: str | None = Field(description="With that of the subkey for encryption behind a plus sign")
    key_created_at: datetime | None
    expires_at: datetime | None
    revoked: bool
    can: list[KeyUse] = Field(description="What can be done with it now")
    private_key: SecretShown
    passphrase: SecretShown
    password: SecretShown
    version: int
    created_at: datetime


@router.post("", status_code=201, responses=CONFLICT)
async def create_openpgp_key(body: NewOpenPgpKey, visit: Writer, response: Response) -> OpenPgpKeyShown:
    """Import a key of one's own or of a partner, generate one, or store a password."""
    ring = visit.tools.keys
    key = None if body.password is not None else await _key(body)
    public = None if key is None else await asyncio.to_thread(keys.public_part, key)
    async with visit.writing() as tx:
        if isinstance(key, OwnKey) and public is not None:
            made = await openpgp_keys.add_own(tx, ring, body.name, key, public)
        elif isinstance(key, PartnerKey):
            made = await openpgp_keys.add_partner(tx, ring, body.name, key)
        else:
            assert body.password is not None
            made = await openpgp_keys.add_password(tx, ring, body.name, body.password.get_secret_value())
    response.headers["Location"] = f"/v1/openpgp-keys/{made.id}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("")
async def list_openpgp_keys(visit: Reader, query: Annotated[OpenPgpKeyQuery, Query()]) -> Page[OpenPgpKeyShown]:
    """The account's keys and passwords, oldest first."""
    listing = Listing.of(visit, query)
    chosen = openpgp_keys.KeyFilter(kind=query.kind, fingerprint=query.fingerprint, name=query.name, after=listing.mark)
    async with visit.reading() as tx:
        found = await openpgp_keys.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each.created_at, each.id))


@router.get("/{openpgp_key_id}", responses=ABSENT)
async def get_openpgp_key(openpgp_key_id: UUID, visit: Reader, response: Response) -> OpenPgpKeyShown:
    """One key."""
    async with visit.reading() as tx:
        found = await openpgp_keys.get(tx, openpgp_key_id)
    versions.show(response, found.version)
    return _shown(found)


@router.get(
    "/{openpgp_key_id}/public",
    responses=ABSENT | CONFLICT | {200: {"content": {"application/pgp-keys": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def get_openpgp_public_part(openpgp_key_id: UUID, visit: Reader) -> Response:
    """The public part of a key, armored: for whoever encrypts to it or verifies its signatures."""
    async with visit.reading() as tx:
        found = await openpgp_keys.get(tx, openpgp_key_id)
    if found.public_part is None or found.facts is None:
        raise Conflict("A password has no public part.")
    name = f"{found.facts.fingerprint}.asc"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(found.public_part, media_type="application/pgp-keys", headers=headers)


@router.patch("/{openpgp_key_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_openpgp_key(
    openpgp_key_id: UUID, body: OpenPgpKeyChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> OpenPgpKeyShown:
    """Give a key another name, or put the same key in its place as it is now, for example prolonged."""
    if body.key is None and body.passphrase is not None:
        detail = "A passphrase belongs to a key that is sent; without one nothing would change."
        raise _refused("/passphrase", InvalidRequest(detail), "invalid_value")
    key = None if body.key is None else await _imported(body.key, body.passphrase)
    public = "" if key is None else await asyncio.to_thread(keys.public_part, key)
    async with visit.writing() as tx:
        held = await openpgp_keys.lock(tx, openpgp_key_id)
        if_match.require(held.version)
        if body.name is not None and body.name != held.name:
            held = await openpgp_keys.rename(tx, held, body.name)
        if key is not None:
            held = await openpgp_keys.renew(tx, visit.tools.keys, held, key, public)
    versions.show(response, held.version)
    return _shown(held)


@router.delete("/{openpgp_key_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_openpgp_key(openpgp_key_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a key away for good; files that are encrypted to it alone cannot be opened any more.

    Refused while a connection or a goal names it.
    """
    async with visit.writing() as tx:
        held = await openpgp_keys.lock(tx, openpgp_key_id)
        if_match.require(held.version)
        await openpgp_keys.delete(tx, held)


async def _key(body: NewOpenPgpKey) -> OwnKey | PartnerKey:
    if body.generate is None:
        assert body.key is not None
        return await _imported(body.key, body.passphrase)
    wanted = body.generate
    if wanted.expires_at is not None and not _LEAST_LIFE <= wanted.expires_at - datetime.now(UTC) <= _LONGEST_LIFE:
        detail = "Expected a time that is a minute to 136 years ahead."
        raise _refused("/generate/expires_at", InvalidRequest(detail), "invalid_value")
    # Nobody ever has to type it: the key is stored sealed, and its passphrase beside it.
    passphrase = secrets.token_urlsafe(32)
    return await asyncio.to_thread(keys.generated, wanted.user_id, wanted.algorithm, wanted.expires_at, passphrase)


async def _imported(material: SecretStr, passphrase: SecretStr | None) -> OwnKey | PartnerKey:
    said = None if passphrase is None else passphrase.get_secret_value()
    try:
        return await asyncio.to_thread(keys.imported, material.get_secret_value(), said)
    except UnsupportedOpenPgpKey as failure:
        raise _refused("/key", failure, failure.code) from failure
    except WrongPassphrase as failure:
        raise _refused("/passphrase", failure, failure.code) from failure


def _refused(pointer: str, failure: Failure, code: str) -> Refused:
    detail = f"{failure.detail} {failure.what_to_do}".strip()
    return Refused(InvalidRequest(), [FieldError(pointer=pointer, code=code, detail=detail)])


def _shown(stored: StoredKey) -> OpenPgpKeyShown:
    facts = stored.facts
    return OpenPgpKeyShown(
        id=stored.id,
        name=stored.name,
        kind=stored.kind,
        fingerprint=facts and facts.fingerprint,
        user_ids=list(facts.user_ids) if facts else [],
        algorithm=facts and facts.algorithm,
        key_created_at=facts and facts.created_at,
        expires_at=facts and facts.expires_at,
        revoked=facts is not None and facts.is_revoked,
        can=list(facts.uses_at(datetime.now(UTC))) if facts else [KeyUse.DECRYPT],
        private_key=SecretShown(set=stored.kind == "own"),
        passphrase=SecretShown(set=stored.has_passphrase),
        password=SecretShown(set=stored.kind == "password"),
        version=stored.version,
        created_at=stored.created_at,
    )
