"""Sessions at the hosted SFTP server: what four hundred idle ones take of an upload, and what two hundred logins cost.

    python -m bench.run --only sessions --no-results

Uploads are OpenSSH's own client's, with and without the idle ones beside them, in turn. All sessions come from
loopback addresses of their own, because one address may have forty.
"""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import psutil

from bench.report import MEGABYTE, Line, ratio_line
from bench.system import System
from bench.tenant import client_of
from services.dropserver.sftp import raise_descriptor_limit
from shared.transfer.keys import described, make_private_key

IDLE = 400
LOGINS = 200
AT_A_TIME = 10
ATTEMPTS = 30
PER_ADDRESS = 20
UPLOAD_BYTES = 200_000_000
LOGINS_AIM, LOGINS_LIMIT = 4.0, 8.0
"""Seconds for all; with keys that were parsed anew at each login it was 46."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A hosted folder's server and one login to it, by password and by key."""

    sheet: dict[str, Any]
    by_key: dict[str, Any]
    key: str
    shown: asyncssh.SSHKey
    pid: int

    @asynccontextmanager
    async def session(self, number: int) -> AsyncIterator[asyncssh.SFTPClient]:
        """A session from one of many addresses."""
        connection = await self._connected(number)
        async with connection, connection.start_sftp_client() as sftp:
            yield sftp

    async def _connected(self, number: int) -> asyncssh.SSHClientConnection:
        """Let in, if need be after the server has asked to try again: its database did not keep up."""
        for _ in range(ATTEMPTS):
            try:
                return await asyncssh.connect(
                    self.sheet["host"],
                    self.sheet["port"],
                    local_addr=(f"127.0.1.{1 + number // PER_ADDRESS}", 0),
                    username=self.sheet["username"],
                    password=self.sheet["password"],
                    known_hosts=([self.shown], [], []),
                    config=None,
                    agent_path=None,
                    client_keys=None,
                )
            except asyncssh.ServiceNotAvailable:
                await asyncio.sleep(1)
        raise RuntimeError(f"{ATTEMPTS} times nobody could say whether the login is right")


async def measure(system: System, rounds: int) -> list[Line]:
    """Uploads with idle sessions beside them as a ratio to those without; logins at once, and what each costs."""
    raise_descriptor_limit()
    hosted = await _hosted(system)
    server = psutil.Process(hosted.pid)
    with tempfile.TemporaryDirectory(prefix="tidegate-sessions-") as name:
        desk = Path(name)
        _prepare(desk, hosted)
        beside, alone, idle_bytes = [], [], []
        for _ in range(rounds):
            alone.append(await asyncio.to_thread(_upload, desk, hosted))
            before = server.memory_info().rss
            async with AsyncExitStack() as stack:
                await _enter(hosted, stack, IDLE)
                idle_bytes.append(server.memory_info().rss - before)
                beside.append(await asyncio.to_thread(_upload, desk, hosted))
    seconds, spent = [], []
    for _ in range(rounds):
        spent_before = _spent(server)
        began = time.monotonic()
        await asyncio.gather(*(_visit(hosted, number) for number in range(LOGINS)))
        seconds.append(time.monotonic() - began)
        spent.append((_spent(server) - spent_before) / LOGINS)
    each = statistics.median(spent) * 1_000
    return [
        ratio_line(f"upload beside {IDLE} idle sessions, to one alone", beside, alone, aim=1.1, limit=1.3),
        Line("memory of an idle session", max(idle_bytes) / IDLE / 1_000, "kB", detail=_peak(server)),
        Line(
            f"{LOGINS} logins at once, each with an upload",
            statistics.median(seconds),
            "s",
            LOGINS_AIM,
            LOGINS_LIMIT,
            f"{each:.1f} ms of the server's processor each",
        ),
    ]


def _spent(server: psutil.Process) -> float:
    """Seconds of processor time."""
    times = server.cpu_times()
    return float(times.user + times.system)


def _peak(server: psutil.Process) -> str:
    return f"the server then has {server.memory_info().rss / MEGABYTE:.0f} MB"


async def _hosted(system: System) -> Hosted:
    key = make_private_key()
    async with client_of(system) as client:
        folder = await client.post("/v1/drop-folders", {"name": "sessions"})
        logins = f"/v1/drop-folders/{folder['id']}/credentials"
        sheet = await client.post(logins, {})
        by_key = await client.post(logins, {"public_key": described(asyncssh.import_private_key(key)).line})
    shown = await asyncssh.get_server_host_key(sheet["host"], sheet["port"], server_host_key_algs=["ssh-ed25519"])
    if shown is None or shown.get_fingerprint() not in sheet["host_key_fingerprints"]:
        raise RuntimeError("the SFTP server's key is not the one on the sheet")
    return Hosted(sheet, by_key, key, shown, system.pids["dropserver"])


def _prepare(desk: Path, hosted: Hosted) -> None:
    (desk / "key").write_text(hosted.key)
    (desk / "key").chmod(0o600)
    host = f"[{hosted.sheet['host']}]:{hosted.sheet['port']}"
    (desk / "known").write_text(f"{host} {hosted.shown.export_public_key().decode()}")
    block = b"0" * 1_000_000
    with (desk / "file").open("wb") as file:
        for _ in range(UPLOAD_BYTES // len(block)):
            file.write(block)
    (desk / "batch").write_text(f"put {desk / 'file'} large.csv\n")


def _upload(desk: Path, hosted: Hosted) -> float:
    """Seconds of OpenSSH's client, from its start to its end."""
    options = [f"UserKnownHostsFile={desk / 'known'}", "StrictHostKeyChecking=yes", f"Port={hosted.sheet['port']}"]
    command = ["sftp", "-q", "-F", "none", "-i", str(desk / "key"), *(f"-o{each}" for each in options)]
    address = f"{hosted.by_key['username']}@{hosted.sheet['host']}"
    began = time.monotonic()
    subprocess.run([*command, "-b", str(desk / "batch"), address], check=True, capture_output=True, timeout=600)
    return time.monotonic() - began


async def _enter(hosted: Hosted, stack: AsyncExitStack, count: int) -> None:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def enter(number: int) -> None:
        async with turns:
            await stack.enter_async_context(hosted.session(number))

    await asyncio.gather(*(enter(number) for number in range(count)))


async def _visit(hosted: Hosted, number: int) -> None:
    async with hosted.session(number) as sftp, sftp.open(f"{number}.csv", "wb") as file:
        await file.write(b"1")
