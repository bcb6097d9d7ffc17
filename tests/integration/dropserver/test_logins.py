"""Logins of hosted folders as the database has them: rights, end, networks, rotation, last use."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncssh
import pytest

from services.dropserver.tenant import Limits
from shared.domain.hosted_login import Right
from shared.domain.integration import Integration, IntegrationState
from shared.storage import credentials, integrations, login_scores
from shared.storage.accounts import OPERATOR
from shared.storage.credentials import Allowed
from shared.storage.database import Database
from shared.transfer.keys import described
from tests.eventually import eventually
from tests.integration.dropserver.replicas import Replicas, replicas

SOON = Limits(attend_seconds=0.1)


async def test_each_right_is_asked_for_at_every_operation(database: Database, account: UUID, tmp_path: Path) -> None:
    """What a login with one right alone may do, and nothing else of what the protocol has."""
    async with replicas(database, account, tmp_path) as house:
        (house.directory / "d").mkdir(parents=True)
        (house.directory / "a.csv").write_text("1")
        allowed: dict[Right, set[str]] = {}
        for right in Right:
            made, password = await house.login(Allowed(rights=frozenset({right})))
            async with house.client(made.username, password) as client:
                attempts = {
                    "open to read": lambda c=client: _open(c, "a.csv", "rb"),
                    "open to write": lambda c=client: _open(c, "b.csv", "wb"),
                    "open to append": lambda c=client: _open(c, "b.csv", "ab"),
                    "open to read and write": lambda c=client: _open(c, "b.csv", "r+b"),
                    "list": lambda c=client: c.listdir("."),
                    "make directory": lambda c=client: c.mkdir("new"),
                    "remove directory": lambda c=client: c.rmdir("new"),
                    "rename": lambda c=client: c.rename("b.csv", "c.csv"),
                    "rename over": lambda c=client: c.posix_rename("c.csv", "b.csv"),
                    "set time": lambda c=client: c.utime("b.csv", (1, 1)),
                    "set mode": lambda c=client: c.chmod("b.csv", 0o600),
                    "copy": lambda c=client: c.remote_copy("a.csv", "e.csv"),
                    "remove": lambda c=client: c.remove("b.csv"),
                    "size": lambda c=client: c.stat("a.csv"),
                    "link": lambda c=client: c.symlink("a.csv", "l.csv"),
                }
                allowed[right] = set()
                for name, attempt in attempts.items():
                    try:
                        await attempt()
                        allowed[right].add(name)
                    except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported):
                        continue
        assert allowed == {
            Right.READ: {"open to read", "size"},
            Right.WRITE: {
                "open to write", "open to append", "make directory", "remove directory", "rename", "rename over",
                "set time", "set mode", "remove", "size",
            },
            Right.LIST: {"list", "size"},
        }  # fmt: skip


async def test_a_login_ends_with_its_time_also_within_a_session(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        # As long as it takes to get in, on a machine that has much else to do.
        soon = datetime.now(UTC) + timedelta(seconds=4)
        made, password = await house.login(Allowed(expires_at=soon))
        async with house.client(made.username, password) as client:
            file = await client.open("a.csv", "wb")
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="expired"):  # noqa: PT012 until it is refused
                while datetime.now(UTC) < soon + timedelta(seconds=10):
                    await file.write(b"1")
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="expired"):
                await client.listdir(".")
        assert not await house.lets_in(made.username, password)


async def test_a_login_opens_from_its_networks_alone_and_tells_its_last_use(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        outside, password = await house.login(Allowed(source_networks=("192.0.2.0/24",)))
        assert not await house.lets_in(outside.username, password)
        inside, other = await house.login(Allowed(source_networks=("192.0.2.0/24", "127.0.0.0/8")))
        assert await house.lets_in(inside.username, other)

        async def used() -> list[bool]:
            async with database.account(account, read_only=True) as tx:
                found = [await credentials.get(tx, each.id) for each in (outside, inside)]
            return [each.last_used_at is not None for each in found]

        async def is_told() -> bool:
            return any(await used())

        await eventually(is_told, "the last use to be noted")
        assert await used() == [False, True]


async def test_a_paused_account_and_a_revoked_login_are_let_go_and_nobody_is_blamed(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, limits=SOON) as house:
        paused, password = await house.login()
        revoked, other = await house.login()

        async def say(state: IntegrationState) -> None:
            async with database.account(account) as tx:
                await integrations.change(tx, Integration.HOSTED_FOLDERS, state)

        for end in (revoked, paused):
            async with house.client(end.username, other if end is revoked else password) as client:
                if end is revoked:
                    async with database.account(account) as tx:
                        await credentials.revoke(tx, revoked.id)
                else:
                    await say(IntegrationState.PAUSED)
                with pytest.raises((asyncssh.SFTPError, asyncssh.ConnectionLost)):  # noqa: PT012 until it is sent away
                    async with asyncio.timeout(10):
                        while True:
                            await client.stat(".")
        for _ in range(3):
            with pytest.raises(asyncssh.ServiceNotAvailable, match="paused"):
                async with house.client(paused.username, password):
                    pass
        await say(IntegrationState.ACTIVE)
        assert await house.lets_in(paused.username, password)
        for owner in (account, OPERATOR):
            async with database.account(owner, read_only=True) as tx:
                assert await login_scores.page(tx, login_scores.CountedFilter(), 10) == []
        # Who guesses is counted like anywhere: it is not told which user names there are.
        await say(IntegrationState.PAUSED)
        assert not await house.lets_in(paused.username, "guess")

        async def is_counted() -> bool:
            async with database.account(OPERATOR, read_only=True) as tx:
                return len(await login_scores.page(tx, login_scores.CountedFilter(), 10)) == 1

        await eventually(is_counted, "the guess to be counted")


async def test_what_is_under_way_is_finished_when_the_account_pauses(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, limits=SOON) as house:
        made, password = await house.login()
        async with house.client(made.username, password) as busy, house.client(made.username, password) as idle:
            file = await busy.open("a.csv", "wb")
            await file.write(b"first")
            async with database.account(account) as tx:
                await integrations.change(tx, Integration.HOSTED_FOLDERS, IntegrationState.PAUSED)
            await _sent_away(idle)
            with pytest.raises(asyncssh.SFTPFailure, match="paused"):
                await busy.open("b.csv", "wb")
            await file.write(b" and last")
            await file.close()
            await _sent_away(busy)
        assert (house.directory / "a.csv").read_bytes() == b"first and last"
        assert await _states(house) == ["closed"]


async def test_a_rotated_secret_ends_the_sessions_that_came_in_with_it_once_it_opens_no_longer(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, limits=SOON) as house:
        made, first = await house.login()

        async def rotate(seconds: float | None) -> str:
            until = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
            async with database.account(account) as tx:
                held = await credentials.lock(tx, house.folder_id, made.id)
                return (await credentials.rotate(tx, held, None, until))[1] or ""

        async with house.client(made.username, first) as old:
            second = await rotate(60)

            def is_noticed() -> bool:
                [doorman] = house.servers[0]._doormen
                return doorman.tenant is not None and doorman.tenant.expires_at is not None

            # The former secret opens a minute longer, and so does its session.
            await eventually(is_noticed, "the rotation to be noticed")
            async with house.client(made.username, second) as new:
                await old.stat(".")
                await rotate(60)
                await _sent_away(old)
                await new.stat(".")
                await rotate(None)
                await _sent_away(new)


async def test_what_is_changed_of_a_login_holds_for_who_is_in_already(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, limits=SOON) as house:
        made, password = await house.login()

        async def change(allowed: Allowed) -> None:
            async with database.account(account) as tx:
                await credentials.change(tx, await credentials.lock(tx, house.folder_id, made.id), allowed)

        async with house.client(made.username, password) as client:
            file = await client.open("a.csv", "wb")
            await file.write(b"half")
            await change(Allowed(rights=frozenset({Right.READ})))
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="right to list"):  # noqa: PT012 until it is refused
                async with asyncio.timeout(10):
                    while True:
                        await client.listdir(".")
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="right to write"):
                await file.write(b" a file")
            # Clients close a file of which a part was refused; it is not what they sent.
            with pytest.raises(asyncssh.SFTPFailure, match="send the file again"):
                await file.close()
            await change(Allowed())
            await eventually(lambda: _may_list(client), "the right to be given back")
            await change(Allowed(source_networks=("192.0.2.0/24",)))
            await _sent_away(client)
        assert await _states(house) == ["broken"]


async def test_a_rotated_secret_opens_until_its_time_and_never_again(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)]
    lines = [described(key).line for key in keys]
    async with replicas(database, account, tmp_path) as house:
        made, first = await house.login()

        async def rotate(public_key: str | None, seconds: float | None) -> str:
            until = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
            async with database.account(account) as tx:
                held = await credentials.lock(tx, house.folder_id, made.id)
                return (await credentials.rotate(tx, held, public_key, until))[1] or ""

        async def opened() -> list[bool]:
            by_password = [await house.lets_in(made.username, each) for each in passwords if each]
            by_key = [await house.lets_in(made.username, client_keys=[key], password=None) for key in keys]
            return by_password + by_key

        passwords = [first]
        assert await opened() == [True, False, False]
        passwords.append(await rotate(None, 60))
        assert await opened() == [True, True, False, False]
        # Another kind of secret; what was former before is none now.
        passwords.append(await rotate(lines[0], 60))
        assert await opened() == [False, True, True, False]
        await rotate(lines[1], None)
        assert await opened() == [False, False, False, True]
        await rotate(lines[0], -1)
        assert await opened() == [False, False, True, False]


async def _sent_away(client: asyncssh.SFTPClient) -> None:
    """Ask for something until the connection is gone."""
    with pytest.raises((asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)):  # noqa: PT012 until then
        async with asyncio.timeout(10):
            while True:
                await client.stat(".")


async def _may_list(client: asyncssh.SFTPClient) -> bool:
    try:
        await client.listdir(".")
    except asyncssh.SFTPPermissionDenied:
        return False
    return True


async def _states(house: Replicas) -> list[str]:
    async with house.database.account(house.account_id, read_only=True) as tx:
        rows = await tx.connection.fetch("SELECT state FROM tidegate.uploads ORDER BY opened_at")
    return [row["state"] for row in rows]


async def _open(client: asyncssh.SFTPClient, path: str, mode: str) -> None:
    async with client.open(path, mode):
        pass
