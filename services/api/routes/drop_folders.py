"""`/v1/drop-folders`: folders that Tidegate hosts, and logins to hand over to who drops files there."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.once import SHOWN_ONCE
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from services.api.tools import HostedServer
from shared.domain.failures import InvalidRequest, NotFound, UnsupportedKey
from shared.domain.goal import TEMPORARY_SUFFIXES
from shared.domain.names import MAX_NAME_BYTES, Directory
from shared.domain.scope import Scope
from shared.storage import drop_folders, removal
from shared.storage.drop_folders import Credential, DropFolder
from shared.transfer.keys import public_key

router = APIRouter(prefix="/v1/drop-folders", tags=["drop folders"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

GIBIBYTE = 1024**3

NAMING_RULES = (
    "Names are case-sensitive.",
    f"A name has at most {MAX_NAME_BYTES} bytes, and no control characters and no slash.",
    f"Files whose names begin with a dot or end in {', '.join(TEMPORARY_SUFFIXES)} are taken for unfinished.",
    "Upload under the final name, or under a temporary one and rename it when the upload is complete.",
)


class NewDropFolder(Asked):
    """What makes a hosted folder."""

    name: str = Field(min_length=1, max_length=200)
    quota_bytes: int = Field(default=10 * GIBIBYTE, ge=1, le=100 * 1024 * GIBIBYTE)


class DropFolderChange(Asked):
    """What is changed of a hosted folder; what is not sent stays."""

    # Made by a factory, so that the document shows no default: there is none.
    name: str = Field(default_factory=str, min_length=1, max_length=200)
    quota_bytes: int = Field(default_factory=int, ge=1, le=100 * 1024 * GIBIBYTE)


class DropFolderQuery(PageQuery):
    """Which folders to list."""

    name: Annotated[str, Field(max_length=200)] | None = None


class CredentialQuery(PageQuery):
    """Which logins to list."""

    state: Literal["active", "revoked"] | None = None
    username: Annotated[str, Field(max_length=200)] | None = None


class DropFolderShown(BaseModel):
    """A hosted folder."""

    id: UUID
    name: str
    quota_bytes: int
    version: int
    created_at: datetime


class NewCredential(Asked):
    """What makes a login."""

    directory: Directory = Field(default="", description="The login is shut into this directory of the folder")
    public_key: str | None = Field(
        default=None, max_length=16_384, description="In OpenSSH's one-line format; without it a password is made"
    )


class CredentialShown(BaseModel):
    """A login, without its password."""

    id: UUID
    drop_folder_id: UUID
    username: str
    directory: str
    kind: Literal["password", "public_key"]
    state: Literal["active", "revoked"]
    fingerprint: str | None = Field(description="Of the public key")
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class Sheet(CredentialShown):
    """Everything that who drops files needs to know: hand it over."""

    protocol: str = "sftp"
    host: str
    port: int
    host_key_fingerprints: list[str] = Field(description="To compare at the first contact")
    password: Annotated[str | None, SHOWN_ONCE] = Field(
        description="Shown this once, stored nowhere; null with a public key"
    )
    naming_rules: list[str]


@router.post("", status_code=201, responses=CONFLICT)
async def create_drop_folder(body: NewDropFolder, visit: Writer, response: Response) -> DropFolderShown:
    """Make a hosted folder. A connection of transport `hosted` watches it."""
    async with visit.writing() as tx:
        made = await drop_folders.create(tx, body.name, body.quota_bytes)
    response.headers["Location"] = f"/v1/drop-folders/{made.id}"
    versions.show(response, made.version)
    return _folder(made)


@router.get("")
async def list_drop_folders(visit: Reader, query: Annotated[DropFolderQuery, Query()]) -> Page[DropFolderShown]:
    """The account's hosted folders, oldest first."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        found = await drop_folders.page(tx, listing.mark, listing.wanted, name=query.name)
    return listing.page(found, _folder, lambda each: (each.created_at, each.id))


@router.get("/{drop_folder_id}", responses=ABSENT)
async def get_drop_folder(drop_folder_id: UUID, visit: Reader, response: Response) -> DropFolderShown:
    """One hosted folder."""
    async with visit.reading() as tx:
        found = await drop_folders.get(tx, drop_folder_id)
    versions.show(response, found.version)
    return _folder(found)


@router.patch("/{drop_folder_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_drop_folder(
    drop_folder_id: UUID, body: DropFolderChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> DropFolderShown:
    """Give a hosted folder another name or quota; a smaller quota takes nothing away that is there."""
    async with visit.writing() as tx:
        found = await drop_folders.lock(tx, drop_folder_id)
        if_match.require(found.version)
        wanted = body.name or found.name, body.quota_bytes or found.quota_bytes
        if wanted != (found.name, found.quota_bytes):
            found = await drop_folders.update(tx, drop_folder_id, *wanted)
    versions.show(response, found.version)
    return _folder(found)


@router.delete("/{drop_folder_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_drop_folder(drop_folder_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a hosted folder away with its logins. What was uploaded stays on the disk, and what became of it known."""
    async with visit.writing() as tx:
        if_match.require((await drop_folders.lock(tx, drop_folder_id)).version)
        await removal.remove_drop_folder(tx, drop_folder_id)


@router.post("/{drop_folder_id}/credentials", status_code=201, responses=ABSENT)
async def create_credential(drop_folder_id: UUID, body: NewCredential, visit: Writer, response: Response) -> Sheet:
    """Make a login; the answer is the sheet to hand over, and the only time the password is shown."""
    key = None if body.public_key is None else _normalized(body.public_key)
    fingerprints = await visit.tools.hosted.fingerprints()
    async with visit.writing() as tx:
        await drop_folders.lock(tx, drop_folder_id)
        made, password = await drop_folders.create_credential(
            tx, drop_folder_id, directory=body.directory, public_key=key
        )
    response.headers["Location"] = f"/v1/drop-folders/{drop_folder_id}/credentials/{made.id}"
    versions.show(response, _version(made))
    return _sheet(made, password, visit.tools.hosted, fingerprints)


@router.get("/{drop_folder_id}/credentials", responses=ABSENT)
async def list_credentials(
    drop_folder_id: UUID, visit: Reader, query: Annotated[CredentialQuery, Query()]
) -> Page[CredentialShown]:
    """A folder's logins, oldest first, revoked ones too."""
    listing = Listing.of(visit, query)
    is_revoked = None if query.state is None else query.state == "revoked"
    chosen = drop_folders.CredentialFilter(is_revoked, query.username, listing.mark)
    async with visit.reading() as tx:
        await drop_folders.get(tx, drop_folder_id)
        found = await drop_folders.credentials(tx, drop_folder_id, chosen, listing.wanted)
    return listing.page(found, _credential, lambda each: (each.created_at, each.id))


@router.get("/{drop_folder_id}/credentials/{credential_id}", responses=ABSENT)
async def get_credential(
    drop_folder_id: UUID, credential_id: UUID, visit: Reader, response: Response
) -> CredentialShown:
    """One login, revoked or not."""
    async with visit.reading() as tx:
        await drop_folders.get(tx, drop_folder_id)
        found = await drop_folders.get_credential(tx, credential_id)
    if found.drop_folder_id != drop_folder_id:
        raise NotFound
    versions.show(response, _version(found))
    return _credential(found)


@router.delete("/{drop_folder_id}/credentials/{credential_id}", status_code=204, responses=ABSENT | VERSIONED)
async def revoke_credential(
    drop_folder_id: UUID, credential_id: UUID, visit: Writer, if_match: versions.IfMatch
) -> None:
    """End a login for good."""
    async with visit.writing() as tx:
        await drop_folders.lock(tx, drop_folder_id)
        found = await drop_folders.get_credential(tx, credential_id)
        if found.drop_folder_id != drop_folder_id:
            raise NotFound
        if_match.require(_version(found))
        await drop_folders.revoke(tx, drop_folder_id, credential_id)


def _normalized(line: str) -> str:
    try:
        return public_key(line).line
    except UnsupportedKey as failure:
        detail = f"{failure.detail} Expected ssh-ed25519, ecdsa-sha2-nistp256/384/521 or ssh-rsa.".strip()
        raise Refused(
            InvalidRequest(), [FieldError(pointer="/public_key", code=failure.code, detail=detail)]
        ) from failure


def _folder(each: DropFolder) -> DropFolderShown:
    return DropFolderShown(
        id=each.id, name=each.name, quota_bytes=each.quota_bytes, version=each.version, created_at=each.created_at
    )


def _version(each: Credential) -> int:
    """A login changes once in its life: when it is revoked."""
    return 1 if each.revoked_at is None else 2


def _credential(each: Credential) -> CredentialShown:
    return CredentialShown(
        id=each.id,
        drop_folder_id=each.drop_folder_id,
        username=each.username,
        directory=each.directory,
        kind="password" if each.public_key is None else "public_key",
        state="active" if each.revoked_at is None else "revoked",
        fingerprint=None if each.public_key is None else public_key(each.public_key).fingerprint,
        created_at=each.created_at,
        last_used_at=each.last_used_at,
        revoked_at=each.revoked_at,
    )


def _sheet(made: Credential, password: str | None, hosted: HostedServer, fingerprints: tuple[str, ...]) -> Sheet:
    return Sheet(
        **_credential(made).model_dump(),
        host=hosted.host,
        port=hosted.port,
        host_key_fingerprints=list(fingerprints),
        password=password,
        naming_rules=list(NAMING_RULES),
    )
