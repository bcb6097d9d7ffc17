"""`/v1/drop-folders`: folders that Tidegate hosts. Their logins are credentials.py's business."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.integration import Integration
from shared.domain.scope import Scope
from shared.storage import drop_folders, drop_usage, integrations, removal
from shared.storage.drop_folders import DropFolder

router = APIRouter(prefix="/v1/drop-folders", tags=["drop folders"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

GIBIBYTE = 1024**3
MOST_FILES = 10_000_000
MOST_DAYS = 3_650
_FILES = "Files and directories"
_RETENTION = (
    "Files are removed when nothing has happened to them for that many days, null: never. Only what needs nothing "
    "more and is known: files whose runs have ended; files that no goal takes, where that was told and goals were "
    "left unchanged for as long, and none of the folder's imports is paused; and what a run's receipt says that "
    "Tidegate put there (exports, whether or not they were fetched, and rejects) while nobody has changed it since. "
    "`/v1/arrivals` says so of each that came from somebody (`expired_at`). What is incomplete, broken off or waits "
    "for anything stays, and so does what came there in another way (copied on the volume), and all in a folder "
    "that no connection watches. Nothing is removed while the account's hosted folders are off or paused, and for a "
    "day afterwards"
)
Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class NewDropFolder(Asked):
    """What makes a hosted folder."""

    name: str = Field(min_length=1, max_length=200)
    quota_bytes: int = Field(default=10 * GIBIBYTE, ge=1, le=100 * 1024 * GIBIBYTE)
    quota_files: int = Field(default=drop_folders.QUOTA_FILES, ge=1, le=MOST_FILES, description=_FILES)
    retention_days: Days | None = Field(default=None, description=_RETENTION)


class DropFolderChange(Asked):
    """What is changed of a hosted folder; what is not sent stays."""

    # Made by a factory, so that the document shows no default: there is none.
    name: str = Field(default_factory=str, min_length=1, max_length=200)
    quota_bytes: int = Field(default_factory=int, ge=1, le=100 * 1024 * GIBIBYTE)
    quota_files: int = Field(default_factory=int, ge=1, le=MOST_FILES, description=_FILES)
    retention_days: Days | None = Field(default_factory=lambda: None, description=_RETENTION)


class DropFolderQuery(PageQuery):
    """Which folders to list."""

    name: Annotated[str, Field(max_length=200)] | None = None


class DropFolderShown(BaseModel):
    """A hosted folder."""

    id: UUID
    name: str
    quota_bytes: int
    quota_files: int = Field(description=_FILES)
    retention_days: int | None = Field(description=_RETENTION)
    version: int
    created_at: datetime


class FolderUsage(BaseModel):
    """What is used of a folder's quotas."""

    bytes: int = Field(description="With what is set aside for uploads under way")
    files: int = Field(description=_FILES)
    measured_at: datetime | None = Field(description="When the disk was last looked at; what was done since is counted")


class DropFolderInUse(DropFolderShown):
    """A hosted folder, and what is used of it."""

    usage: FolderUsage


@router.post("", status_code=201, responses=CONFLICT)
async def create_drop_folder(body: NewDropFolder, visit: Writer, response: Response) -> DropFolderShown:
    """Make a hosted folder. A connection of transport `hosted` watches it."""
    async with visit.writing() as tx:
        await integrations.require(tx, Integration.HOSTED_FOLDERS)
        made = await drop_folders.create(tx, body.name, body.quota_bytes, body.quota_files, body.retention_days)
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
async def get_drop_folder(drop_folder_id: UUID, visit: Reader, response: Response) -> DropFolderInUse:
    """One hosted folder, and what is used of it."""
    async with visit.reading() as tx:
        found = await drop_folders.get(tx, drop_folder_id)
        used = await drop_usage.get(tx, drop_folder_id)
    versions.show(response, found.version)
    return _in_use(found, used)


@router.patch("/{drop_folder_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_drop_folder(
    drop_folder_id: UUID, body: DropFolderChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> DropFolderInUse:
    """Give a hosted folder another name, quota or retention; a smaller quota takes nothing away that is there."""
    async with visit.writing() as tx:
        found = await drop_folders.lock(tx, drop_folder_id)
        if_match.require(found.version)
        wanted = replace(found, **{name: getattr(body, name) for name in body.model_fields_set})
        if wanted != found:
            found = await drop_folders.update(tx, wanted)
        used = await drop_usage.get(tx, drop_folder_id)
    versions.show(response, found.version)
    return _in_use(found, used)


@router.delete("/{drop_folder_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_drop_folder(drop_folder_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a hosted folder away with its logins. What was uploaded stays on the disk, and what became of it known."""
    async with visit.writing() as tx:
        if_match.require((await drop_folders.lock(tx, drop_folder_id)).version)
        await removal.remove_drop_folder(tx, drop_folder_id)


def _in_use(found: DropFolder, used: drop_usage.Usage) -> DropFolderInUse:
    usage = FolderUsage(bytes=used.bytes, files=used.files, measured_at=used.measured_at)
    return DropFolderInUse(**_folder(found).model_dump(), usage=usage)


def _folder(each: DropFolder) -> DropFolderShown:
    return DropFolderShown(
        id=each.id,
        name=each.name,
        quota_bytes=each.quota_bytes,
        quota_files=each.quota_files,
        retention_days=each.retention_days,
        version=each.version,
        created_at=each.created_at,
    )
