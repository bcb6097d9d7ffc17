"""A partner's folder of a hundred thousand files: each of them is told, and the poller needs little memory for it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.domain.connection import ConnectionSettings
from shared.runtime.service import Base
from shared.storage import connections, goals
from shared.storage.database import DatabaseAddress
from tests.integration.road.place import goal
from tests.integration.transfer.conftest import PASSWORD, partner
from tests.integration.transfer.crowded import FILES, Crowded

MOST_BYTES = 64 << 20
"""Measured: 40 MiB. Keeping what the server said of each file until all are listed comes to 88, writing them down all
at once to 130."""


async def test_a_hundred_thousand_files_are_listed_and_written_down_in_bounded_memory(
    base: Base, database_address: DatabaseAddress, account: UUID, tmp_path: Path
) -> None:
    async with partner(tmp_path, server=Crowded) as server:
        settings = ConnectionSettings(name="Partner", place=server.place(*server.lines))
        async with base.database.account(account) as tx:
            made = (await connections.create(tx, base.keys, settings, {"password": PASSWORD}, email=None)).id
            await goals.create(tx, made, goal(), email=None)
        found = await _looked(base, database_address, account, made)
    assert found["told"] == FILES
    assert found["grown_bytes"] < MOST_BYTES


async def _looked(base: Base, address: DatabaseAddress, account: UUID, connection_id: UUID) -> dict[str, Any]:
    """What a poller says that is a process of its own, and has no other memory than it needs."""
    variables = {
        "DATABASE_URL": address.service_url,
        "WATCH_DATABASE_URL": address.watch_url,
        "SECRET_KEY": base.settings.secret_key.get_secret_value(),
        "ALLOWED_NETWORKS": base.settings.allowed_networks,
        "DROP_DIRECTORY": str(base.settings.drop_directory),
        "WORK_DIRECTORY": str(base.settings.work_directory),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.road.looking", str(account), str(connection_id)),
        env={**os.environ, **{f"TIDEGATE_{name}": value for name, value in variables.items()}},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(180):
        told, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found
