"""Fetching a large file from a partner's OpenSSH, beside OpenSSH's own client: the importer's fetch, hash included."""

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from uuid import uuid4

from bench.goal import goal
from bench.partner import partner_server
from bench.report import Line
from services.importer.fetch import fetch
from services.importer.order import Order
from shared.domain.arrival import FileStamp
from shared.domain.connection import Login
from shared.domain.openpgp_key import Bundle
from shared.domain.place import SftpPlace
from shared.domain.run import ClaimedRun
from shared.observe.metrics import Metrics
from shared.runtime.desk import Desk
from shared.transfer.addresses import AddressPolicy
from shared.transfer.dialling import Reach
from shared.transfer.open_folder import Places, open_folder
from tests.fakes.sessions import FreeSessions
from tests.real.openssh import PrivateOpenSSH

SIZE_BYTES = 500_000_000
NAME = "large.csv"
AIM, LIMIT = 1.1, 1.3


def measure(rounds: int) -> list[Line]:
    """Our seconds as a ratio to those of `sftp`, interleaved."""
    ours, theirs = [], []
    with partner_server() as partner, tempfile.TemporaryDirectory(prefix="tidegate-fetched-") as name:
        _write(partner.put(NAME, b""))
        for number in range(rounds):
            theirs.append(_by_openssh(partner, Path(name, f"theirs_{number}")))
            ours.append(asyncio.run(_by_us(partner, Path(name, f"ours_{number}"))))
    found, floor = statistics.median(ours), statistics.median(theirs)
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    detail = f"{found:.2f} s over {floor:.2f} s for 500 MB; rounds {min(ratios):.2f} to {max(ratios):.2f}"
    return [Line("fetch, to OpenSSH's own client", found / floor, "x", AIM, LIMIT, detail)]


def _write(path: Path) -> None:
    block = os.urandom(1_000_000)
    with path.open("wb") as file:
        for _ in range(SIZE_BYTES // len(block)):
            file.write(block)


def _by_openssh(partner: PrivateOpenSSH, target: Path) -> float:
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", f"Port={partner.port}"]
    command = ["sftp", "-q", "-F", "none", "-i", str(partner.client_key), *(f"-o{each}" for each in options)]
    address = f"{partner.username}@{partner.host}:{partner.drop}/{NAME}"
    began = time.monotonic()
    subprocess.run([*command, address, str(target)], check=True, capture_output=True, timeout=300)
    seconds = time.monotonic() - began
    target.unlink()
    return seconds


async def _by_us(partner: PrivateOpenSSH, target: Path) -> float:
    place = SftpPlace(
        transport="sftp",
        host=partner.host,
        port=partner.port,
        username=partner.username,
        home_directory=str(partner.drop),
        host_keys=tuple(partner.host_keys()),
    )
    login = Login(private_key=partner.client_key.read_text(encoding="utf-8"))
    stat = (partner.drop / NAME).stat()
    file = FileStamp(path=NAME, size_bytes=stat.st_size, modified_at=datetime.fromtimestamp(int(stat.st_mtime), UTC))
    now = datetime.now(UTC)
    order = Order(
        goal=goal(),
        properties=(),
        domain_group=1,
        place=place,
        login=login,
        file=file,
        expected_sha256=None,
        expired=None,
        file_name=NAME,
        arrived_at=now,
        upload_id=None,
        kept_file_id=None,
        one_shot=None,
        bundle=Bundle(),
        known_columns=frozenset(),
        is_late=False,
    )
    run = ClaimedRun(
        id=uuid4(),
        account_id=uuid4(),
        goal_id=uuid4(),
        goal_version=1,
        connection_id=uuid4(),
        arrival_id=uuid4(),
        attempt=1,
        token=1,
        queued_at=now,
        started_at=now,
    )
    places = Places(partner.drop, Reach(AddressPolicy((ip_network("127.0.0.0/8"),))), sessions=FreeSessions())
    began = time.monotonic()
    async with open_folder(place, login, places, account_id=run.account_id) as folder:
        await fetch(folder, order, target, Desk(run, "import", Metrics()))
    seconds = time.monotonic() - began
    target.unlink()
    return seconds
