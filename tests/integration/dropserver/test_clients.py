"""What partners really use: OpenSSH's sftp and scp, lftp, curl put, resume, rename, list and remove."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncssh
import pytest
import pytest_asyncio

from services.dropserver.sftp import NOTHING_ELSE
from shared.storage.database import Database
from shared.transfer.keys import described, make_private_key
from tests.integration.dropserver.desk import CONTENT, HALF, Desk
from tests.integration.dropserver.replicas import replicas


@dataclass(frozen=True, slots=True)
class SshDesk(Desk):
    """Where programs run that speak SFTP, also with a key to the same folder."""

    key_username: str

    @property
    def ssh(self) -> list[str]:
        """What OpenSSH's programs want to know."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={self.home}/known_hosts")
        wanted = [word for option in options for word in ("-o", option)]
        return ["-F", "none", "-i", f"{self.home}/id", *wanted]

    async def partial(self, path: str) -> None:
        """An upload of that file that broke off in the middle, as the dropserver leaves one."""
        async with self.house.client(self.username, self.password) as client:
            file = await client.open(path, "wb")
            await file.write(HALF)
            client.exit()
            await client.wait_closed()


@pytest_asyncio.fixture
async def desk(database: Database, account: UUID, tmp_path: Path) -> AsyncIterator[SshDesk]:
    """A server, and a partner's home."""
    home = tmp_path / "home"
    home.mkdir()
    async with replicas(database, account, tmp_path / "drop") as house:
        key = make_private_key()
        (home / "id").write_text(key)
        (home / "id").chmod(0o600)
        by_key, _ = await house.login(public_key=described(asyncssh.import_private_key(key)).line)
        by_password, password = await house.login()
        [server] = house.servers
        known = "".join(f"[127.0.0.1]:{server.port} {shown.line}\n" for shown in server.host_keys)
        (home / "known_hosts").write_text(known)
        (home / "a.csv").write_bytes(CONTENT)
        yield SshDesk(house, home, by_password.username, password, by_key.username)


async def test_openssh_puts_resumes_renames_lists_and_removes(desk: SshDesk) -> None:
    await desk.partial("b.csv")
    (desk.home / "batch").write_text(
        "put a.csv a.csv.part\nrename a.csv.part a.csv\nreput a.csv b.csv\nls -l\nput a.csv c.csv\nrm c.csv\n"
        "rename b.csv a.csv\nget a.csv back\n"
    )
    [server] = desk.house.servers
    there = ["-P", str(server.port)]
    ended = await desk.run("sftp", *desk.ssh, *there, "-b", "batch", f"{desk.key_username}@127.0.0.1")
    assert ended.code == 0, ended.said
    copied = await desk.run("scp", *desk.ssh, *there, "a.csv", f"{desk.key_username}@127.0.0.1:d.csv")
    assert copied.code == 0, copied.said
    assert (desk.home / "back").read_bytes() == (desk.house.directory / "d.csv").read_bytes() == CONTENT
    assert sorted(file.name for file in desk.house.directory.iterdir()) == ["a.csv", "d.csv"]
    # The half file never rang; each other one did once under each name under which it stood.
    assert [each for each in await desk.rung() if each[1] != len(CONTENT)] == []
    assert [path for path, _ in await desk.rung()] == ["a.csv", "b.csv", "c.csv", "a.csv", "d.csv"]


async def test_lftp_puts_resumes_renames_lists_and_removes(desk: SshDesk) -> None:
    await desk.partial("b.csv")
    [server] = desk.house.servers
    connect = f"ssh -a -x -F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile={desk.home}/known_hosts"
    script = (
        f"set sftp:connect-program '{connect}'; set net:max-retries 1; set net:timeout 10; "
        f"open -u {desk.username},{desk.password} -p {server.port} sftp://127.0.0.1; "
        "put a.csv -o a.csv.part && mv a.csv.part a.csv && put -c a.csv -o b.csv && cls -1 && "
        "put a.csv -o c.csv && rm c.csv && get a.csv -o back"
    )
    ended = await desk.run("lftp", "--norc", "-c", script)
    assert ended.code == 0, ended.said
    assert {"a.csv", "b.csv"} <= set(ended.said.split())
    assert (desk.home / "back").read_bytes() == (desk.house.directory / "b.csv").read_bytes() == CONTENT
    assert [each for each in await desk.rung() if each[1] != len(CONTENT)] == []
    assert sorted({path for path, _ in await desk.rung()}) == ["a.csv", "b.csv", "c.csv"]


async def test_curl_puts_resumes_renames_lists_and_removes(desk: SshDesk) -> None:
    await desk.partial("b.csv")
    [server] = desk.house.servers
    fingerprint = server.fingerprints[0].removeprefix("SHA256:")
    curl = ["curl", "-sS", "--max-time", "20", "--hostpubsha256", fingerprint, "-u", f"{desk.username}:{desk.password}"]
    there = f"sftp://127.0.0.1:{server.port}"
    for command in (
        ["-T", "a.csv", f"{there}/a.csv.part", "-Q", "-rename /a.csv.part /a.csv"],
        ["-C", "-", "-T", "a.csv", f"{there}/b.csv"],
        ["-T", "a.csv", f"{there}/c.csv", "-Q", "-rm /c.csv"],
        [f"{there}/a.csv", "-o", "back"],
    ):
        ended = await desk.run(*curl, *command)
        assert ended.code == 0, (command, ended.said)
    listed = await desk.run(*curl, "-l", f"{there}/")
    assert {"a.csv", "b.csv"} <= set(listed.said.split())
    assert "c.csv" not in listed.said
    assert (desk.home / "back").read_bytes() == (desk.house.directory / "b.csv").read_bytes() == CONTENT
    assert [each for each in await desk.rung() if each[1] != len(CONTENT)] == []


@pytest.mark.parametrize("program", ["rsync", "scp -O", "ssh"])
async def test_what_wants_a_command_is_told_what_there_is(desk: SshDesk, program: str) -> None:
    [server] = desk.house.servers
    there = f"{desk.key_username}@127.0.0.1"
    ssh = [*desk.ssh, "-p", str(server.port)]
    command = {
        "rsync": ["rsync", "-e", " ".join(["ssh", *ssh]), "a.csv", f"{there}:"],
        "scp -O": ["scp", "-O", *desk.ssh, "-P", str(server.port), "a.csv", f"{there}:"],
        "ssh": ["ssh", *ssh, there, "id"],
    }[program]
    ended = await desk.run(*command)
    assert ended.code != 0
    assert NOTHING_ELSE.strip() in ended.said
    assert list(desk.house.directory.iterdir()) == []
