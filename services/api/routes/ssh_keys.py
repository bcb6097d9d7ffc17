"""`/v1/ssh-keys`: key pairs that connections log in with, generated here or imported, each for any number of them.

The private half is write-only, and comes out nowhere; the public half is handed to partners. Keys are read and made in
a thread: RSA takes seconds, and so may a passphrase.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, SecretStr, StringConstraints, model_validator

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked, SecretShown
from shared.domain.failures import InvalidRequest, UnsupportedKey
from shared.domain.legacy import warnings_of
from shared.domain.run import Reason
from shared.domain.scope import Scope
from shared.storage import ssh_keys
from shared.storage.database import Tx
from shared.storage.ssh_keys import NewKeyPair, StoredKeyPair
from shared.transfer import keys

router = APIRouter(prefix="/v1/ssh-keys", tags=["ssh keys"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

# It stands behind the public half, on one line.
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]+\z")]
Description = Annotated[str, Field(max_length=2_000)]


class SshKeyToGenerate(Asked):
    """What a new key pair is to be."""

    algorithm: Literal["ed25519", "rsa4096"] = Field(
        default="ed25519", description="rsa4096 for servers that know nothing newer; it takes some seconds"
    )


class NewSshKey(Asked):
    """A key pair to import or to generate: one of `key` and `generate`."""

    name: Name
    description: Description = ""
    generate: SshKeyToGenerate | None = None
    key: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=keys.MAX_KEY_CHARACTERS,
        description="A private key in OpenSSH's format or PEM (PKCS #1, PKCS #8, SEC 1); write-only",
    )
    passphrase: SecretStr | None = Field(
        default=None, min_length=1, max_length=1_000, description="Of `key`, if it has one; write-only, and not kept"
    )

    @model_validator(mode="after")
    def _is_one_of_them(self) -> "NewSshKey":
        if (self.key is None) == (self.generate is None):
            raise ValueError("expected exactly one of key and generate")
        if self.passphrase is not None and self.key is None:
            raise ValueError("a passphrase belongs to a key that is imported")
        return self


class SshKeyChange(Asked):
    """What changes of a key pair; what is not sent stays."""

    name: Name | None = None
    description: Description | None = None


class SshKeyQuery(PageQuery):
    """Which key pairs to list."""

    name: Annotated[str, Field(max_length=200)] | None = None
    fingerprint: Annotated[str, Field(max_length=200, description="`SHA256:...`")] | None = None


class SshKeyShown(BaseModel):
    """A key pair, without its private half."""

    id: UUID
    name: str
    description: str
    algorithm: str = Field(description="As OpenSSH calls the type of key: `ssh-ed25519`")
    bits: int
    fingerprint: str
    public_key: str = Field(description="One line, with the name as comment: what a partner puts into authorized_keys")
    private_key: SecretShown
    connection_ids: list[UUID] = Field(description="Connections that use it (`place.ssh_key_id`)")
    last_used_at: datetime | None = Field(description="When a login last took it, to the hour")
    warnings: list[Reason]
    version: int
    created_at: datetime


@router.post("", status_code=201, responses=CONFLICT)
async def create_ssh_key(body: NewSshKey, visit: Writer, response: Response) -> SshKeyShown:
    """Import a key pair, or generate one."""
    pair = await asyncio.to_thread(_pair, body, allows_legacy=visit.tools.allows_legacy_keys)
    async with visit.writing() as tx:
        made = await ssh_keys.add(tx, visit.tools.keys, body.name, body.description, pair)
    response.headers["Location"] = f"/v1/ssh-keys/{made.id}"
    versions.show(response, made.version)
    return _shown(made, [])


@router.get("")
async def list_ssh_keys(visit: Reader, query: Annotated[SshKeyQuery, Query()]) -> Page[SshKeyShown]:
    """The account's key pairs, oldest first."""
    listing = Listing.of(visit, query)
    chosen = ssh_keys.KeyPairFilter(name=query.name, fingerprint=query.fingerprint, after=listing.mark)
    async with visit.reading() as tx:
        found = await ssh_keys.page(tx, chosen, listing.wanted)
        users = await ssh_keys.users_of(tx, found)
    return listing.page(
        found, lambda each: _shown(each, users.get(each.id, [])), lambda each: (each.created_at, each.id)
    )


@router.get("/{ssh_key_id}", responses=ABSENT)
async def get_ssh_key(ssh_key_id: UUID, visit: Reader, response: Response) -> SshKeyShown:
    """One key pair."""
    async with visit.reading() as tx:
        shown = await _with_users(tx, await ssh_keys.get(tx, ssh_key_id))
    versions.show(response, shown.version)
    return shown


@router.get(
    "/{ssh_key_id}/public",
    responses=ABSENT | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def get_ssh_public_key(ssh_key_id: UUID, visit: Reader) -> Response:
    """The public half on one line, as `authorized_keys` wants it: for the partner."""
    async with visit.reading() as tx:
        found = await ssh_keys.get(tx, ssh_key_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.id}.pub"'}
    return Response(f"{_line(found)}\n", media_type="text/plain", headers=headers)


@router.patch("/{ssh_key_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_ssh_key(
    ssh_key_id: UUID, body: SshKeyChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> SshKeyShown:
    """Give a key pair another name or description."""
    async with visit.writing() as tx:
        held = await ssh_keys.lock(tx, ssh_key_id)
        if_match.require(held.version)
        name, description = body.name or held.name, held.description if body.description is None else body.description
        shown = await _with_users(tx, await ssh_keys.describe(tx, held, name, description))
    versions.show(response, shown.version)
    return shown


@router.delete("/{ssh_key_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_ssh_key(ssh_key_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a key pair away for good. Refused while a connection uses it."""
    async with visit.writing() as tx:
        held = await ssh_keys.lock(tx, ssh_key_id)
        if_match.require(held.version)
        await ssh_keys.delete(tx, held)


def _pair(body: NewSshKey, *, allows_legacy: bool) -> NewKeyPair:
    """Raises Refused for a key that cannot be used."""
    if body.generate is not None:
        pair = keys.generated(body.generate.algorithm)
    else:
        assert body.key is not None
        passphrase = None if body.passphrase is None else body.passphrase.get_secret_value()
        try:
            pair = keys.imported(body.key.get_secret_value(), passphrase, legacy=allows_legacy)
        except UnsupportedKey as failure:
            detail = f"{failure.detail} {failure.what_to_do}".strip()
            errors = [FieldError(pointer="/key", code=failure.code, detail=detail)]
            raise Refused(InvalidRequest(), errors) from failure
    public = pair.public
    return NewKeyPair(public.algorithm, pair.bits, public.fingerprint, public.line, pair.private_key)


async def _with_users(tx: Tx, stored: StoredKeyPair) -> SshKeyShown:
    return _shown(stored, (await ssh_keys.users_of(tx, [stored])).get(stored.id, []))


def _line(stored: StoredKeyPair) -> str:
    return f"{stored.public_key} {stored.name}"


def _shown(stored: StoredKeyPair, connection_ids: Sequence[UUID]) -> SshKeyShown:
    return SshKeyShown(
        id=stored.id,
        name=stored.name,
        description=stored.description,
        algorithm=stored.algorithm,
        bits=stored.bits,
        fingerprint=stored.fingerprint,
        public_key=_line(stored),
        private_key=SecretShown(set=True),
        connection_ids=list(connection_ids),
        last_used_at=stored.last_used_at,
        warnings=warnings_of(["login_ssh_dss"] if stored.algorithm == "ssh-dss" else []),
        version=stored.version,
        created_at=stored.created_at,
    )
