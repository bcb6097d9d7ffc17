"""`/v1/drop-folders/{id}/credentials`: logins to hand over to who drops files into a hosted folder, or fetches them."""

from dataclasses import replace
from datetime import UTC, datetime
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
from shared.domain.hosted_login import ALL_RIGHTS, Network, Right
from shared.domain.integration import Integration
from shared.domain.moment import Moment
from shared.domain.names import MAX_NAME_BYTES, Directory
from shared.domain.scope import Scope
from shared.storage import credentials, drop_folders, integrations
from shared.storage.credentials import Allowed, Credential, CredentialState
from shared.transfer.keys import public_key

router = APIRouter(
    prefix="/v1/drop-folders/{drop_folder_id}/credentials", tags=["drop folders"], responses=PROBLEMS | ABSENT
)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

NAMING_RULES = (
    "Names are case-sensitive.",
    f"A name has at most {MAX_NAME_BYTES} bytes, and no control characters and no slash.",
    f"Files whose names begin with a dot or end in {', '.join(TEMPORARY_SUFFIXES)} are taken for unfinished.",
    "Upload under the final name, or under a temporary one and rename it when the upload is complete.",
)

_NAME = "What it is for, such as the partner's name"
_RIGHTS = (
    "`read`: fetch files; `write`: upload, rename, remove, make directories; `list`: see what lies there. "
    "Size and time of a file that is asked for by its name are told to every login, for uploads are resumed by them"
)
_EXPIRES = "It opens nothing from then on, and sessions under way may do nothing more; null: it does not expire"
_NETWORKS = (
    "CIDR; the login opens from these addresses alone. None: from anywhere. The address is the one that the server "
    "sees: behind a proxy or load balancer that does not keep the client's address, it is the proxy's"
)
Name = Annotated[str, Field(max_length=200, description=_NAME)]
Rights = Annotated[frozenset[Right], Field(min_length=1, description=_RIGHTS)]
Networks = Annotated[tuple[Network, ...], Field(max_length=100, description=_NETWORKS)]
Key = Annotated[
    str | None,
    Field(max_length=16_384, description="In OpenSSH's one-line format; without it a password is made"),
]


class CredentialQuery(PageQuery):
    """Which logins to list."""

    state: CredentialState | None = None
    username: Annotated[str, Field(max_length=200)] | None = None


class NewCredential(Asked):
    """What makes a login."""

    name: Name = ""
    directory: Directory = Field(default="", description="The login is shut into this directory of the folder")
    public_key: Key = None
    rights: Rights = ALL_RIGHTS
    expires_at: Moment | None = Field(default=None, description=_EXPIRES)
    source_networks: Networks = ()


class CredentialChange(Asked):
    """What changes of a login; what is not named stays. Its user name, directory and secret do."""

    name: Name = ""
    rights: Rights = frozenset()
    expires_at: Moment | None = Field(default=None, description=_EXPIRES)
    source_networks: Networks = ()


class Rotation(Asked):
    """Another secret for a login."""

    public_key: Key = None
    former_until: Moment | None = Field(
        default=None, description="Until when the secret that it had opens as well; without a time no longer"
    )


class CredentialShown(BaseModel):
    """A login, without its password."""

    id: UUID
    drop_folder_id: UUID
    name: str
    username: str
    directory: str
    kind: Literal["password", "public_key"]
    state: CredentialState
    rights: list[Right]
    expires_at: datetime | None
    source_networks: list[str]
    fingerprint: str | None = Field(description="Of the public key")
    former_until: datetime | None = Field(description="Until when the secret before the last rotation opens as well")
    created_at: datetime
    last_used_at: datetime | None = Field(description="The last login with it, to the minute")
    revoked_at: datetime | None
    version: int


class Sheet(CredentialShown):
    """Everything that who drops files needs to know: hand it over."""

    protocol: str = "sftp"
    host: str
    port: int
    host_key_fingerprints: list[str] = Field(description="To compare at the first contact")
    webdav_url: str | None = Field(
        description="The same folder by WebDAV, with the same user name and password; null where it is not served so, "
        "and with a public key, which opens by SFTP alone"
    )
    password: Annotated[str | None, SHOWN_ONCE] = Field(
        description="Shown this once, stored nowhere; null with a public key"
    )
    naming_rules: list[str]


@router.post("", status_code=201, responses=CONFLICT)
async def create_credential(drop_folder_id: UUID, body: NewCredential, visit: Writer, response: Response) -> Sheet:
    """Make a login; the answer is the sheet to hand over, and the only time the password is shown."""
    key = None if body.public_key is None else _normalized(body.public_key)
    wanted = Allowed(body.name, body.rights, body.expires_at, body.source_networks)
    fingerprints = await visit.tools.hosted.fingerprints()
    async with visit.writing() as tx:
        await drop_folders.lock(tx, drop_folder_id)
        await integrations.require(tx, Integration.HOSTED_FOLDERS)
        made, password = await credentials.create(
            tx, drop_folder_id, directory=body.directory, public_key=key, allowed=wanted
        )
    response.headers["Location"] = f"/v1/drop-folders/{drop_folder_id}/credentials/{made.id}"
    versions.show(response, made.version)
    return _sheet(made, password, visit.tools.hosted, fingerprints)


@router.get("")
async def list_credentials(
    drop_folder_id: UUID, visit: Reader, query: Annotated[CredentialQuery, Query()]
) -> Page[CredentialShown]:
    """A folder's logins, oldest first, revoked ones too."""
    listing = Listing.of(visit, query)
    chosen = credentials.CredentialFilter(query.state, query.username, listing.mark)
    async with visit.reading() as tx:
        await drop_folders.get(tx, drop_folder_id)
        found = await credentials.page(tx, drop_folder_id, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each.created_at, each.id))


@router.get("/{credential_id}")
async def get_credential(
    drop_folder_id: UUID, credential_id: UUID, visit: Reader, response: Response
) -> CredentialShown:
    """One login, revoked or not."""
    async with visit.reading() as tx:
        await drop_folders.get(tx, drop_folder_id)
        found = await credentials.get(tx, credential_id)
    if found.drop_folder_id != drop_folder_id:
        raise NotFound
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{credential_id}", responses=CONFLICT | VERSIONED)
async def change_credential(
    drop_folder_id: UUID,
    credential_id: UUID,
    body: CredentialChange,
    visit: Writer,
    response: Response,
    if_match: versions.IfMatch,
) -> CredentialShown:
    """Allow a login something else: other rights, another end, other networks. Who is in notices within 15 seconds."""
    async with visit.writing() as tx:
        await drop_folders.lock(tx, drop_folder_id)
        held = await credentials.lock(tx, drop_folder_id, credential_id)
        if_match.require(held.version)
        wanted = replace(held.allowed, **{name: getattr(body, name) for name in body.model_fields_set})
        if wanted != held.allowed:
            held = await credentials.change(tx, held, wanted)
    versions.show(response, held.version)
    return _shown(held)


@router.post("/{credential_id}/rotate", responses=CONFLICT)
async def rotate_credential(
    drop_folder_id: UUID, credential_id: UUID, body: Rotation, visit: Writer, response: Response
) -> Sheet:
    """Give a login another password or public key; the former one opens as well for as long as is said.

    The answer is the sheet to hand over, and the only time the new password is shown.
    """
    key = None if body.public_key is None else _normalized(body.public_key)
    overlaps = body.former_until is not None and body.former_until > datetime.now(UTC)
    fingerprints = await visit.tools.hosted.fingerprints()
    async with visit.writing() as tx:
        await drop_folders.lock(tx, drop_folder_id)
        held = await credentials.lock(tx, drop_folder_id, credential_id)
        made, password = await credentials.rotate(tx, held, key, body.former_until if overlaps else None)
    versions.show(response, made.version)
    return _sheet(made, password, visit.tools.hosted, fingerprints)


@router.delete("/{credential_id}", status_code=204, responses=VERSIONED)
async def revoke_credential(
    drop_folder_id: UUID, credential_id: UUID, visit: Writer, if_match: versions.IfMatch
) -> None:
    """End a login for good."""
    async with visit.writing() as tx:
        await drop_folders.lock(tx, drop_folder_id)
        held = await credentials.lock(tx, drop_folder_id, credential_id)
        if_match.require(held.version)
        if held.revoked_at is None:
            await credentials.revoke(tx, credential_id)


def _normalized(line: str) -> str:
    try:
        return public_key(line).line
    except UnsupportedKey as failure:
        detail = f"{failure.detail} Expected ssh-ed25519, ecdsa-sha2-nistp256/384/521 or ssh-rsa.".strip()
        raise Refused(
            InvalidRequest(), [FieldError(pointer="/public_key", code=failure.code, detail=detail)]
        ) from failure


def _shown(each: Credential) -> CredentialShown:
    return CredentialShown(
        id=each.id,
        drop_folder_id=each.drop_folder_id,
        name=each.allowed.name,
        username=each.username,
        directory=each.directory,
        kind="password" if each.public_key is None else "public_key",
        state=each.state,
        rights=[right for right in Right if right in each.allowed.rights],
        expires_at=each.allowed.expires_at,
        source_networks=list(each.allowed.source_networks),
        fingerprint=None if each.public_key is None else public_key(each.public_key).fingerprint,
        former_until=each.former_until,
        created_at=each.created_at,
        last_used_at=each.last_used_at,
        revoked_at=each.revoked_at,
        version=each.version,
    )


def _sheet(made: Credential, password: str | None, hosted: HostedServer, fingerprints: tuple[str, ...]) -> Sheet:
    return Sheet(
        **_shown(made).model_dump(),
        host=hosted.host,
        port=hosted.port,
        host_key_fingerprints=list(fingerprints),
        webdav_url=hosted.webdav_url if made.public_key is None else None,
        password=password,
        naming_rules=list(NAMING_RULES),
    )
