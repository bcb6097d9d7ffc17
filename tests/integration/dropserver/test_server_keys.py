"""Replicas present the same host keys, out of the database; a new one is announced before the old one goes."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import asyncssh
import pytest

from services.dropserver.sftp import DropServer
from services.dropserver.wiring import present, serving
from shared.bus.in_process import InProcessBus
from shared.domain.failures import Conflict
from shared.observe.metrics import Metrics
from shared.runtime import server_keys
from shared.runtime.service import base_of
from shared.runtime.settings import read_settings
from shared.storage import host_keys
from shared.storage.database import Database
from shared.storage.secrets import new_key
from shared.transfer.keys import described, make_private_key


async def test_replicas_present_the_same_key_and_a_new_one_takes_over_when_the_old_is_retired(
    database: Database, tmp_path: Path
) -> None:
    earlier = make_private_key()
    (tmp_path / "host_key").write_text(earlier)
    settings = read_settings(secret_key=new_key(), drop_directory=tmp_path, sftp_host="127.0.0.1", sftp_port=0)
    base = await base_of(settings, database, InProcessBus(), Metrics())
    async with AsyncExitStack() as stack:
        servers = await asyncio.gather(*(stack.enter_async_context(serving(base)) for _ in "ab"))
        old = described(asyncssh.import_private_key(earlier)).fingerprint
        # What a deployment has proved itself with until now, it goes on with.
        assert [await _shown(each) for each in servers] == [old, old]
        with pytest.raises(Conflict):
            await server_keys.retire(database, old)
        new = (await server_keys.add(database, base.keys, "ed25519")).fingerprint
        assert set(await host_keys.known(database)) == {old, new}
        for server in servers:
            await present(base, server)
            assert server.fingerprints == (old, new)
            assert await _shown(server) == old
        await server_keys.retire(database, old)
        assert await host_keys.known(database) == (new,)
        for server in servers:
            await present(base, server)
            assert await _shown(server) == new
        assert await host_keys.known(database) == (new,)
    async with serving(base) as server:
        assert server.fingerprints == (new,)


async def _shown(server: DropServer) -> str:
    key = await asyncssh.get_server_host_key("127.0.0.1", server.port, config=None)
    assert key is not None
    return key.get_fingerprint()
