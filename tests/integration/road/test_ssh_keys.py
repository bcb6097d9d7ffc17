"""A key pair made here lets several connections in at a real server; SHA-1 is told where it is allowed."""

from collections.abc import Callable
from uuid import UUID

from shared.bus.in_process import InProcessBus
from shared.domain.connection import ConnectionSettings
from shared.domain.place import SftpPlace
from shared.observe.metrics import Metrics
from shared.runtime.service import Base, base_of
from shared.storage import connections, goals, ssh_keys
from shared.storage.ssh_keys import NewKeyPair
from shared.transfer import keys
from tests.eventually import eventually
from tests.integration.road.conftest import system
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import goal, make_tenant
from tests.real.openssh import PrivateOpenSSH


async def test_one_key_pair_lets_several_connections_in_and_sha_1_is_told(
    base: Base, account: UUID, own_openssh: Callable[..., PrivateOpenSSH]
) -> None:
    server = own_openssh(settings=["HostKeyAlgorithms ssh-rsa"])
    pair = keys.generated("ed25519")
    (server.folder / "authorized_keys").write_text(f"{pair.public.line} for the shop\n")
    settings = base.settings.model_copy(update={"legacy_ssh_keys": True})
    allowing = await base_of(settings, base.database, InProcessBus(), Metrics())
    tenant = await make_tenant(allowing, account)
    new = NewKeyPair(pair.public.algorithm, pair.bits, pair.public.fingerprint, pair.public.line, pair.private_key)
    made = []
    async with base.database.account(account) as tx:
        stored = await ssh_keys.add(tx, allowing.keys, "for the shop", "", new)
        for number in range(2):
            server.put(f"shop{number}/a.csv", f"email,name\nann{number}@example.com,Ann\n".encode())
            place = SftpPlace(
                transport="sftp",
                host=server.host,
                port=server.port,
                username=server.username,
                home_directory=f"shop{number}",
                host_keys=tuple(server.host_keys()),
                ssh_key_id=stored.id,
            )
            # Beside the account's key: a key of its own, which the server does not know.
            own = {"private_key": keys.make_private_key()}
            asked = ConnectionSettings(name=f"Shop {number}", interval_seconds=10, place=place)
            made.append((await connections.create(tx, allowing.keys, asked, own if number else {}, email=None)).id)
            await goals.create(tx, made[-1], goal(name=f"Contacts {number}"), email=None)
    async with system(allowing):
        await eventually(lambda: len([*server.drop.glob("*/a.csv.done")]) == 2, "every file to be marked")
    async with base.database.account(account) as tx:
        found = [await connections.get(tx, each) for each in made]
        used = await ssh_keys.get(tx, stored.id)
    assert [each.legacy_algorithms for each in found] == [["host_key_ssh_rsa"]] * 2
    async with gateway_of(tenant) as client:
        shown = await client.ask("GET", f"/v1/connections/{made[0]}", 200)
        key = await client.ask("GET", f"/v1/ssh-keys/{stored.id}", 200)
    assert [each["code"] for each in shown["warnings"]] == ["legacy_algorithm"]
    assert "SHA-1" in shown["warnings"][0]["detail"]
    assert (set(key["connection_ids"]), key["warnings"]) == ({str(each) for each in made}, [])
    assert used.last_used_at is not None
    assert len(await tenant.runs()) == 2
