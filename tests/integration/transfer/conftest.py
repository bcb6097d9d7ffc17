"""Places for the drivers: a local directory, one that is mounted, SFTP servers (OpenSSH, asyncssh's own, ours), FTPS
servers (vsftpd, pyftpdlib)."""

import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import asyncssh
import pytest

from services.dropserver.house import House
from services.dropserver.sftp import DropServer
from services.dropserver.tenant import Tenant
from services.dropserver.webdav.certificate import Certificate
from services.dropserver.webdav.server import DavServer
from shared.domain.connection import Login
from shared.domain.place import FtpsPlace, SftpPlace, WebDavPlace
from shared.transfer.addresses import AddressPolicy
from shared.transfer.certificates import Certificates
from shared.transfer.dialling import Reach
from shared.transfer.directory import LocalDirectory
from shared.transfer.folder import Deadlines
from shared.transfer.ftps.opening import open_ftps
from shared.transfer.hosted import HostedFolder
from shared.transfer.keys import described, make_private_key
from shared.transfer.mounted import MARKER, Mounted, open_mounted
from shared.transfer.sftp import open_sftp
from shared.transfer.webdav.opening import open_webdav
from tests.eventually import eventually
from tests.fakes.drop import KnownLogins, RememberedUploads
from tests.fakes.folder import FakeFolder
from tests.fakes.room import Roomy
from tests.integration.transfer.grounds import DiskGround, FakeGround, Ground
from tests.integration.transfer.scripted_ftps import Answer, Opened, Opens, ScriptedFtps
from tests.real import apache, pyftpd, vsftpd
from tests.real.apache import PrivateApache
from tests.real.authority import Authority, Issued
from tests.real.openssh import PrivateOpenSSH
from tests.real.pyftpd import Pyftpd
from tests.real.vsftpd import PrivateVsftpd

LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"),))
PASSWORD = "open sesame"


class Server(asyncssh.SSHServer):
    """asyncssh's server for one user; counts what it was shown of a login."""

    def __init__(self, logins: list[str]) -> None:
        self._logins = logins

    def begin_auth(self, username: str) -> bool:
        self._logins.append(f"begin {username}")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._logins.append("password")
        return password == PASSWORD


@dataclass
class Partner:
    """An asyncssh server that stands for a partner's."""

    port: int
    keys: list[asyncssh.SSHKey]
    logins: list[str]

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(described(key).line for key in self.keys)

    def place(self, *pinned: str, **more: object) -> SftpPlace:
        return SftpPlace.model_validate(
            {
                "transport": "sftp",
                "host": "127.0.0.1",
                "port": self.port,
                "username": "partner",
                "host_keys": pinned,
                **more,
            }
        )


def reach(authority: Authority | None = None, **deadlines: float) -> Reach:
    certificates = Certificates(authority.path if authority else None)
    return Reach(policy=LOOPBACK, deadlines=Deadlines(**deadlines), certificates=certificates)


def ftps_place(port: int, **more: object) -> FtpsPlace:
    """A place on an FTPS server of this machine."""
    return FtpsPlace.model_validate({"transport": "ftps", "host": "127.0.0.1", "port": port, **more})


def webdav_place(url: str, **more: object) -> WebDavPlace:
    """A place on a WebDAV server."""
    return WebDavPlace.model_validate({"transport": "webdav", "url": url, "username": apache.USERNAME, **more})


@asynccontextmanager
async def partner(
    root: Path, *types: str, port: int = 0, server: type[asyncssh.SFTPServer] = asyncssh.SFTPServer
) -> AsyncIterator[Partner]:
    """An asyncssh server with host keys of these types."""
    keys = [asyncssh.generate_private_key(kind) for kind in types or ("ssh-ed25519",)]
    logins: list[str] = []
    acceptor = await asyncssh.create_server(
        lambda: Server(logins),
        "127.0.0.1",
        port,
        server_host_keys=keys,
        sftp_factory=lambda channel: server(channel, chroot=str(root).encode()),
    )
    try:
        yield Partner(acceptor.get_port(), keys, logins)
    finally:
        acceptor.close()
        await acceptor.wait_closed()


@pytest.fixture
async def opens(server_certificate: Issued, authority: Authority) -> AsyncIterator[Opens]:
    """Folders on servers with answers of their own. No thread outlives it, and no word of the password is said."""
    servers: list[ScriptedFtps] = []
    with ExitStack() as held:

        def made(*, seconds: float = 10, password: str = PASSWORD, **answers: Answer) -> Opened:
            server = held.enter_context(ScriptedFtps(server_certificate, **answers))
            servers.append(server)
            names = ("connect", "login", "step", "idle", "listing")
            ways = reach(authority, **{f"{name}_seconds": seconds for name in names})
            return open_ftps(ftps_place(server.port, username="shop"), Login(password=password), ways)

        yield made
    heard = [line for server in servers for line in server.heard if not line.startswith("PASS ")]
    assert all(PASSWORD not in line for line in heard)
    await eventually(
        lambda: not any(thread.name.startswith("ftps") for thread in threading.enumerate()), "the threads' end"
    )


@asynccontextmanager
async def _directory(tmp_path: Path) -> AsyncIterator[DiskGround]:
    yield DiskGround(folder=LocalDirectory(tmp_path), disk=tmp_path)


@asynccontextmanager
async def _counted(tmp_path: Path) -> AsyncIterator[DiskGround]:
    yield DiskGround(folder=HostedFolder(LocalDirectory(tmp_path), Roomy()), disk=tmp_path)


@asynccontextmanager
async def _asyncssh(tmp_path: Path) -> AsyncIterator[DiskGround]:
    async with (
        partner(tmp_path) as server,
        open_sftp(server.place(*server.lines), Login(password=PASSWORD), reach()) as folder,
    ):
        yield DiskGround(folder=folder, disk=tmp_path)


@asynccontextmanager
async def _dropserver(tmp_path: Path) -> AsyncIterator[DiskGround]:
    gate = KnownLogins()
    root = tmp_path / "hosted"
    gate.passwords["partner", PASSWORD] = Tenant(uuid4(), uuid4(), uuid4(), root, "mine")
    async with DropServer.open("127.0.0.1", 0, [make_private_key()], gate, RememberedUploads()) as server:
        place = Partner(server.port, [], []).place(*(key.line for key in server.host_keys))
        async with open_sftp(place, Login(password=PASSWORD), reach()) as folder:
            yield DiskGround(folder=folder, disk=root / "mine", takes_any_name=False)


@asynccontextmanager
async def _mounted(tmp_path: Path) -> AsyncIterator[DiskGround]:
    home = tmp_path / "ours" / "deep"
    home.mkdir(parents=True)
    (tmp_path / MARKER).touch()
    async with open_mounted(Mounted(tmp_path), "ours/deep", Deadlines()) as folder:
        yield DiskGround(folder=folder, disk=home)


@asynccontextmanager
async def _openssh(request: pytest.FixtureRequest) -> AsyncIterator[DiskGround]:
    server: PrivateOpenSSH = request.getfixturevalue("openssh_server")
    name = f"test-{uuid4().hex}"
    server.put(f"{name}/first", b"").unlink()
    place = Partner(server.port, [], []).place(*server.host_keys(), username=server.username, home_directory=name)
    async with open_sftp(place, Login(private_key=server.client_key.read_text()), reach()) as folder:
        yield DiskGround(
            folder=folder,
            disk=server.drop / name,
            lay=lambda path, content: server.put(f"{name}/{path}", content),
        )


@asynccontextmanager
async def _vsftpd(request: pytest.FixtureRequest) -> AsyncIterator[DiskGround]:
    server: PrivateVsftpd = request.getfixturevalue("vsftpd")
    root = server.drop / f"test-{uuid4().hex}"
    root.mkdir()
    place = ftps_place(server.port, username=vsftpd.USERNAME, home_directory=root.name)
    ways = reach(request.getfixturevalue("authority"))
    async with open_ftps(place, Login(password=vsftpd.PASSWORD), ways) as folder:
        yield DiskGround(folder=folder, disk=root, kinds="told in listings", cannot_say=b"\r\n")


@asynccontextmanager
async def _pyftpdlib(request: pytest.FixtureRequest) -> AsyncIterator[DiskGround]:
    root: Path = request.getfixturevalue("tmp_path")
    ways = reach(request.getfixturevalue("authority"))
    with Pyftpd(root, request.getfixturevalue("server_certificate")) as server:
        place = ftps_place(server.port, username=pyftpd.USERNAME)
        async with open_ftps(place, Login(password=pyftpd.PASSWORD), ways) as folder:
            yield DiskGround(folder=folder, disk=root, kinds="directories alone", cannot_say=b"\r\n", finds_bytes=False)


@asynccontextmanager
async def _apache(request: pytest.FixtureRequest) -> AsyncIterator[DiskGround]:
    server: PrivateApache = request.getfixturevalue("apache_server")
    name = f"test {uuid4().hex}"
    server.put(f"{name}/first", b"").unlink()
    place = webdav_place(server.url(f"digest/{quote(name)}"))
    ways = reach(request.getfixturevalue("authority"))
    async with open_webdav(place, Login(password=apache.PASSWORD), ways) as folder:
        yield DiskGround(
            folder=folder,
            disk=server.drop / name,
            lay=lambda path, content: server.put(f"{name}/{path}", content),
            kinds="hidden",
        )


@asynccontextmanager
async def _hosted_webdav(request: pytest.FixtureRequest) -> AsyncIterator[DiskGround]:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    issued: Issued = request.getfixturevalue("server_certificate")
    gate, root = KnownLogins(), tmp_path / "hosted"
    gate.passwords[apache.USERNAME, PASSWORD] = Tenant(uuid4(), uuid4(), uuid4(), root, "mine")
    async with (
        House.open(gate, RememberedUploads()) as house,
        DavServer.open(house, "127.0.0.1", 0, Certificate(issued.path, None)) as server,
    ):
        place = webdav_place(f"https://127.0.0.1:{server.port}/")
        async with open_webdav(place, Login(password=PASSWORD), reach(request.getfixturevalue("authority"))) as folder:
            yield DiskGround(folder=folder, disk=root / "mine", takes_any_name=False, kinds="hidden")


_OPENERS = {
    "directory": _directory,
    "hosted": _counted,
    "mounted": _mounted,
    "asyncssh": _asyncssh,
    "dropserver": _dropserver,
}
_SERVERS = {
    "openssh": _openssh,
    "vsftpd": _vsftpd,
    "pyftpdlib": _pyftpdlib,
    "apache": _apache,
    "hosted webdav": _hosted_webdav,
}
_ON_DISK = [*_OPENERS, *_SERVERS]


@pytest.fixture(params=[*_ON_DISK, "fake"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    """Every driver, on every server it should get along with, and the fake that stands for them in other tests."""
    if request.param == "fake":
        yield FakeGround(folder=FakeFolder())
        return
    async with _opened(request, tmp_path) as opened:
        yield opened


@pytest.fixture(params=_ON_DISK)
async def disk_ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DiskGround]:
    """The same drivers, where a test puts there what only a disk can hold, or looks at what lies beside the place."""
    async with _opened(request, tmp_path) as opened:
        yield opened


def _opened(request: pytest.FixtureRequest, tmp_path: Path) -> AbstractAsyncContextManager[DiskGround]:
    return _SERVERS[request.param](request) if request.param in _SERVERS else _OPENERS[request.param](tmp_path)
