"""Replicas present the same host keys, out of the database; a new one is announced before the old one goes."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from structlog.testing import capture_logs

from services.dropserver.sftp import DropServer
from services.dropserver.wiring import keep_presenting, present, serving
from services.entry import host_keys as commands
from shared.bus.alongside import alongside
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
from tests.eventually import eventually


async def test_replicas_present_the_same_key_and_a_new_one_takes_over_when_the_old_is_retired(
    database: Database, tmp_path: Path
) -> None:
    earlier = make_private_key()
    (tmp_path / "host_key").write_text(earlier)
    settings = read_settings(secret_key=new_key(), drop_directory=tmp_path, sftp_host="127.0.0.1", sftp_port=0)
    base = await base_of(settings, database, InProcessBus(), Metrics())
    # Before a server has taken the earlier key over, another one would be the only one.
    with pytest.raises(Conflict, match="Start the hosted server"):
        await server_keys.add(database, base.keys, "ed25519")
    async with AsyncExitStack() as stack:
        servers = [
            each.sftp for each in await asyncio.gather(*(stack.enter_async_context(serving(base)) for _ in "ab"))
        ]
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
        # A server that read its keys before one was retired does not bring it back.
        await server_keys.tell(database, [old, new])
        assert await host_keys.known(database) == (new,)
    async with serving(base) as hosting:
        assert hosting.sftp.fingerprints == (new,)


async def test_a_server_goes_on_with_its_keys_while_the_file_of_the_operator_cannot_be_read(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(make_private_key())
    settings = read_settings(
        secret_key=new_key(), drop_directory=tmp_path, sftp_host="127.0.0.1", sftp_port=0, sftp_host_key_file=file
    )
    base = await base_of(settings, database, InProcessBus(), Metrics())
    async with serving(base) as hosting:
        server = hosting.sftp
        shown = server.fingerprints
        for is_there in (True, False):
            file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n") if is_there else file.unlink()
            with capture_logs() as logs:

                def is_told(logs: list[Any] = logs) -> bool:
                    return any(each["event"] == "host_keys.not_told" for each in logs)

                async with alongside(keep_presenting(base, server)):
                    await eventually(is_told, "a word of it")
            assert server.fingerprints == shown
            assert await _shown(server) == shown[0]


async def test_keys_that_nobody_is_shown_are_not_managed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIDEGATE_SFTP_HOST_KEY_FILE", str(tmp_path / "key"))
    for command in (commands.show(), commands.add(commands.Kind.ED25519), commands.retire("SHA256:x")):
        with pytest.raises(Conflict, match="TIDEGATE_SFTP_HOST_KEY_FILE"):
            await command


async def _shown(server: DropServer) -> str:
    key = await asyncssh.get_server_host_key("127.0.0.1", server.port, config=None)
    assert key is not None
    return key.get_fingerprint()
