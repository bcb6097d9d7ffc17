"""The way in that the all in one hands to whoever starts it: addresses, two keys and an SFTP login.

Made at the first start and kept in `access.json`, readable by its owner only; later starts read it and tell the
addresses of the day. A distributed deployment makes its keys by `tidegate account create` and `key create`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from services.dropserver.sftp import DropServer
from services.entry.data_directory import write_private
from shared.domain.connection import ConnectionSettings
from shared.domain.integration import Integration
from shared.domain.place import HostedPlace
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES
from shared.runtime.service import Base
from shared.storage import accounts, connections, credentials, drop_folders, integrations, keys

QUOTA_BYTES = 20 * 1024**3


@dataclass(frozen=True, slots=True)
class Access:
    """Addresses and secrets of a running all in one."""

    api_url: str
    operator_key: str
    account_id: str
    account_key: str
    sftp_host: str
    sftp_port: int
    sftp_fingerprint: str
    sftp_username: str
    sftp_password: str
    webdav_url: str | None
    """With the same user name and password."""
    directory: str


async def make_access(
    base: Base, directory: Path, *, api_port: int, sftp: DropServer, webdav_url: str | None
) -> Access:
    """The way in, made where this directory has none yet."""
    path = directory / "access.json"
    known = json.loads(path.read_text()) if path.exists() else await _make(base)
    access = Access(
        api_url=f"http://127.0.0.1:{api_port}",
        sftp_host="127.0.0.1",
        sftp_port=sftp.port,
        sftp_fingerprint=sftp.fingerprints[0],
        webdav_url=webdav_url,
        directory=str(directory),
        **{name: known[name] for name in _MADE_ONCE},
    )
    write_private(path, asdict(access))
    return access


_MADE_ONCE = ("operator_key", "account_id", "account_key", "sftp_username", "sftp_password")


async def _make(base: Base) -> dict[str, str]:
    async with base.database.account(accounts.OPERATOR) as tx:
        _, operator_key = await keys.create(tx, keys.NewKey("first operator key", OPERATOR_SCOPES))
    account_id = uuid4()
    async with base.database.account(account_id) as tx:
        await accounts.create(tx, "first account")
        # It comes with a folder and a login to try them.
        await integrations.switch_on(tx, Integration.HOSTED_FOLDERS)
        _, account_key = await keys.create(
            tx, keys.NewKey("first key", OWNER_SCOPES, email="owner@localhost.localdomain")
        )
        folder = await drop_folders.create(tx, "first folder", QUOTA_BYTES)
        credential, password = await credentials.create(tx, folder.id, directory="", public_key=None)
        place = HostedPlace(transport="hosted", drop_folder_id=folder.id)
        settings = ConnectionSettings(name="first connection", interval_seconds=10, place=place)
        await connections.create(tx, base.keys, settings, {}, email=None)
    assert password is not None
    return {
        "operator_key": operator_key,
        "account_id": str(account_id),
        "account_key": account_key,
        "sftp_username": credential.username,
        "sftp_password": password,
    }
